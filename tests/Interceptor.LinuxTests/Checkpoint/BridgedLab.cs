using System.Net;
using System.Net.Sockets;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>
/// A peer, a source and a destination on one bridge, a namespace each. The connection's own end is in the source first; <see cref="TakeAndMoveAddress"/> takes it into an image and gives its
/// address to the destination, which knows the peer's link address by heart and so need not ask for it (which would tell the peer where the address is now).
/// </summary>
internal sealed class BridgedLab : IDisposable
{
    private const string SourceName = "src0";
    private const string DestinationName = "dst0";
    private readonly List<IDisposable> _made = [];
    private readonly string _directory = Directory.CreateTempSubdirectory("restore-elsewhere-").FullName;
    private readonly string _peerAddress;
    private readonly string _prefix;
    private readonly Socket _server;

    internal BridgedLab(int ipVersion)
    {
        KernelTest.RequireTool("iptables");
        KernelTest.RequireTool("ip");
        (Address, _peerAddress, _prefix) = ipVersion == 4 ? ("10.77.5.2", "10.77.5.1", "/24") : ("fd77:5::2", "fd77:5::1", "/64");
        Bridge = Make("bridge");
        Peer = Make("peer");
        Source = Make("source");
        Destination = Make("destination");
        Ip(Bridge, "link add br0 type bridge");
        Ip(Bridge, "link set br0 up");
        Connect(Peer, "peer0", "b0", [_peerAddress + _prefix]);
        Connect(Source, SourceName, "b1", [Address + _prefix]);
        Connect(Destination, DestinationName, "b2", []);
        Socket listener = Source.Run(() => Listen(IPAddress.Parse(Address)));
        _made.Add(listener);
        Client = Peer.Run(() =>
        {
            var client = new Socket(listener.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(listener.LocalEndPoint!);
            return client;
        });
        Client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        _server = listener.Accept();
    }

    internal string Address { get; }

    internal NetworkNamespace Bridge { get; }

    internal NetworkNamespace Peer { get; }

    internal NetworkNamespace Source { get; }

    internal NetworkNamespace Destination { get; }

    /// <summary>The peer's socket.</summary>
    internal Socket Client { get; }

    internal string Image => Path.Combine(_directory, "image");

    internal string SourceHardware => HardwareOf(Source, SourceName);

    internal string DestinationHardware => HardwareOf(Destination, DestinationName);

    /// <summary>Where the peer believes the address to be.</summary>
    internal string PeersEntry()
    {
        string text = Ip(Peer, $"neigh show {Address}");
        int at = text.IndexOf("lladdr ", StringComparison.Ordinal);
        return at < 0 ? "" : text.Substring(at + 7, 17);
    }

    internal void TakeAndMoveAddress()
    {
        Client.Send("before "u8);
        TcpLink.WaitUntil(() => _server.Available == 7, "the peer's data at the source");
        SessionCheckpoint.Take(new SessionCheckpointOptions
        {
            Pid = Environment.ProcessId,
            Local = StreamServer.EndpointOf(_server.LocalEndPoint!),
            Peer = StreamServer.EndpointOf(_server.RemoteEndPoint!),
            Directory = Image,
        });
        Ip(Source, $"address del {Address}{_prefix} dev {SourceName}");
        Ip(Destination, $"address add {Address}{_prefix} dev {DestinationName}" + (Address.Contains(':') ? " nodad" : ""));
        Ip(Destination, $"neigh replace {_peerAddress} lladdr {HardwareOf(Peer, "peer0")} dev {DestinationName} nud permanent");
    }

    /// <summary>Both streams go on, and nobody has sent a reset.</summary>
    internal void AssertGoesOn(Socket restored)
    {
        Client.Send("after"u8);
        Assert.Equal(TcpLink.Sha256("before after"u8), TcpLink.ReadSha256(restored, 12));
        restored.Send("back"u8);
        Assert.Equal(TcpLink.Sha256("back"u8), TcpLink.ReadSha256(Client, 4));
        Assert.All((NetworkNamespace[])[Peer, Source, Destination], ns => Assert.Equal(0, TcpLink.ResetsSent(ns)));
    }

    internal static string Ip(NetworkNamespace ns, string arguments)
    {
        ChildResult result = ChildProcess.Run(ns, "ip", arguments.Split(' '));
        Assert.True(result.ExitCode == 0, $"ip {arguments}: {result.Error}");
        return result.Output;
    }

    public void Dispose()
    {
        Client.Dispose();
        _server.Dispose();
        for (int i = _made.Count - 1; i >= 0; i--)
        {
            _made[i].Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private static Socket Listen(IPAddress address)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen();
        return listener;
    }

    private void Connect(NetworkNamespace ns, string name, string port, string[] addresses)
    {
        _made.Add(VethLink.Create(ns, name, addresses, Bridge, port, []));
        Ip(Bridge, $"link set {port} master br0");
        ns.Run(() => NativeSocket.BringUp("lo"));
    }

    private static string HardwareOf(NetworkNamespace ns, string name) => ns.Run(() =>
    {
        Span<byte> address = stackalloc byte[MacAddress.Length];
        Assert.True(LinuxInterfaces.TryGetEthernetAddress(name, address));
        return MacAddress.FromBytes(address).ToString();
    });

    private NetworkNamespace Make(string name)
    {
        NetworkNamespace made = KernelTest.CreateNamespace(name);
        _made.Add(made);
        return made;
    }
}
