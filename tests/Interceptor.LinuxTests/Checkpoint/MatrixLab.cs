using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>What keeps a connection's packets from its sockets while it is neither here nor there.</summary>
public enum MatrixLock
{
    /// <summary>They are held in the kernel and reinjected, as a move does it.</summary>
    Hold,

    /// <summary>They are dropped, while the connection is an image on disk.</summary>
    Drop,
}

/// <summary>
/// A namespace for many connections, in which a socket's packets get lost while it has a mark, and whose round-trip times are known, so that a restored socket does not wait
/// the three seconds of one that knows nothing. A patient peer sends nothing again by itself in time: what it sends again was lost.
/// </summary>
internal sealed class MatrixLab : IDisposable
{
    /// <summary>The payload of a segment that gets lost with <see cref="LoseShort"/>: with headers its packet has between 700 and 799 bytes.</summary>
    internal const int ShortBytes = 700;

    private const int Lost = 0x7E57;
    private const int ShortLost = 0x7E58;

    /// <summary>Below those that the kernel gives out by itself, so that they tell the peer's packets from the owner's.</summary>
    private const string ClientPorts = "1024:29999";
    private const int FirstClientPort = 1024;
    private const int ServerRtoMicroseconds = 5_000;
    private const int QuickRtoMicroseconds = 20_000;
    private const int PatientRtoMicroseconds = 5_000_000;
    private readonly string _directory = Directory.CreateTempSubdirectory("matrix-").FullName;
    private readonly PacketHold? _inbound;
    private readonly PacketHold? _outbound;
    private int _images;
    private int _clients;

    internal MatrixLab(MatrixLock kind)
    {
        Kind = kind;
        Namespace = TcpLink.CreateNamespace();
        Namespace.Run(() =>
        {
            SetControl("tcp_rto_min_us", PatientRtoMicroseconds);
            SetControl("tcp_early_retrans", kind == MatrixLock.Hold ? 0 : 3);

            foreach (string tool in (ReadOnlySpan<string>)["iptables", "ip6tables"])
            {
                TcpLink.Run(tool, $"-w 5 -A INPUT -m mark --mark {Lost} -j DROP");
                TcpLink.Run(tool, $"-w 5 -A INPUT -m mark --mark {ShortLost} -m length --length {ShortBytes}:{ShortBytes + 99} -j DROP");
                if (kind == MatrixLock.Hold)
                {
                    TcpLink.Run(tool, $"-w 5 -t mangle -A PREROUTING -p tcp --sport {ClientPorts} -m mark ! --mark {FirewallMatch.OwnMark} -j NFQUEUE --queue-num {(int)HoldDirection.In}");
                    TcpLink.Run(tool, $"-w 5 -t mangle -A OUTPUT -p tcp --dport {ClientPorts} -j NFQUEUE --queue-num {(int)HoldDirection.Out}");
                }
            }
        });
        if (kind == MatrixLock.Hold)
        {
            _inbound = StartHold(HoldDirection.In);
            _outbound = StartHold(HoldDirection.Out);
        }

        foreach (LinkFamily family in Enum.GetValues<LinkFamily>())
        {
            LearnRoundTrip(family);
        }
    }

    internal MatrixLock Kind { get; }

    internal NetworkNamespace Namespace { get; }

    /// <param name="family">What its sockets and addresses are.</param>
    /// <param name="isPatient">The client waits for seconds before it sends anything again, unless the lock is one that loses what it sends.</param>
    internal TcpLink Connect(LinkFamily family, bool isPatient = true) => new(
        Namespace,
        static listener => SetTimeout(listener, ServerRtoMicroseconds),
        client =>
        {
            BindPeer(client, family);
            if (Kind == MatrixLock.Drop || !isPatient)
            {
                SetTimeout(client, QuickRtoMicroseconds);
            }
        },
        family);

    /// <summary>What the socket sends from now on gets lost, or no longer.</summary>
    internal static void Lose(Socket socket, bool isLost = true) => Mark(socket, isLost ? Lost : 0);

    /// <summary>Of what the socket sends from now on, segments of <see cref="ShortBytes"/> get lost, however often they are sent, and the others arrive.</summary>
    internal static void LoseShort(Socket socket) => Mark(socket, ShortLost);

    /// <summary>Takes the server's side out of its socket and restores it; in between the peer does what <paramref name="whileFrozen"/> says.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="whileFrozen">Called when there is only the image.</param>
    /// <param name="check">Called with the image and the resumed socket, before the peer's packets get to it.</param>
    internal Socket Move(TcpLink link, Action whileFrozen, Action<SessionImage, Socket> check) => Move(link.ServerEndpoint, link.ClientEndpoint, whileFrozen, check);

