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
/// A client, a router and a server, each in a namespace of its own. Both hosts' packets are recorded at their own interface; what the network does to them (loss,
/// delay, holding) happens on the router, behind both recordings.
/// </summary>
internal sealed class TruthNetwork : IDisposable
{
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

    internal TruthNetwork(TruthLabOptions options)
    {
        bool isV6 = options.Family == AddressFamily.InterNetworkV6;
        KernelTest.RequireTool(isV6 ? "ip6tables" : "iptables");
        NetworkNamespace client = Client = Own(KernelTest.CreateNamespace("client"));
        NetworkNamespace router = Own(KernelTest.CreateNamespace("router"));
        NetworkNamespace server = Server = Own(KernelTest.CreateNamespace("server"));
        (string version, string toClient, string toServer, int prefix, string forwarding) = isV6
            ? ("-6", "fd78:1::", "fd78:2::", 64, "/proc/sys/net/ipv6/conf/all/forwarding")
            : ("-4", "10.78.1.", "10.78.2.", 24, "/proc/sys/net/ipv4/ip_forward");
        (string clientIp, string serverIp, string clientGate, string serverGate) = ($"{toClient}1", $"{toServer}2", $"{toClient}254", $"{toServer}254");
        Array.ForEach([client, router, server], static host => host.Run(UseAddressesAtOnce));
        Array.ForEach([client, server], host => host.Run(() =>
        {
            NativeSocket.BringUp("lo");
            foreach ((string name, string value) in options.Settings)
            {
                File.WriteAllText($"/proc/sys/net/ipv4/{name}", value);
            }
        }));
        router.Run(() => File.WriteAllText(forwarding, "1"));
        Own(VethLink.Create(client, "client0", $"{clientIp}/{prefix}", router, "toclient0", $"{clientGate}/{prefix}"));
        Own(VethLink.Create(server, "server0", $"{serverIp}/{prefix}", router, "toserver0", $"{serverGate}/{prefix}"));
        if (isV6)
        {
            NetworkLab.AwaitLocalRoute(client, clientIp);
            NetworkLab.AwaitLocalRoute(server, serverIp);
            NetworkLab.AwaitLocalRoute(router, clientGate);
            NetworkLab.AwaitLocalRoute(router, serverGate);
        }

        client.Run(() => TcpLink.Run("ip", $"{version} route add default via {clientGate}"));
        server.Run(() => TcpLink.Run("ip", $"{version} route add default via {serverGate}"));
        if (options.OneSegmentPerPacket)
        {
            client.Run(() => TcpLink.Run("ip", "link set client0 gso_max_segs 1"));
            server.Run(() => TcpLink.Run("ip", "link set server0 gso_max_segs 1"));
        }

        ClientAddress = IPAddress.Parse(clientIp);
        ServerAddress = IPAddress.Parse(serverIp);
        ToServer = StartHold(router, ToServerQueue, HoldDirection.In, serverIp);
        ToClient = StartHold(router, ToClientQueue, HoldDirection.Out, clientIp);
        if (options.Impairments is { } impairments)
        {
            _impairing = StartImpairing(router, impairments);
        }

        Socket sink = Own(server.Run(() => new Socket(options.Family, SocketType.Dgram, ProtocolType.Udp)));
        sink.Bind(new IPEndPoint(ServerAddress, 0));
        _markers = Own(client.Run(() => new Socket(options.Family, SocketType.Dgram, ProtocolType.Udp)));
        _markers.Connect(sink.LocalEndPoint!);
        ClientTap = StartTap(client, "client0", RecordOf(options, "client"));
        ServerTap = StartTap(server, "server0", RecordOf(options, "server"));
        RouterTap = StartTap(router, "toclient0");
    }

    internal NetworkNamespace Client { get; }

    internal NetworkNamespace Server { get; }

    internal IPAddress ClientAddress { get; }

    internal IPAddress ServerAddress { get; }

    internal TruthTap ClientTap { get; }

    internal TruthTap ServerTap { get; }

    /// <summary>Between the hosts: what is held or lost there was seen on its way in.</summary>
    internal TruthTap RouterTap { get; }

    internal PacketHold ToServer { get; }

    internal PacketHold ToClient { get; }

    /// <summary>Another recording at the client's host.</summary>
    internal TruthTap StartClientTap() => StartTap(Client, "client0");

    internal void Hold()
    {
        ToServer.Hold();
        ToClient.Hold();
    }

    internal void Release()
    {
        ToServer.Release();
        ToClient.Release();
    }

    /// <summary>A socket that sends at once.</summary>
    internal Socket NewClient() => NewSocket(Client);

    /// <inheritdoc cref="NewClient"/>
    internal Socket NewServer() => NewSocket(Server);

    /// <summary>A listener at the server; the caller disposes it.</summary>
    internal Socket Listen(Action<Socket>? configure = null)
    {
        Socket listener = Server.Run(() => new Socket(ServerAddress.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        configure?.Invoke(listener);
        listener.Bind(new IPEndPoint(ServerAddress, 0));
        listener.Listen();
        return listener;
    }

    /// <summary>Waits until nothing is delayed any more.</summary>
    internal void AwaitImpairments()
    {
        if (_impairments is { } session)
        {
            TruthLab.Until(() => session.ReadSummary() is var counts && counts.Received == counts.Accepted + counts.Dropped, "an empty delay queue");
        }
    }

    /// <summary>
    /// Reads all recordings up to a marker that is sent now. It is no segment of the connection: neither held nor delayed, and behind everything that both
    /// hosts sent and got till now.
    /// </summary>
    internal void PassMarker()
    {
        int marker = ++_marker;
        _markers.Send(BitConverter.GetBytes(marker));
        _taps.ForEach(tap => tap.ReadTo(marker));
    }

    public void Dispose()
    {
        _stop.Cancel();
        _impairing?.Join(TruthLab.Deadline);
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }

        _stop.Dispose();
    }

    /// <summary>Disposes it with the network, before what was made earlier.</summary>
    internal T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    // Until the kernel knows that nobody else has an interface's link-local address (a second or two) it asks for no neighbour on behalf of others, and SYNs are lost.
    private static void UseAddressesAtOnce()
    {
        foreach (string scope in (ReadOnlySpan<string>)["all", "default"])
        {
            File.WriteAllText($"/proc/sys/net/ipv6/conf/{scope}/accept_dad", "0");
        }
    }

    private Socket NewSocket(NetworkNamespace host)
    {
        Socket socket = Own(host.Run(() => new Socket(ServerAddress.AddressFamily, SocketType.Stream, ProtocolType.Tcp)));
        socket.NoDelay = true;
        return socket;
    }

    private static string? RecordOf(TruthLabOptions options, string host) =>
        options.RecordDirectory is { } directory ? Path.Combine(directory, $"{host}.pcapng") : null;

    private TruthTap StartTap(NetworkNamespace host, string interfaceName, string? record = null)
    {
        TruthTap tap = Own(new TruthTap(host, interfaceName, record));
        _taps.Add(tap);
        return tap;
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
