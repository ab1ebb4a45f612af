using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Tcp;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>What a connection's sockets and addresses are.</summary>
public enum LinkFamily
{
    /// <summary>IPv4 on both.</summary>
    Ipv4,

    /// <summary>IPv6 on both.</summary>
    Ipv6,

    /// <summary>IPv4 on the server's IPv6 socket.</summary>
    Mapped,
}

/// <summary>
/// A real TCP connection over the loopback of a namespace of its own, whose MTU is that of Ethernet. <see cref="Server"/> is the side that is
/// checkpointed; its owner is the test process, which the kernel treats as it would any other.
/// </summary>
internal sealed class TcpLink : IDisposable
{
    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly bool _ownsNamespace;

    internal TcpLink(Action<Socket>? configureListener = null, Action<Socket>? configureClient = null, LinkFamily family = LinkFamily.Ipv4)
        : this(CreateNamespace(), configureListener, configureClient, family) => _ownsNamespace = true;

    /// <summary>A connection in a namespace that many share: it stays the caller's.</summary>
    internal TcpLink(NetworkNamespace ns, Action<Socket>? configureListener, Action<Socket>? configureClient, LinkFamily family)
    {
        Namespace = ns;
        (AddressFamily listening, AddressFamily connecting) = family switch
        {
            LinkFamily.Ipv6 => (AddressFamily.InterNetworkV6, AddressFamily.InterNetworkV6),
            LinkFamily.Mapped => (AddressFamily.InterNetworkV6, AddressFamily.InterNetwork),
            _ => (AddressFamily.InterNetwork, AddressFamily.InterNetwork),
        };
        IPAddress loopback = connecting == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;
        Namespace.Run(() =>
        {
            Listener = new Socket(listening, SocketType.Stream, ProtocolType.Tcp);
            if (family == LinkFamily.Mapped)
            {
                Listener.DualMode = true;
            }

            configureListener?.Invoke(Listener);
            Listener.Bind(new IPEndPoint(family == LinkFamily.Mapped ? IPAddress.IPv6Any : loopback, 0));
            Listener.Listen();
            Client = new Socket(connecting, SocketType.Stream, ProtocolType.Tcp);
            configureClient?.Invoke(Client);
            Client.Connect(new IPEndPoint(loopback, ((IPEndPoint)Listener.LocalEndPoint!).Port));
            Server = Listener.Accept();
        });
    }

    internal static NetworkNamespace CreateNamespace()
    {
        NetworkNamespace ns = KernelTest.CreateNamespace("checkpoint test");
        ns.Run(() =>
        {
            NativeSocket.BringUp("lo");
            Run("ip", "link set lo mtu 1500");
        });
        return ns;
    }

    internal NetworkNamespace Namespace { get; }

    internal Socket Listener { get; private set; } = null!;

    /// <summary>The peer, which must not notice anything.</summary>
    internal Socket Client { get; private set; } = null!;

    internal Socket Server { get; private set; } = null!;

    internal FlowEndpoint ServerEndpoint => Endpoint(Server.LocalEndPoint!);

    internal FlowEndpoint ClientEndpoint => Endpoint(Server.RemoteEndPoint!);

    internal SocketOwner FindServer() => SocketFinder.Find(Environment.ProcessId, ServerEndpoint, ClientEndpoint);

    internal PausedSocket Attach() => PausedSocket.Attach(FindServer());

    /// <summary>Drops every packet of the namespace until disposed: the simplest lock there is. What is lost is sent again.</summary>
    internal IDisposable Lock() => new DropLock(Namespace);

    /// <summary>Takes the server's side out of its socket and restores it, under a lock that the window probe makes up for.</summary>
    internal (SessionImage Image, Socket Restored) Move()
    {
        SessionImage image;
        RestoredSocket restored;
        using (Lock())
        using (PausedSocket paused = Attach())
        {
            paused.Pause();
            image = paused.Dump();
            paused.CloseSilently();
            restored = Namespace.Run(() => SessionRestorer.Restore(image, FirewallMatch.OwnMark));
        }

        Assert.Empty(restored.Warnings);
        restored.Resume();
        return (image, restored.TakeSocket());
    }