    /// <summary>The same for a socket of this process by its ends.</summary>
    internal Socket Move(FlowEndpoint local, FlowEndpoint peer, Action whileFrozen, Action<SessionImage, Socket> check) =>
        Kind == MatrixLock.Hold ? MoveHeld(local, peer, whileFrozen, check) : MoveThroughDisk(local, peer, whileFrozen, check);

    /// <summary>From now on the peers' packets wait until the end of the next move, where that lock is the lab's.</summary>
    internal void HoldPeers() => _inbound?.Hold();

    /// <summary>Binds a peer's socket, so that its packets are told from those of the other ends.</summary>
    internal void BindPeer(Socket peer, LinkFamily family) =>
        peer.Bind(new IPEndPoint(family == LinkFamily.Ipv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, FirstClientPort + _clients++));

    public void Dispose()
    {
        _inbound?.Dispose();
        _outbound?.Dispose();
        Namespace.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private Socket MoveHeld(FlowEndpoint local, FlowEndpoint peer, Action whileFrozen, Action<SessionImage, Socket> check)
    {
        using PausedSocket paused = PausedSocket.Attach(SocketFinder.Find(Environment.ProcessId, local, peer));
        _inbound!.Hold();
        _outbound!.Hold();
        try
        {
            paused.Pause();
            SessionImage image = paused.Dump();
            paused.CloseSilently();
            whileFrozen();
            RestoredSocket restored = Namespace.Run(() => SessionRestorer.Restore(image, FirewallMatch.OwnMark));
            _outbound!.Release(packet => HeldPacketPolicy.MayGoOut(packet.Data, packet.OriginalLength, image.Snapshot) ? HeldVerdict.Accept : HeldVerdict.Drop);
            restored.Resume();
            Assert.Empty(restored.Warnings);
            Socket socket = restored.TakeSocket();
            check(image, socket);
            return socket;
        }
        finally
        {
            _outbound!.Release();
            _inbound!.Release();
        }
    }

    private Socket MoveThroughDisk(FlowEndpoint local, FlowEndpoint peer, Action whileFrozen, Action<SessionImage, Socket> check)
    {
        string directory = Path.Combine(_directory, (++_images).ToString(CultureInfo.InvariantCulture));
        SessionCheckpoint.Take(new SessionCheckpointOptions
        {
            Pid = Environment.ProcessId,
            Local = local,
            Peer = peer,
            Directory = directory,
            Lock = SessionLockKind.Drop,
        });
        whileFrozen();
        RestoredSession session = Namespace.Run(() => SessionRestore.Resume(directory));
        Assert.True(session.LockRemoved);
        Assert.Empty(session.Socket.Warnings);
        Socket socket = session.Socket.TakeSocket();
        check(session.Image, socket);
        Directory.Delete(directory, recursive: true);
        return socket;
    }

    private PacketHold StartHold(HoldDirection direction)
    {
        PacketHold hold = PacketHold.Start(new InterceptionQueueOptions { Number = (ushort)direction }, direction, Namespace);
        hold.Warm();
        return hold;
    }

    /// <summary>The kernel keeps the round-trip times of a connection that has ended (tcp_metrics).</summary>
    private void LearnRoundTrip(LinkFamily family)
    {
        using TcpLink link = Connect(family);
        foreach (Socket sender in (ReadOnlySpan<Socket>)[link.Client, link.Server])
        {
            Socket receiver = sender == link.Client ? link.Server : link.Client;
            for (int i = 0; i < 4; i++)
            {
                sender.Send(new byte[1]);
                Assert.Equal(1, receiver.Receive(new byte[1]));
            }
        }

        link.Server.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, link.Client.Receive(new byte[1]));
        link.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, link.Server.Receive(new byte[1]));
    }

    private static void SetTimeout(Socket socket, int microseconds) =>
        socket.SetRawSocketOption(Libc.IPPROTO_TCP, Libc.TCP_RTO_MIN_US, BitConverter.GetBytes(microseconds));

    private static void Mark(Socket socket, int mark) => socket.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_MARK, BitConverter.GetBytes(mark));

    private static void SetControl(string name, int value) =>
        File.WriteAllText($"/proc/sys/net/ipv4/{name}", value.ToString(CultureInfo.InvariantCulture));
}
