using System.Net;
using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Tcp;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>Sockets before their handshake: one that calls is taken and calls on, one that listens is taken and listens again.</summary>
public sealed class EarlyStateTests(MatrixLabs labs) : IClassFixture<MatrixLabs>
{
    /// <summary>Where packets are dropped, the SYN comes again after its second: once is enough.</summary>
    public static TheoryData<LinkFamily, MatrixLock> Calls() => new()
    {
        { LinkFamily.Ipv4, MatrixLock.Hold }, { LinkFamily.Ipv6, MatrixLock.Hold }, { LinkFamily.Mapped, MatrixLock.Hold }, { LinkFamily.Ipv4, MatrixLock.Drop },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public void A_handshake_goes_on_with_the_same_initial_sequence_number(LinkFamily family, MatrixLock kind)
    {
        for (int i = 0; i < StateMatrixTests.Runs; i++)
        {
            CallOnce(labs[kind], family);
        }
    }

    private static void CallOnce(MatrixLab lab, LinkFamily family)
    {
        using var listener = new Listening(lab, family);
        int resets = TcpLink.ResetsSent(lab.Namespace);

        // What answers the SYN waits before the caller, or gets lost.
        lab.HoldPeers();
        LoseSynAck(lab, "-A");
        using Socket caller = lab.Namespace.Run(() => Call(family, (IPEndPoint)listener.Socket.LocalEndPoint!));
        Assert.Equal(TcpState.SynSent, KernelSocketState.StateOf(caller));
        FlowEndpoint local = StreamServer.EndpointOf(caller.LocalEndPoint!);
        local = local with { Address = local.Address.Unmapped };

        SequenceNumber first = default;
        using Socket restored = lab.Move(local, StreamServer.EndpointOf(listener.Socket.LocalEndPoint!), () => LoseSynAck(lab, "-D"), (image, socket) =>
        {
            Assert.Equal(TcpState.SynSent, image.Snapshot.State);
            Assert.Equal((1, 0, 0), (image.Snapshot.WriteSeq - image.Snapshot.SndUna, image.Snapshot.QueuedBytes, image.Snapshot.UnreadBytes));
            Assert.NotEqual(0u, image.Snapshot.TimestampValue);
            first = image.Snapshot.WriteSeq;
        });
        TcpLink.WaitUntil(() => KernelSocketState.StateOf(restored) == TcpState.Established, "the handshake");
        using Socket accepted = listener.Socket.Accept();
        accepted.Send("welcome"u8);
        Assert.Equal(TcpLink.Sha256("welcome"u8), TcpLink.ReadSha256(restored, 7));
        using (PausedSocket again = PausedSocket.Attach(SocketFinder.Find(Environment.ProcessId, local, StreamServer.EndpointOf(listener.Socket.LocalEndPoint!))))
        {
            again.Pause();
            TcpSnapshot snapshot = again.Dump().Snapshot;
            Assert.Equal(first, snapshot.SndUna);

            // The scale that the first SYN announced is the one that is used.
            Assert.Equal(RestoreTests.Info(accepted).tcpi_wscale & 0xF, snapshot.RcvWindowScale);
            Assert.True(snapshot is { Timestamps: true, SackPermitted: true, WindowScaling: true, MssClamp: > 536 }, snapshot.ToString());
        }

        restored.Send("thank you"u8);
        Assert.Equal(TcpLink.Sha256("thank you"u8), TcpLink.ReadSha256(accepted, 9));
        Assert.Equal(resets, TcpLink.ResetsSent(lab.Namespace));
    }

    [Theory]
    [InlineData(LinkFamily.Ipv4)]
    [InlineData(LinkFamily.Ipv6)]
    [InlineData(LinkFamily.Mapped)]
    public void A_listening_socket_listens_again_with_what_was_set_and_nobody_is_refused_in_between(LinkFamily family)
    {
        MatrixLab lab = labs[MatrixLock.Drop];
        using TcpLink link = lab.Connect(family);
        link.Listener.Listen(7);
        Set(link.Listener, Libc.TCP_DEFER_ACCEPT, 3);
        Set(link.Listener, Libc.TCP_FASTOPEN, 5);
        Set(link.Listener, Libc.TCP_USER_TIMEOUT, 9_000);
        FlowEndpoint local = StreamServer.EndpointOf(link.Listener.LocalEndPoint!);
        using Socket caller = lab.Namespace.Run(() => new Socket(link.Client.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false });
        int resets = link.ResetsSent();
        using Socket restored = lab.Move(
            local, SocketEndpoints.NoPeer(local),
            () =>
            {
                Assert.Equal(TcpState.Closed, KernelSocketState.StateOf(link.Listener));
                StartConnect(caller, link.Client.RemoteEndPoint!);
            },
            (image, socket) =>
            {
                Assert.Equal((TcpState.Listen, 7), (image.Snapshot.State, image.Settings.Backlog));
                Assert.Equal(TcpState.Listen, KernelSocketState.StateOf(socket));
                using FileDescriptor duplicate = RestoreTests.Duplicate(socket);
                SocketSettings after = SocketSettingsIo.Read(duplicate, image.Settings.IsIpv6Socket, "the restored socket");
                Assert.Equal(RestoreTests.Show(image.Settings), RestoreTests.Show(after));
                Assert.Equal([5], after.Options["TCP_FASTOPEN"]);
                Assert.NotEqual([0], after.Options["TCP_DEFER_ACCEPT"]);
            });

        // The connection that was accepted before is none of the lock's business; who called meanwhile gets in.
        link.Client.Send("still here"u8);
        Assert.Equal(TcpLink.Sha256("still here"u8), TcpLink.ReadSha256(link.Server, 10));
        TcpLink.WaitUntil(() => KernelSocketState.StateOf(caller) == TcpState.Established, "the caller's second SYN");
        caller.Send("and new"u8);
        using Socket accepted = restored.Accept();
        Assert.Equal(TcpLink.Sha256("and new"u8), TcpLink.ReadSha256(accepted, 7));
        Assert.Equal(resets, link.ResetsSent());
    }

    [Fact]
    public void Connections_that_wait_to_be_accepted_are_not_thrown_away()
    {
        using var link = new TcpLink();
        using Socket waiting = link.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        waiting.Connect(link.Listener.LocalEndPoint!);
        FlowEndpoint local = StreamServer.EndpointOf(link.Listener.LocalEndPoint!);
        var exception = Assert.Throws<CheckpointException>(() => PausedSocket.Attach(SocketFinder.Find(Environment.ProcessId, local, SocketEndpoints.NoPeer(local))));
        Assert.Equal(CheckpointFailure.Refused, exception.Failure);
        Assert.Contains("1 connection waits to be accepted", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Let the program accept them", exception.Message, StringComparison.Ordinal);
        using Socket accepted = link.Listener.Accept();
        using PausedSocket free = PausedSocket.Attach(SocketFinder.Find(Environment.ProcessId, local, SocketEndpoints.NoPeer(local)));
        Assert.True(free.IsListening);
    }

    [Fact]
    public void What_only_the_kernel_has_is_refused_with_what_to_do_instead()
    {
        using var link = new TcpLink();
        (FlowEndpoint server, FlowEndpoint client) = (link.ServerEndpoint, link.ClientEndpoint);
        link.Server.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, link.Client.Receive(new byte[1]));
        link.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, link.Server.Receive(new byte[1]));
        link.Server.Close();
        CheckpointException waiting = link.Namespace.Run(() => Refused(server, client));
        Assert.Contains("TIME-WAIT", waiting.Message, StringComparison.Ordinal);
        Assert.Contains("stays with this machine", waiting.Message, StringComparison.Ordinal);

        // Its SYN-ACK never arrives: to the listener the handshake stays half done.
        link.Namespace.Run(() => TcpLink.Run("iptables", "-w 5 -A INPUT -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP"));
        using Socket inside = link.Namespace.Run(() => Call(LinkFamily.Ipv4, (IPEndPoint)link.Listener.LocalEndPoint!));
        CheckpointException half = link.Namespace.Run(() => Refused(server, StreamServer.EndpointOf(inside.LocalEndPoint!)));
        Assert.Contains("SYN-RECEIVED", half.Message, StringComparison.Ordinal);
        Assert.Contains("the peer asks again", half.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Early_states_are_listed_as_what_can_be_checkpointed()
    {
        using var link = new TcpLink();
        link.Namespace.Run(() => TcpLink.Run("iptables", "-w 5 -A INPUT -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP"));
        using Socket caller = link.Namespace.Run(() => Call(LinkFamily.Ipv4, (IPEndPoint)link.Listener.LocalEndPoint!));
        IReadOnlyList<SessionOverview> sessions = link.Namespace.Run(() => SessionCatalog.Read(includeOthers: true));
        Assert.True(Assert.Single(sessions, static session => session.State == TcpState.Listen).CanCheckpoint);
        Assert.True(Assert.Single(sessions, static session => session.State == TcpState.SynSent).CanCheckpoint);
        Assert.False(Assert.Single(sessions, static session => session.State == TcpState.SynReceived).CanCheckpoint);
        Assert.Empty(CheckpointPreflight.Inspect(
            Environment.ProcessId, StreamServer.EndpointOf(caller.LocalEndPoint!), StreamServer.EndpointOf(link.Listener.LocalEndPoint!)));
    }

    private static void LoseSynAck(MatrixLab lab, string change)
    {
        if (lab.Kind == MatrixLock.Drop)
        {
            lab.Namespace.Run(() => TcpLink.Run("iptables", $"-w 5 {change} INPUT -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP"));
        }
    }

    private static CheckpointException Refused(FlowEndpoint local, FlowEndpoint peer)
    {
        // The finder looks where the process is: like one that has this thread's namespace.
        var exception = Assert.Throws<CheckpointException>(() => SocketFinder.RefuseOwnerless("/proc/thread-self/ns/net", local, peer));
        Assert.Equal(CheckpointFailure.Refused, exception.Failure);
        return exception;
    }

    private static Socket Call(LinkFamily family, IPEndPoint server)
    {
        var caller = new Socket(family == LinkFamily.Ipv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        if (family == LinkFamily.Mapped)
        {
            caller.DualMode = true;
        }

        IPAddress address = family == LinkFamily.Mapped ? server.Address.MapToIPv6() : server.Address;
        caller.Bind(new IPEndPoint(address, 0));
        StartConnect(caller, new IPEndPoint(address, server.Port));
        return caller;
    }

    private static void StartConnect(Socket caller, EndPoint server)
    {
        try
        {
            caller.Connect(server);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
        }
    }

    private static void Set(Socket socket, int option, int value) => socket.SetRawSocketOption(Libc.IPPROTO_TCP, option, BitConverter.GetBytes(value));

    /// <summary>A peer that is called.</summary>
    private sealed class Listening : IDisposable
    {
        internal Listening(MatrixLab lab, LinkFamily family) => Socket = lab.Namespace.Run(() =>
        {
            var socket = new Socket(family == LinkFamily.Ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            lab.BindPeer(socket, family);
            socket.Listen();
            return socket;
        });

        internal Socket Socket { get; }

        public void Dispose() => Socket.Dispose();
    }
}
