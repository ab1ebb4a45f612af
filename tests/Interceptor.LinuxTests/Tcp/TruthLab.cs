using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Packets;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>One connection through a <see cref="TruthNetwork"/>, whose sockets and models can be read at one instant.</summary>
internal sealed class TruthLab : IDisposable
{
    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TruthNetwork _network;

    internal TruthLab(TruthLabOptions options)
        : this(new TruthNetwork(options), network => options.IsSimultaneous ? ConnectBoth(network) : Connect(network))
    {
    }

    /// <summary>A connection that was made elsewhere in a network, which the lab then owns.</summary>
    internal TruthLab(TruthNetwork network, Func<TruthNetwork, (Socket Client, Socket Server)> connect)
    {
        _network = network;
        (Client, Server) = connect(network);
        ClientEnd = StreamServer.EndpointOf(Client.LocalEndPoint!);
        ServerEnd = StreamServer.EndpointOf(Server.LocalEndPoint!);
        Client.Blocking = false;
        Server.Blocking = false;
    }

    internal NetworkNamespace ClientHost => _network.Client;

    internal NetworkNamespace ServerHost => _network.Server;

    internal Socket Client { get; }

    internal Socket Server { get; }

    internal FlowEndpoint ClientEnd { get; }

    internal FlowEndpoint ServerEnd { get; }

    internal TruthTap ClientTap => _network.ClientTap;

    internal PacketHold ToServer => _network.ToServer;

    internal PacketHold ToClient => _network.ToClient;

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
    internal TruthTap StartLateTap() => _network.StartClientTap();

    internal void Hold() => _network.Hold();

    /// <summary>Both directions are held, and the recordings are read up to here.</summary>
    internal void Stop()
    {
        Hold();
        _network.AwaitImpairments();
        _network.PassMarker();
    }

    /// <summary>Reads the recordings up to here.</summary>
    internal void ReadRecordings() => _network.PassMarker();

    internal void Release() => _network.Release();

    /// <summary>
    /// An instant at which kernel and packets can be compared: both sockets are read, the recordings are read up to a marker sent after that, and
    /// both sockets are read again. If they say the same, counters of segments included, the models stand where the sockets stand. Both directions
    /// are held meanwhile, so only a timer can disturb it: then it is tried again. Null where the reading itself made a socket count data as sent
    /// that never left: the release and the retransmission heal that.
    /// </summary>
    internal TruthInstant? TryFreeze()
    {
        Stop();
        TruthInstant? instant = null;
        bool isDisturbed = false;
        Until(() => (instant = TryTake(ref isDisturbed)) is not null || isDisturbed, "an instant without a segment");
        return isDisturbed ? null : instant;
    }

    /// <summary>An instant where reading can't disturb: no unsent data that the window allows. Both directions stay held.</summary>
    internal TruthInstant Freeze()
    {
        TruthInstant? instant = TryFreeze();
        Assert.NotNull(instant);
        return instant;
    }

    /// <summary>Checks such an instant, and lets go.</summary>
    internal TruthInstant Instant(string when)
    {
        TruthInstant instant = Freeze();
        instant.Check(when);
        Release();
        return instant;
    }

    /// <summary>Checks when both queues are acknowledged: no place on the path knows less than another.</summary>
    internal TruthInstant Quiet(string when)
    {
        Until(() => GlanceAtClient().Queued == 0 && GlanceAtServer().Queued == 0, "the last acknowledgment");
        return Instant(when);
    }

    private TruthInstant? TryTake(ref bool isDisturbed)
    {
        KernelSocketState client = ReadClient();
        KernelSocketState server = ReadServer();
        _network.PassMarker();
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
            ClientAtServer = _network.ServerTap.Snapshot(ClientEnd, ServerEnd),
            ServerAtServer = _network.ServerTap.Snapshot(ServerEnd, ClientEnd),
            ClientAtRouter = _network.RouterTap.Snapshot(ClientEnd, ServerEnd),
            ServerAtRouter = _network.RouterTap.Snapshot(ServerEnd, ClientEnd),
        };
    }

    private KernelSocketState ReadClient() => KernelSocketState.Read(Client, ClientEnd, ServerEnd);

    private KernelSocketState ReadServer() => KernelSocketState.Read(Server, ServerEnd, ClientEnd);

    public void Dispose() => _network.Dispose();

    private static (Socket Client, Socket Server) Connect(TruthNetwork network)
    {
        using Socket listener = network.Listen();
        Socket client = network.NewClient();
        client.Connect(listener.LocalEndPoint!);
        return (client, network.Own(listener.Accept()));
    }

    private static (Socket Client, Socket Server) ConnectBoth(TruthNetwork network)
    {
        Socket client = network.NewClient();
        Socket server = network.NewServer();
        client.Bind(new IPEndPoint(network.ClientAddress, 0));
        server.Bind(new IPEndPoint(network.ServerAddress, 0));
        network.Hold();
        BeginConnect(client, server.LocalEndPoint!);
        BeginConnect(server, client.LocalEndPoint!);
        Until(() => network.ToServer.HeldCount > 0 && network.ToClient.HeldCount > 0, "both SYNs on the router");
        return (client, server);
    }

    private static void BeginConnect(Socket socket, EndPoint peer)
    {
        socket.Blocking = false;
        SocketException underWay = Assert.Throws<SocketException>(() => socket.Connect(peer));
        Assert.Contains(underWay.SocketErrorCode, (SocketError[])[SocketError.WouldBlock, SocketError.InProgress]);
    }
}
