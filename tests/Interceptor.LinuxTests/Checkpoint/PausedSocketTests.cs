using System.Net;
using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Checkpoint;

public sealed class PausedSocketTests
{
    [Fact]
    public void A_connection_signed_with_md5_is_refused_and_goes_on()
    {
        using var link = new TcpLink(SignForLoopback, SignForLoopback);
        var exception = Assert.Throws<CheckpointException>(() => link.Attach());
        Assert.Equal(CheckpointFailure.Refused, exception.Failure);
        Assert.Contains("MD5", exception.Message, StringComparison.Ordinal);
        link.Client.Send("signed"u8);
        Assert.Equal(TcpLink.Sha256("signed"u8), TcpLink.ReadSha256(link.Server, 6));
    }

    /// <summary>TCP_MD5SIG with struct tcp_md5sig: the peer's sockaddr_storage, the key's length at 130, the key at 136.</summary>
    internal static void SignForLoopback(Socket socket)
    {
        const int TCP_MD5SIG = 14;
        var signature = new byte[216];
        signature[0] = Libc.AF_INET;
        signature[4] = 127;
        signature[7] = 1;
        signature[130] = 4;
        "key!"u8.CopyTo(signature.AsSpan(136));
        socket.SetRawSocketOption(Libc.IPPROTO_TCP, TCP_MD5SIG, signature);
    }

    [Fact]
    public void A_dump_that_is_let_go_leaves_the_connection_with_its_owner()
    {
        using var link = new TcpLink();
        byte[] toServer = TcpLink.Fill(link.Client, seed: 1, limit: 40_000);
        TcpLink.WaitUntil(() => link.Server.Available == toServer.Length, "the client's data at the server");
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            SessionImage image = paused.Dump();
            Assert.True(image.ReceiveQueue.Span.SequenceEqual(toServer));
        }

