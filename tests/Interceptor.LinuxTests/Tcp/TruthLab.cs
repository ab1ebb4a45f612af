using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>
/// A client, a router and a server, each in a namespace of its own, and one connection through them. Both hosts' packets are recorded at their own
/// interface; what the network does to them (loss, delay, holding) happens on the router, behind both recordings.
/// </summary>
internal sealed class TruthLab : IDisposable
{
    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private const string ClientIp = "10.78.1.1";
    private const string ServerIp = "10.78.2.2";

    // Queue numbers of the router's own namespace.
    private const ushort ToServerQueue = 11;
    private const ushort ToClientQueue = 12;
    private readonly Stack<IDisposable> _owned = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread? _impairing;
    private readonly List<TruthTap> _taps = [];
    private readonly Socket _markers;
    private InterceptSession? _impairments;
    private int _marker;

    internal TruthLab(ImpairmentOptions? impairments = null, Action<Socket>? configureServer = null)
    {
        KernelTest.RequireTool("iptables");
        NetworkNamespace client = ClientHost = Own(KernelTest.CreateNamespace("client"));
        NetworkNamespace router = Own(KernelTest.CreateNamespace("router"));
        NetworkNamespace server = Own(KernelTest.CreateNamespace("server"));
        router.Run(() => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
        Own(VethLink.Create(client, "client0", $"{ClientIp}/24", router, "toclient0", "10.78.1.254/24"));
        Own(VethLink.Create(server, "server0", $"{ServerIp}/24", router, "toserver0", "10.78.2.254/24"));
        client.Run(() => TcpLink.Run("ip", "route add default via 10.78.1.254"));
        server.Run(() => TcpLink.Run("ip", "route add default via 10.78.2.254"));
        ToServer = StartHold(router, ToServerQueue, HoldDirection.In, ServerIp);
        ToClient = StartHold(router, ToClientQueue, HoldDirection.Out, ClientIp);
        if (impairments is not null)
        {
            _impairing = StartImpairing(router, impairments);
        }

        Socket sink = Own(server.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)));
        sink.Bind(new IPEndPoint(IPAddress.Parse(ServerIp), 0));
        _markers = Own(client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)));
        _markers.Connect(sink.LocalEndPoint!);
        ClientTap = Own(new TruthTap(client, "client0"));
        ServerTap = Own(new TruthTap(server, "server0"));
        RouterTap = Own(new TruthTap(router, "toclient0"));
        _taps.AddRange([ClientTap, ServerTap, RouterTap]);
        using Socket listener = server.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        configureServer?.Invoke(listener);
        listener.Bind(new IPEndPoint(IPAddress.Parse(ServerIp), 0));
        listener.Listen();
        Client = Own(client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)));
        Client.NoDelay = true;
        Client.Connect(listener.LocalEndPoint!);
        Server = Own(listener.Accept());
        ClientEnd = StreamServer.EndpointOf(Client.LocalEndPoint!);
        ServerEnd = StreamServer.EndpointOf(Server.LocalEndPoint!);
        Client.Blocking = false;
        Server.Blocking = false;
    }

    internal NetworkNamespace ClientHost { get; }

    internal Socket Client { get; }

    internal Socket Server { get; }

    internal FlowEndpoint ClientEnd { get; }

    internal FlowEndpoint ServerEnd { get; }

    internal TruthTap ClientTap { get; }

    internal TruthTap ServerTap { get; }

    /// <summary>Between the hosts: what is held or lost there was seen on its way in.</summary>
    internal TruthTap RouterTap { get; }

    internal PacketHold ToServer { get; }

    internal PacketHold ToClient { get; }

    /// <summary>Writes as much as the socket takes.</summary>
    internal static int Write(Socket socket, int limit)
    {
        byte[] data = new byte[Math.Min(limit, 65536)];
        int written = 0;
        while (written < limit)
        {
            int count = socket.Send(data.AsSpan(0, Math.Min(data.Length, limit - written)), SocketFlags.None, out SocketError error);
            if (error != SocketError.Success)
            {
                Assert.Equal(SocketError.WouldBlock, error);
                break;
            }

            written += count;
        }

        return written;
    }

    /// <summary>Reads what is there.</summary>
    internal static int Read(Socket socket, int limit)
    {
        byte[] buffer = new byte[65536];
        int read = 0;
        while (read < limit)
        {
            int count = socket.Receive(buffer.AsSpan(0, Math.Min(buffer.Length, limit - read)), SocketFlags.None, out SocketError error);
            if (error != SocketError.Success || count == 0)
            {
                break;
            }

            read += count;
        }

        return read;
    }

    /// <summary>Moves <paramref name="bytes"/> from one end to the other, both on this thread.</summary>
    internal static void Transfer(Socket from, Socket to, int bytes)
    {
        int written = 0;
        int read = 0;
        Until(() =>
        {
            written += Write(from, bytes - written);
            read += Read(to, bytes - read);
            return read == bytes;
        }, $"{bytes} bytes at the reader");
    }

    internal static void Until(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        var spin = default(SpinWait);
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Deadline, $"Waited {Deadline.TotalSeconds} s for: {what}.");
            spin.SpinOnce();
        }
    }

    internal SocketGlance GlanceAtClient() => KernelSocketState.Glance(Client);

    internal SocketGlance GlanceAtServer() => KernelSocketState.Glance(Server);

    /// <summary>A recording at the client's host that begins now, in the middle of the connection.</summary>
    internal TruthTap StartLateTap()
    {
        TruthTap tap = Own(new TruthTap(ClientHost, "client0"));
        _taps.Add(tap);
        return tap;
    }

    internal void Hold()
    {
        ToServer.Hold();
        ToClient.Hold();
        ToServer.Settle();
        ToClient.Settle();
    }

    internal void Release()
    {
        ToServer.Release();
        ToClient.Release();
    }

    /// <summary>
    /// An instant at which kernel and packets can be compared: both sockets are read, the recordings are read up to a marker sent after that, and
    /// both sockets are read again. If they say the same, counters of segments included, the models stand where the sockets stand. Both directions
    /// are held meanwhile, so only a timer can disturb it: then it is tried again. Null where the reading itself made a socket count data as sent
    /// that never left: the release and the retransmission heal that.
    /// </summary>
    internal TruthInstant? TryFreeze()
    {
        Hold();
        if (_impairments is { } session)
        {
            Until(() => session.ReadSummary() is var counts && counts.Received == counts.Accepted + counts.Dropped, "an empty delay queue");
        }

        PassMarker();
        TruthInstant? instant = null;
        bool isDisturbed = false;
        Until(() => (instant = TryTake(ref isDisturbed)) is not null || isDisturbed, "an instant without a segment");
        return isDisturbed ? null : instant;
    }

    private TruthInstant? TryTake(ref bool isDisturbed)
    {
        KernelSocketState client = ReadClient();
        KernelSocketState server = ReadServer();
        PassMarker();
        KernelSocketState clientAgain = ReadClient();
        KernelSocketState serverAgain = ReadServer();
        isDisturbed = client.IsDisturbed || server.IsDisturbed || clientAgain.IsDisturbed || serverAgain.IsDisturbed;
        if (isDisturbed || clientAgain != client || serverAgain != server)
        {
            return null;
        }

        return new TruthInstant
        {
            Client = client,
            Server = server,
            ClientAtClient = ClientTap.Snapshot(ClientEnd, ServerEnd),
            ServerAtClient = ClientTap.Snapshot(ServerEnd, ClientEnd),
            ClientAtServer = ServerTap.Snapshot(ClientEnd, ServerEnd),
            ServerAtServer = ServerTap.Snapshot(ServerEnd, ClientEnd),
            ClientAtRouter = RouterTap.Snapshot(ClientEnd, ServerEnd),
            ServerAtRouter = RouterTap.Snapshot(ServerEnd, ClientEnd),
        };
    }

    private KernelSocketState ReadClient() => KernelSocketState.Read(Client, ClientEnd, ServerEnd);

    private KernelSocketState ReadServer() => KernelSocketState.Read(Server, ServerEnd, ClientEnd);

    // No segment of the connection: neither held nor delayed, and behind everything that both hosts sent and got till now.
    private void PassMarker()
    {
        int marker = ++_marker;
        _markers.Send(BitConverter.GetBytes(marker));
        _taps.ForEach(tap => tap.ReadTo(marker));
    }

    public void Dispose()
    {
        _stop.Cancel();
        _impairing?.Join(Deadline);
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }

        _stop.Dispose();
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    private PacketHold StartHold(NetworkNamespace router, ushort queue, HoldDirection direction, string destination)
    {
        PacketHold hold = Own(PacketHold.Start(new InterceptionQueueOptions { Number = queue }, direction, router));
        Assert.True(FirewallMatch.TryFromFilter(PacketFilter.Compile($"tcp and dst host {destination}", LinkType.Raw), out FirewallMatch match));
        var rule = new FirewallRule(FirewallHook.Prerouting, match, FirewallTarget.ToQueue(queue, bypass: false));
        Own(router.Run(() => FirewallRules.Install([rule])));
        return hold;
    }

    private Thread StartImpairing(NetworkNamespace router, ImpairmentOptions impairments)
    {
        var options = new InterceptOptions
        {
            Hooks = [FirewallHook.Forward],
            Filter = PacketFilter.Compile("tcp", LinkType.Raw),
            Impairments = impairments,
        };
        using var ready = new ManualResetEventSlim();
        Exception? failure = null;
        Thread thread = router.StartThread("impairing router", () =>
        {
            try
            {
                using InterceptSession session = InterceptSession.Start(options);
                _impairments = session;
                ready.Set();
                session.Run(null, _stop.Token);
            }
            catch (Exception exception) when (exception is IOException or ArgumentException)
            {
                failure = exception;
                ready.Set();
            }
        });
        ready.Wait(CancellationToken.None);
        Assert.Null(failure);
        return thread;
    }
}
