using System.Buffers.Binary;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.LinuxTests.Intercept;

public sealed class InterceptionQueueTests
{
    private const int Count = 1000;

    [Fact]
    public void All_accepted_arrive_in_order_and_the_counts_are_exact()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(Count);
        LoopbackQueue.Drive(queue, Count, packet => packet.Accept());
        Assert.Equal(Enumerable.Range(0, Count), loopback.Arrived());
        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.Equal(Count, statistics.Received);
        Assert.Equal(Count, statistics.Accepted);
        Assert.True(statistics.IsBalanced);
        Assert.Equal(0, statistics.KernelQueueDropped + statistics.KernelUserDropped + statistics.LostInKernel + statistics.Defaulted);
        Assert.Equal(0, queue.ReadKernelCounters()!.Value.Waiting);
        Assert.Equal([Count], rules.ReadCounters());
    }

    [Fact]
    public void All_dropped_none_arrive()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(Count);
        LoopbackQueue.Drive(queue, Count, packet => packet.Drop());
        Assert.Empty(loopback.Arrived());
        Assert.Equal(Count, queue.ReadStatistics().Dropped);
        Assert.True(queue.ReadStatistics().IsBalanced);
    }

    [Fact]
    public void An_edited_payload_arrives_edited()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(10);
        byte[] copy = new byte[64];
        LoopbackQueue.Drive(queue, 10, packet =>
        {
            ReadOnlySpan<byte> data = packet.Data;
            data.CopyTo(copy);
            Span<byte> edited = copy.AsSpan(0, data.Length);
            BinaryPrimitives.WriteInt32LittleEndian(edited[28..], 7000 + BinaryPrimitives.ReadInt32LittleEndian(edited[28..]));

            // A UDP checksum of 0 over IPv4 is "none" (RFC 768).
            edited[26..28].Clear();
            packet.AcceptEdited(edited);
        });
        Assert.Equal(Enumerable.Range(7000, 10), loopback.Arrived());
        Assert.Equal(10, queue.ReadStatistics().Edited);
        Assert.True(queue.ReadStatistics().IsBalanced);
    }

    [Fact]
    public void Mixed_verdicts_keep_the_order_of_what_passes()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(300);
        LoopbackQueue.Drive(queue, 300, packet =>
        {
            if (NumberOf(packet) % 3 == 0)
            {
                packet.Drop();
            }
            else
            {
                packet.Accept();
            }
        });
        Assert.Equal(Enumerable.Range(0, 300).Where(number => number % 3 != 0), loopback.Arrived());
    }

    [Fact]
    public void A_batch_verdict_does_not_touch_a_kept_packet()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(100);
        InterceptedPacket? kept = null;
        LoopbackQueue.Drive(queue, 100, packet =>
        {
            if (NumberOf(packet) == 50)
            {
                kept = packet.Keep();
            }
            else
            {
                packet.Accept();
            }
        });
        Assert.Equal(Enumerable.Range(0, 100).Where(number => number != 50), loopback.Arrived());
        Assert.Equal(1, queue.ReadKernelCounters()!.Value.Waiting);
        Assert.Equal(1, queue.ReadStatistics().Pending);
        kept!.Accept();
        queue.FlushVerdicts();
        Assert.Equal([50], loopback.Arrived());
        Assert.True(queue.ReadStatistics().IsBalanced);
    }

    [Fact]
    public void No_verdict_is_the_default_and_counted()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue(options => options with { Default = DefaultVerdict.Drop });
        using FirewallRules rules = loopback.Install();
        loopback.Send(3);
        LoopbackQueue.Drive(queue, 3, packet =>
        {
            if (NumberOf(packet) == 0)
            {
                packet.Accept();
            }
            else if (NumberOf(packet) == 1)
            {
                packet.Keep().Dispose();
            }
        });
        Assert.Equal([0], loopback.Arrived());
        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.Equal((1, 2, 2), (statistics.Accepted, statistics.Dropped, statistics.Defaulted));
        Assert.True(statistics.IsBalanced);
    }

    [Fact]
    public void A_second_verdict_is_refused_and_a_throwing_handler_leaves_nothing_undecided()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(5);
        Assert.Throws<InvalidOperationException>(() => LoopbackQueue.Drive(queue, 5, packet =>
        {
            packet.Accept();
            packet.Drop();
        }));
        if (queue.ReadStatistics().Received < 5)
        {
            LoopbackQueue.Drive(queue, 5 - (int)queue.ReadStatistics().Received, packet => packet.Accept());
        }

        Assert.Equal(5, queue.ReadStatistics().Accepted);
        Assert.True(queue.ReadStatistics().IsBalanced);
        Assert.Equal(5, loopback.Arrived().Count);
    }

    [Fact]
    public void An_unparsable_packet_gets_its_verdict()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = FirewallRules.Install(
            [new FirewallRule(FirewallHook.Input, FirewallMatch.All, FirewallTarget.ToQueue(LoopbackQueue.QueueNumber, false))],
            new FirewallOptions { Namespace = loopback.Namespace });
        using Socket raw = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Tcp));

        // Three bytes where a TCP header should be.
        raw.SendTo([1, 2, 3], new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        PacketFault fault = PacketFault.None;
        LoopbackQueue.Drive(queue, 1, packet =>
        {
            fault = packet.Packet.Parse().Fault;
            packet.Accept();
        });
        Assert.NotEqual(PacketFault.None, fault);
        Assert.True(queue.ReadStatistics().IsBalanced);
        Assert.Equal(0, queue.ReadKernelCounters()!.Value.Waiting);
    }

    [Fact]
    public void A_flooded_receive_buffer_is_one_overrun_and_the_kernel_has_the_number()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue(options => options with { ReceiveBufferBytes = 8192, ReportOverruns = true });
        using FirewallRules rules = loopback.Install();
        loopback.Send(Count);
        LoopbackQueue.Until(() => queue.Receive(packet => packet.Accept(), 10_000_000) == 0 && queue.ReadStatistics().Overruns > 0, "no overrun was reported");
        while (queue.Receive(packet => packet.Accept(), 0) > 0)
        {
        }

        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.True(statistics.KernelUserDropped > 0);
        Assert.Equal(Count, statistics.Received + statistics.KernelUserDropped + statistics.KernelQueueDropped);
        Assert.Equal(statistics.Received, loopback.Arrived().Count);
        Assert.InRange(statistics.Overruns, 1, statistics.KernelUserDropped);

        // And it goes on working.
        loopback.Send(1, from: 5000);
        LoopbackQueue.Drive(queue, 1, packet => packet.Accept());
        Assert.Equal([5000], loopback.Arrived());
    }

    [Fact]
    public void A_full_queue_is_counted_from_the_kernel()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue(options => options with { MaxLength = 10 });
        using FirewallRules rules = loopback.Install();
        loopback.Send(100);
        LoopbackQueue.Until(() => queue.ReadKernelCounters()!.Value.QueueDropped == 90, "queue_dropped did not become 90");
        LoopbackQueue.Drive(queue, 10, packet => packet.Accept());
        Assert.Equal(90, queue.ReadStatistics().KernelQueueDropped);
    }

    [Fact]
    public void A_packet_flushed_by_the_kernel_is_counted_as_lost()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(20);
        var kept = new List<InterceptedPacket>();
        LoopbackQueue.Drive(queue, 20, packet => kept.Add(packet.Keep()));
        FlushHeldPackets(loopback);
        kept.ForEach(packet => packet.Accept());
        queue.FlushVerdicts();
        queue.Receive(packet => packet.Accept(), 0);
        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.Equal((20, 0, 20), (statistics.Received, statistics.Accepted, statistics.LostInKernel));
        Assert.True(statistics.IsBalanced);
        Assert.Empty(loopback.Arrived());
    }

    [Fact]
    public void A_busy_queue_number_says_so()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue();
        LinuxException exception = Assert.Throws<LinuxException>(() => loopback.Namespace.Run(
            () => InterceptionQueue.Open(new InterceptionQueueOptions { Number = LoopbackQueue.QueueNumber })));
        Assert.False(exception.IsPermission);
        Assert.Contains("queue 41", exception.Message, StringComparison.Ordinal);
        Assert.Contains("choose another", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Flags_that_the_kernel_refuses_are_reported_and_the_rest_is_in_force()
    {
        using var loopback = new LoopbackQueue();
        const InterceptionQueueFlags Wanted = InterceptionQueueFlags.Gso | InterceptionQueueFlags.UserAndGroup | InterceptionQueueFlags.FailOpen |
            InterceptionQueueFlags.Conntrack | InterceptionQueueFlags.SecurityContext;
        using InterceptionQueue queue = loopback.OpenQueue(options => options with { Flags = Wanted });
        Assert.Equal(Wanted, queue.Flags | queue.RefusedFlags);
        Assert.Equal(InterceptionQueueFlags.None, queue.Flags & queue.RefusedFlags);
        Assert.True(queue.Flags.HasFlag(InterceptionQueueFlags.Gso | InterceptionQueueFlags.FailOpen));
    }

    [Fact]
    public void A_cut_packet_knows_its_length()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue(options => options with { CopyRange = 40 });
        using FirewallRules rules = loopback.Install(FirewallHook.Output);
        loopback.Sender.Send(new byte[1000]);
        LoopbackQueue.Drive(queue, 1, packet =>
        {
            Assert.Equal((40, 1028, true), (packet.Data.Length, packet.OriginalLength, packet.IsTruncated));
            Assert.Equal(FirewallHook.Output, packet.Hook);
            Assert.True(packet.IsChecksumNotReady);
            Assert.Equal(0, packet.UserId);
            packet.Accept();
        });
    }

    /// <summary>Deleting any base chain of the namespace makes the kernel drop every held packet.</summary>
    internal static void FlushHeldPackets(LoopbackQueue loopback)
    {
        Testing.KernelTest.RequireTool("nft");
        Testing.ChildResult added = Testing.ChildProcess.Run(
            loopback.Namespace, "nft", "add table ip unrelated ; add chain ip unrelated c { type filter hook input priority 0 ; }");
        Assert.Equal(0, added.ExitCode);
        Assert.Equal(0, Testing.ChildProcess.Run(loopback.Namespace, "nft", "delete table ip unrelated").ExitCode);
    }

    private static int NumberOf(InterceptedPacket packet) => BinaryPrimitives.ReadInt32LittleEndian(packet.Data[28..]);
}