    /// <summary>Until disposed, what the client sends gets lost.</summary>
    internal IDisposable LoseFromClient() => new Loss(this);

    /// <summary>TcpOutRsts of the namespace: resets that its kernel sent.</summary>
    internal int ResetsSent() => ResetsSent(Namespace);

    internal static int ResetsSent(NetworkNamespace ns) => (int)KernelCounters.Read(ns)["OutRsts"];

    /// <summary>Writes without blocking until the socket takes no more; returns what was written.</summary>
    internal static byte[] Fill(Socket socket, int seed, int limit = int.MaxValue)
    {
        byte[] data = Pattern(seed, Math.Min(limit, 8 << 20));
        socket.Blocking = false;
        int sent = 0;
        while (sent < data.Length)
        {
            sent += socket.Send(data.AsSpan(sent), SocketFlags.None, out SocketError error);
            if (error != SocketError.Success)
            {
                Assert.Equal(SocketError.WouldBlock, error);
                break;
            }
        }

        socket.Blocking = true;
        return data[..sent];
    }

    internal static byte[] Pattern(int seed, int length)
    {
        var data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    internal static string ReadSha256(Socket socket, int length)
    {
        socket.ReceiveTimeout = (int)Deadline.TotalMilliseconds;
        var data = new byte[length];
        for (int at = 0; at < length;)
        {
            int count = socket.Receive(data, at, length - at, SocketFlags.None);
            Assert.NotEqual(0, count);
            at += count;
        }

        return Sha256(data);
    }

    internal static string Sha256(ReadOnlySpan<byte> data) => Convert.ToHexStringLower(SHA256.HashData(data));

    internal static void WaitUntil(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Deadline, $"Waited {Deadline.TotalSeconds} s for: {what}.");
            Thread.Yield();
        }
    }

    internal static void Run(string tool, string arguments)
    {
        KernelTest.RequireTool(tool);
        using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{tool} {arguments}: {errors}");
    }

    public void Dispose()
    {
        Server.Dispose();
        Client.Dispose();
        Listener.Dispose();
        if (_ownsNamespace)
        {
            Namespace.Dispose();
        }
    }

    private sealed class DropLock : IDisposable
    {
        private static readonly string[] Tools = ["iptables", "ip6tables"];
        private static readonly string Match = $"-p tcp -m mark ! --mark 0x{FirewallMatch.OwnMark:x} -j DROP";
        private readonly NetworkNamespace _namespace;

        internal DropLock(NetworkNamespace ns)
        {
            _namespace = ns;
            _namespace.Run(() =>
            {
                foreach (string tool in Tools)
                {
                    Run(tool, $"-w 5 -A INPUT {Match}");
                    Run(tool, $"-w 5 -A OUTPUT {Match}");
                }
            });
        }

        public void Dispose() => _namespace.Run(() =>
        {
            foreach (string tool in Tools)
            {
                Run(tool, $"-w 5 -D OUTPUT {Match}");
                Run(tool, $"-w 5 -D INPUT {Match}");
            }
        });
    }

    private sealed class Loss : IDisposable
    {
        private readonly TcpLink _link;

        internal Loss(TcpLink link)
        {
            _link = link;
            Change("-A");
        }

        public void Dispose() => Change("-D");

        private void Change(string change) => _link.Namespace.Run(() => Run("iptables", $"-w 5 {change} INPUT -p tcp --dport {_link.ServerEndpoint.Port} -j DROP"));
    }

    private static FlowEndpoint Endpoint(EndPoint endpoint)
    {
        var ip = (IPEndPoint)endpoint;
        return new FlowEndpoint(IpAddress.FromBytes(ip.Address.GetAddressBytes()).Unmapped, (ushort)ip.Port);
    }
}
