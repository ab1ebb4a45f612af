using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Interop;
using Interceptor.LinuxTests.Live;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>Another program sends to our netlink socket, or gives verdicts on our queue: nothing comes of it.</summary>
public sealed class ForgedMessageTests
{
    // Of a packet (type 0x300), of an error (2) about a verdict, and cut ones; struct nlmsghdr, struct nfgenmsg, attributes.
    private const string Prelude = """
        import struct; AF_NETLINK = 16; NETFILTER = 12
        """;

    private const string Send = """
        exec("def send(to, data):\n try:\n  s.sendto(data, (to, 0)); return 'sent'\n except OSError as e:\n  return e.errno")
        """;

    [Theory]
    [InlineData("a packet", "struct.pack('=IHHIIBBH', 32, 0x300, 0, 0, 0, 2, 0, 0x2900) + struct.pack('>HHIHBB', 0x0b00, 0x0100, 1, 0x800, 1, 0)")]
    [InlineData("an answer", "struct.pack('=IHHIIiIHHII', 36, 2, 0, 0, 0, -2, 32, 0x301, 0, 1, 0)")]
    [InlineData("a cut message", "b'\\x20\\0\\0\\0\\0\\3'")]
    [InlineData("a length beyond the end", "struct.pack('=IHHII', 0x7fffffff, 0x300, 0, 0, 0)")]
    public void A_message_of_another_program_is_refused(string what, string message)
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        using var forger = new PythonPeer(loopback.Namespace);
        forger.Tell(Prelude);
        forger.Tell("s = socket.socket(AF_NETLINK, socket.SOCK_RAW, NETFILTER)");
        forger.Tell(Send);
        uint port = queue.ReadKernelCounters()!.Value.PortId;
        loopback.Send(3);
        const int ConnectionRefused = 111;
        Assert.Equal(ConnectionRefused, int.Parse(forger.Tell($"answer = send({port}, {message})"), CultureInfo.InvariantCulture));
        LoopbackQueue.Drive(queue, 3, packet => packet.Accept());
        Assert.Equal(0, queue.Receive(_ => Assert.Fail(what), 0));
        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.Equal((3, 3, 0, 0), (statistics.Received, statistics.Accepted, statistics.LostInKernel, statistics.MalformedMessages));
        Assert.Equal([0, 1, 2], loopback.Arrived());
    }

    [Fact]
    public void What_was_sent_before_the_kernel_refuses_it_is_thrown_away()
    {
        using var loopback = new LoopbackQueue();
        using NetlinkSocket socket = loopback.Namespace.Run(() => NetlinkSocket.Open(Libc.NETLINK_NETFILTER, "a test"));
        using var forger = new PythonPeer(loopback.Namespace);
        forger.Tell("s = socket.socket(16, socket.SOCK_RAW, 12)");
        forger.Tell($"s.sendto(bytes(32), ({socket.PortId}, 0)); s.sendto(bytes(99), ({socket.PortId}, 0))");
        Assert.True(socket.Wait(0));
        socket.ConnectToKernel();
        using var buffer = new NetlinkReceiveBuffer(4, 256, touch: false);
        Assert.Equal(NetlinkReceiveResult.Empty, socket.Receive(buffer, out _));
    }

    [Fact]
    public void A_verdict_of_another_program_is_none()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(2);
        var kept = new List<InterceptedPacket>();
        LoopbackQueue.Drive(queue, 2, packet => kept.Add(packet.Keep()));
        using var forger = new PythonPeer(loopback.Namespace);
        forger.Tell(Prelude);
        forger.Tell("s = socket.socket(AF_NETLINK, socket.SOCK_RAW, NETFILTER)");

        // Accept the packet, and accept all up to it: the kernel answers each (struct nlmsgerr).
        foreach (string type in new[] { "0x301", "0x303" })
        {
            forger.Tell($"s.sendto(struct.pack('=IHHIIBBH', 32, {type}, 5, 1, 0, 0, 0, socket.htons({LoopbackQueue.QueueNumber})) + struct.pack('=HH', 12, 2) + struct.pack('>II', 1, {kept[1].Id}), (0, 0))");
            Assert.Equal(-Errno.EPERM, int.Parse(forger.Tell("answer = struct.unpack('=i', s.recv(1024)[16:20])[0]"), CultureInfo.InvariantCulture));
        }

        Assert.Equal(2, queue.ReadKernelCounters()!.Value.Waiting);
        Assert.Empty(loopback.Arrived());
        kept.ForEach(packet => packet.Accept());
        queue.FlushVerdicts();
        Assert.Equal([0, 1], loopback.Arrived());
    }
}
