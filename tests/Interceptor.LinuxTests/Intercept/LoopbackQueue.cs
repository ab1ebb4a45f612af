using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>A namespace of its own with loopback up, a UDP receiver and sender, and rules that send the receiver's port to a queue.</summary>
internal sealed class LoopbackQueue : IDisposable
{
    internal const ushort QueueNumber = 41;
    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly List<IDisposable> _owned = [];

    internal LoopbackQueue()
    {
        KernelTest.RequireTool("iptables");
        Namespace = KernelTest.CreateNamespace("loopback-queue");
        Namespace.Run(() =>
        {
            using RouteNetlink netlink = RouteNetlink.Open();
            netlink.SetUp(1);
        });
        Receiver = Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        Receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Receiver.ReceiveBufferSize = 8 << 20;
        Sender = Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        Sender.Connect(Receiver.LocalEndPoint!);
        Sender.SendBufferSize = 8 << 20;
    }

    internal NetworkNamespace Namespace { get; }

    internal Socket Receiver { get; }

    internal Socket Sender { get; }

    internal ushort Port => (ushort)((IPEndPoint)Receiver.LocalEndPoint!).Port;

    /// <summary>Everything from the sender to the receiver.</summary>
    internal FlowKey Flow => new(
        new FlowEndpoint(IpAddress.FromIpv4(0x7F000001), 0), new FlowEndpoint(IpAddress.FromIpv4(0x7F000001), Port), (byte)IpProtocol.Udp);

    internal FirewallRules Install(FirewallHook hook = FirewallHook.Input, bool bypass = false, FirewallBackend backend = FirewallBackend.System, string? lockId = null)
    {
        FirewallRules rules = FirewallRules.Install(
            [new FirewallRule(hook, new FirewallMatch { Flow = Flow }, FirewallTarget.ToQueue(QueueNumber, bypass))],
            new FirewallOptions { Namespace = Namespace, Backend = backend, LockId = lockId });
        _owned.Add(rules);
        return rules;
    }

    internal InterceptionQueue OpenQueue(Func<InterceptionQueueOptions, InterceptionQueueOptions>? change = null)
    {
        var options = new InterceptionQueueOptions { Number = QueueNumber };
        InterceptionQueue queue = Namespace.Run(() => InterceptionQueue.Open(change?.Invoke(options) ?? options));
        _owned.Add(queue);
        return queue;
    }

    /// <summary>Sends datagrams of four bytes each: their numbers.</summary>
    internal void Send(int count, int from = 0)
    {
        for (int i = from; i < from + count; i++)
        {
            Sender.Send(BitConverter.GetBytes(i));
        }
    }

    /// <summary>The numbers that have arrived, without waiting.</summary>
    internal List<int> Arrived()
    {
        var numbers = new List<int>();
        byte[] buffer = new byte[65536];
        while (Receiver.Available > 0)
        {
            Receiver.Receive(buffer);
            numbers.Add(BitConverter.ToInt32(buffer));
        }

        return numbers;
    }

    /// <summary>Drives the queue until it has received <paramref name="count"/> packets.</summary>
    internal static void Drive(InterceptionQueue queue, int count, InterceptedPacketHandler handler)
    {
        long end = Stopwatch.GetTimestamp() + (long)(Deadline.TotalSeconds * Stopwatch.Frequency);
        int received = 0;
        while (received < count)
        {
            received += queue.Receive(handler, 100_000_000);
            Assert.True(Stopwatch.GetTimestamp() < end, $"only {received} of {count} packets came to the queue");
        }
    }

    internal static void Until(Func<bool> condition, string what)
    {
        long end = Stopwatch.GetTimestamp() + (long)(Deadline.TotalSeconds * Stopwatch.Frequency);
        while (!condition())
        {
            Assert.True(Stopwatch.GetTimestamp() < end, what);
            Thread.Yield();
        }
    }

    internal string SaveTables(string tool = "iptables") => string.Join('\n', ChildProcess.Run(Namespace, tool + "-save").Output
        .Split('\n').Where(line => !line.StartsWith('#') || line.StartsWith("# Warning", StringComparison.Ordinal)));

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }

        Sender.Dispose();
        Receiver.Dispose();
        Namespace.Dispose();
    }
}
