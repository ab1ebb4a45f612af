using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>What the kernel does to a queue behind our back, to the packet.</summary>
public sealed class QueueFailureTests
{
    private static readonly ImpairmentOptions Hours = new() { Delay = TimeSpan.FromHours(1) };

    [Fact]
    public void Of_three_hundred_packets_a_queue_of_a_hundred_drops_two_hundred_and_says_so_within_a_second()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        long told = 0;
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback) with { QueueLength = 100, Impairments = Hours }, stop.Token);
        running.Session.KernelDropped += losses => Interlocked.Add(ref told, losses.QueueFull);
        loopback.Send(300);
        long sent = Stopwatch.GetTimestamp();
        LoopbackQueue.Until(() => Interlocked.Read(ref told) == 200, "200 dropped packets were not told");
        TimeSpan took = Stopwatch.GetElapsedTime(sent);
        Assert.True(took < TimeSpan.FromSeconds(1.5), $"it took {took}");

        // What the kernel could not queue may be told before what it queued is read.
        LoopbackQueue.Until(() => running.Session.ReadSummary().Delayed == 100, "100 packets were not delayed");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((100, 100, 200, 0), (summary.Received, summary.Released, summary.KernelQueueDropped, summary.Escaped));
        Assert.Equal(Enumerable.Range(0, 100), loopback.Arrived());
    }

    [Fact]
    public void Of_three_hundred_packets_two_hundred_escape_a_queue_of_a_hundred_that_fails_open()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(
            loopback.Namespace, OptionsFor(loopback) with { QueueLength = 100, Impairments = Hours, OnFailure = FailurePolicy.Open }, stop.Token);
        loopback.Send(300);
        Assert.Equal(Enumerable.Range(100, 200), loopback.Arrived());
        LoopbackQueue.Until(() => running.Session.ReadSummary().Delayed == 100, "100 packets were not delayed");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((100, 100, 0, 0, 200), (summary.Received, summary.Accepted, summary.KernelQueueDropped, summary.KernelUserDropped, summary.Escaped));
        Assert.Equal(Enumerable.Range(0, 100), loopback.Arrived());
    }

    [Fact]
    public void A_flood_that_nobody_reads_is_one_error_and_its_losses_are_exact()
    {
        const int Flood = 4000;
        using var loopback = new LoopbackQueue();
        using InterceptionQueue queue = loopback.OpenQueue(options => options with { ReceiveBufferBytes = 8192, ReportOverruns = true });
        using FirewallRules rules = loopback.Install();
        loopback.Send(Flood);
        LoopbackQueue.Until(
            () => queue.Receive(packet => packet.Accept(), 0) == 0 && queue.ReadStatistics().Overruns > 0 && queue.ReadKernelCounters()!.Value.Waiting == 0,
            "the flood was not read");
        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.Equal(1, statistics.Overruns);
        Assert.Equal(Flood, statistics.Received + statistics.KernelUserDropped);
        Assert.InRange(statistics.Received, 1, 200);
        Assert.Equal(0, statistics.KernelQueueDropped);
        Assert.Equal(statistics.Received, loopback.Arrived().Count);
        loopback.Send(5, from: Flood);
        LoopbackQueue.Drive(queue, 5, packet => packet.Accept());
        Assert.Equal(Enumerable.Range(Flood, 5), loopback.Arrived());
        Assert.Equal([Flood + 5], rules.ReadCounters());
    }

    [Fact]
    public void A_run_goes_on_after_a_flood_that_it_did_not_read_in_time()
    {
        const int Flood = 4000;
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        loopback.Namespace.Run(() =>
        {
            using InterceptSession session = InterceptSession.Start(OptionsFor(loopback) with { ReceiveBufferBytes = 8192, Mark = 5 });
            long told = 0;
            int sent = Flood;
            session.KernelDropped += losses =>
            {
                // The first come while the buffer is still full; then there is room.
                told += losses.BufferFull;
                loopback.Send(7, from: sent);
                sent += 7;
            };
            loopback.Send(Flood);
            InterceptSummary summary = session.Run(
                (in fate) =>
                {
                    if (BitConverter.ToInt32(fate.Packet.Data[28..]) >= Flood)
                    {
                        stop.Cancel();
                    }
                },
                stop.Token);
            Assert.Equal(sent, summary.Received + summary.KernelUserDropped);
            Assert.Equal((summary.KernelUserDropped, 0, summary.Received), (told, summary.Escaped, summary.Accepted));
            Assert.True(summary.KernelUserDropped > Flood - 200, summary.ToString());
        });
    }

    [Fact]
    public void A_base_chain_that_another_program_removes_costs_all_thousand_and_they_are_lost_not_released()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        long told = 0;
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback) with { Impairments = Hours }, stop.Token);
        running.Session.KernelDropped += losses => Interlocked.Add(ref told, losses.WhileHeld);
        loopback.Send(1000);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Delayed == 1000, "1,000 packets were not delayed");
        InterceptionQueueTests.FlushHeldPackets(loopback);
        LoopbackQueue.Until(() => Interlocked.Read(ref told) == 1000, "1,000 lost packets were not told");

        // Those that come then are as before.
        loopback.Send(30, from: 1000);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Delayed == 1030, "30 packets were not delayed");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((1030, 30, 1000, 30), (summary.Received, summary.Accepted, summary.LostInKernel, summary.Released));
        Assert.True(summary.IsBalanced);
        Assert.Equal(1000, Interlocked.Read(ref told));
        Assert.Equal(Enumerable.Range(1000, 30), loopback.Arrived());
    }

    [Fact]
    public void Packets_of_an_interface_that_is_deleted_are_lost_and_those_of_another_are_not()
    {
        using NetworkLab lab = NetworkLab.Create();
        KernelTest.RequireTool("iptables");
        using Socket receiver = Udp(lab.Server);
        receiver.Bind(new IPEndPoint(IPAddress.Any, 0));
        int port = ((IPEndPoint)receiver.LocalEndPoint!).Port;
        var options = new InterceptOptions
        {
            Hooks = [FirewallHook.Input],
            Filter = PacketFilter.Compile($"udp dst port {port}", LinkType.Raw),
            Impairments = Hours,
        };
        lab.Server.Run(() =>
        {
            using Interceptor.Interop.RouteNetlink netlink = Interceptor.Interop.RouteNetlink.Open();
            netlink.SetUp(1);
        });
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(lab.Server, options, stop.Token);
        using Socket far = Udp(lab.Client);
        using Socket near = Udp(lab.Server);
        for (int i = 0; i < 100; i++)
        {
            far.SendTo([1], new IPEndPoint(IPAddress.Parse(NetworkLab.ServerAddress), port));
            near.SendTo([2], new IPEndPoint(IPAddress.Loopback, port));
        }

        LoopbackQueue.Until(() => running.Session.ReadSummary().Delayed == 200, "200 packets were not delayed");
        Assert.Equal(0, ChildProcess.Run(lab.Server, "ip", "link", "delete", NetworkLab.ServerInterface).ExitCode);
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((200, 100, 100, 100), (summary.Received, summary.Accepted, summary.LostInKernel, summary.Released));
        int arrived = 0;
        byte[] buffer = new byte[8];
        while (receiver.Available > 0)
        {
            Assert.Equal(1, receiver.Receive(buffer));
            Assert.Equal(2, buffer[0]);
            arrived++;
        }

        Assert.Equal(100, arrived);
    }

    [Fact]
    public void What_is_delayed_goes_on_although_the_observer_fails()
    {
        using var loopback = new LoopbackQueue();
        loopback.Namespace.Run(() =>
        {
            using InterceptSession session = InterceptSession.Start(OptionsFor(loopback) with { Impairments = Hours });
            loopback.Send(10);
            int seen = 0;
            Assert.Throws<FormatException>(() => session.Run(
                (in _) =>
                {
                    if (++seen == 10)
                    {
                        throw new FormatException("seen");
                    }
                },
                CancellationToken.None));
            Assert.False(session.HasRules);
        });

        // The tenth had no verdict yet, and gets the default where something is done to packets.
        Assert.Equal(Enumerable.Range(0, 9), loopback.Arrived());
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_held_goes_on_although_the_observer_fails_at_the_end()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        var hold = new HoldQueue();
        hold.Happened += held =>
        {
            if (held.Kind == HoldEventKind.Held && held.Item.Id == 10)
            {
                stop.Cancel();
            }
        };
        loopback.Namespace.Run(() =>
        {
            using InterceptSession session = InterceptSession.Start(OptionsFor(loopback) with { Hold = hold });
            loopback.Send(10);
            Assert.Throws<FormatException>(() => session.Run((in _) => throw new FormatException("seen"), stop.Token));
            Assert.Equal((10, false), (session.ReadSummary().Accepted, session.HasRules));
        });
        Assert.Equal(Enumerable.Range(0, 10), loopback.Arrived());
    }

    private static Socket Udp(Interceptor.Interop.NetworkNamespace network) =>
        network.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));

    private static InterceptOptions OptionsFor(LoopbackQueue loopback) => new()
    {
        Hooks = [FirewallHook.Input],
        Filter = PacketFilter.Compile($"udp dst port {loopback.Port}", LinkType.Raw),
    };
}