        Assert.Equal(TcpLink.Sha256(toServer), TcpLink.ReadSha256(link.Server, toServer.Length));
        link.Server.Send("still here"u8);
        Assert.Equal(TcpLink.Sha256("still here"u8), TcpLink.ReadSha256(link.Client, 10));
        Assert.Equal(0, link.ResetsSent());
    }

    [Fact]
    public void The_dump_agrees_with_what_both_applications_know()
    {
        using var link = new TcpLink();
        byte[] toServer = TcpLink.Fill(link.Client, seed: 1, limit: 40_000);
        TcpLink.WaitUntil(() => link.Server.Available == toServer.Length, "the client's data at the server");
        TcpLink.ReadSha256(link.Server, 15_000);
        byte[] toClient = TcpLink.Fill(link.Server, seed: 2);
        using IDisposable held = link.Lock();
        using PausedSocket paused = link.Attach();
        paused.Pause();
        SessionImage image = paused.Dump();
        TcpSnapshot snapshot = image.Snapshot;
        Assert.Equal(15_000, image.ReadOffset);
        Assert.Equal(toClient.Length, image.WrittenOffset(StreamOrigin.Accepted));
        Assert.True(image.ReceiveQueue.Span.SequenceEqual(toServer.AsSpan(15_000)));
        Assert.True(image.SendQueue.Span.SequenceEqual(toClient.AsSpan(toClient.Length - image.SendQueue.Length)));
        Assert.Equal(image.SendQueue.Length, snapshot.QueuedBytes);
        Assert.Equal(image.SentPart.Length + image.UnsentPart.Length, snapshot.QueuedBytes);
        Assert.True(snapshot.SndUna <= snapshot.SndNxt && snapshot.SndNxt <= snapshot.WriteSeq && snapshot.CopiedSeq <= snapshot.RcvNxt);
        Assert.True(snapshot is { WindowScaling: true, SackPermitted: true, Timestamps: true });
    }

    [Fact]
    public void The_connecting_side_counts_its_syn()
    {
        using var link = new TcpLink();
        link.Client.Send("12345"u8);
        TcpLink.ReadSha256(link.Server, 5);
        SocketOwner owner = SocketFinder.Find(Environment.ProcessId, link.ClientEndpoint, link.ServerEndpoint);
        using PausedSocket paused = PausedSocket.Attach(owner);
        TcpLink.WaitUntil(() => Option(link.Client, Libc.IPPROTO_TCP, Libc.TCP_INFO, 280)[120] == 6, "the acknowledgement of the client's bytes");
        paused.Pause();
        Assert.Equal(5, paused.Dump().WrittenOffset(StreamOrigin.Connected));
    }

    [Fact]
    public void Unsent_data_stays_unsent_while_acknowledgements_arrive()
    {
        using var link = new TcpLink();
        TcpLink.Fill(link.Server, seed: 2);
        SessionImage first;
        using (link.Lock())
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            first = paused.Dump();
            SessionImage again = paused.Dump();
            Assert.True(first.UnsentPart.Length > 0);
            Assert.Equal(first.Snapshot.SndNxt, again.Snapshot.SndNxt);
        }

        // The snapshot moved nothing: all of it arrives, and without a retransmission timeout's worth of repeats.
        Assert.Equal(
            TcpLink.Sha256(TcpLink.Pattern(2, 8 << 20).AsSpan(0, (int)first.WrittenOffset(StreamOrigin.Accepted))),
            TcpLink.ReadSha256(link.Client, (int)first.WrittenOffset(StreamOrigin.Accepted)));
    }

    [Fact]
    public void A_server_can_listen_again_on_its_port_after_a_snapshot()
    {
        using var link = new TcpLink(listener => listener.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_REUSEADDR, BitConverter.GetBytes(1)));
        var port = (IPEndPoint)link.Listener.LocalEndPoint!;
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            paused.Dump();
        }

        Assert.Equal(1, BitConverter.ToInt32(Option(link.Server, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 4)));

        // The server closes first, so its end stays in TIME-WAIT under that port.
        link.Server.Shutdown(SocketShutdown.Both);
        link.Client.Receive(new byte[1]);
        link.Client.Dispose();
        link.Server.Dispose();
        link.Listener.Dispose();
        link.Namespace.Run(() =>
        {
            using var next = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            next.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_REUSEADDR, BitConverter.GetBytes(1));
            next.Bind(port);
            next.Listen();
        });
    }

    [Fact]
    public void A_peek_offset_neither_shifts_the_dump_nor_is_moved_by_it()
    {
        using var link = new TcpLink();
        link.Client.Send("0123456789"u8);
        TcpLink.WaitUntil(() => link.Server.Available == 10, "the client's data at the server");
        link.Server.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, BitConverter.GetBytes(4));
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            Assert.True(paused.Dump().ReceiveQueue.Span.SequenceEqual("0123456789"u8));
        }

        Assert.Equal(4, BitConverter.ToInt32(Option(link.Server, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, 4)));
    }

    [Fact]
    public void Urgent_data_is_refused_and_still_there_afterwards()
    {
        using var link = new TcpLink();
        link.Client.Send("abcd"u8);
        link.Client.Send("!"u8, SocketFlags.OutOfBand);
        link.Client.Send("efgh"u8);
        TcpLink.WaitUntil(() => link.Server.Poll(0, SelectMode.SelectError), "urgent data");
        var exception = Assert.Throws<CheckpointException>(() => link.Attach());
        Assert.Equal(CheckpointFailure.Refused, exception.Failure);
        Assert.Contains("urgent", exception.Message, StringComparison.Ordinal);
        var urgent = new byte[1];
        Assert.Equal(1, link.Server.Receive(urgent, SocketFlags.OutOfBand));
        Assert.Equal((byte)'!', urgent[0]);
    }

    [Fact]
    public void A_half_closed_connection_that_is_let_go_goes_on_to_its_end()
    {
        using var link = new TcpLink();
        link.Client.Send("the last words"u8);
        link.Client.Shutdown(SocketShutdown.Send);
        TcpLink.WaitUntil(() => Option(link.Server, Libc.IPPROTO_TCP, Libc.TCP_INFO, 280)[0] == (byte)TcpState.CloseWait, "the FIN at the server");
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            TcpSnapshot snapshot = paused.Dump().Snapshot;
            Assert.Equal((TcpState.CloseWait, true, false, 14), (snapshot.State, snapshot.FinReceived, snapshot.FinQueued, snapshot.UnreadBytes));
        }

        Assert.Equal(TcpLink.Sha256("the last words"u8), TcpLink.ReadSha256(link.Server, 14));
        Assert.Equal(0, link.Server.Receive(new byte[1]));
        link.Server.Send("heard"u8);
        link.Server.Shutdown(SocketShutdown.Send);
        Assert.Equal(TcpLink.Sha256("heard"u8), TcpLink.ReadSha256(link.Client, 5));
        Assert.Equal(0, link.Client.Receive(new byte[1]));
        Assert.Equal(0, link.ResetsSent());
    }

    [Fact]
    public void A_connection_that_is_not_there_is_answered_with_those_that_are()
    {
        using var link = new TcpLink();
        var nobody = new FlowEndpoint(link.ClientEndpoint.Address, 1);
        var exception = Assert.Throws<CheckpointException>(() => SocketFinder.Find(Environment.ProcessId, link.ServerEndpoint, nobody));
        Assert.Equal(CheckpointFailure.NotFound, exception.Failure);
        Assert.Contains($"{link.ServerEndpoint}-{link.ClientEndpoint}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ipv6_connection_moves_too()
    {
        using Interceptor.Interop.NetworkNamespace ns = Interceptor.Testing.KernelTest.CreateNamespace("ipv6");
        (Socket server, Socket client, Socket listener) = ns.Run(() =>
        {
            NativeSocket.BringUp("lo");
            var accepting = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            accepting.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            accepting.Listen();
            var connecting = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            connecting.Connect(accepting.LocalEndPoint!);
            return (accepting.Accept(), connecting, accepting);
        });
        client.Send("over IPv6"u8);
        TcpLink.WaitUntil(() => server.Available == 9, "the client's data at the server");
        SocketOwner owner = SocketFinder.Find(
            Environment.ProcessId, StreamServer.EndpointOf(server.LocalEndPoint!), StreamServer.EndpointOf(server.RemoteEndPoint!));
        RestoredSocket restored;
        using (PausedSocket paused = PausedSocket.Attach(owner))
        {
            paused.Pause();
            SessionImage image = paused.Dump();
            paused.CloseSilently();
            restored = ns.Run(() => SessionRestorer.Restore(image));
        }

        restored.Resume();
        using Socket socket = restored.TakeSocket();
        Assert.Equal(TcpLink.Sha256("over IPv6"u8), TcpLink.ReadSha256(socket, 9));
        socket.Send("back"u8);
        Assert.Equal(TcpLink.Sha256("back"u8), TcpLink.ReadSha256(client, 4));
        Assert.Equal(0, TcpLink.ResetsSent(ns));
        server.Dispose();
        client.Dispose();
        listener.Dispose();
    }

    private static byte[] Option(Socket socket, int level, int name, int length)
    {
        var value = new byte[length];
        socket.GetRawSocketOption(level, name, value);
        return value;
    }
}
