using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>One interception with four queues, each with its thread.</summary>
public sealed class SeveralQueuesTests
{
    private const int Queues = 4;
    private const int Sources = 64;

    [Fact]
    public void Flows_are_spread_over_the_queues_and_every_packet_is_accounted()
    {
        const int PacketsOfEach = 50;
        using var loopback = new LoopbackQueue();
        using var senders = new SenderCrowd(loopback, Sources);
        using var stop = new CancellationTokenSource();
        var queuesOf = new Dictionary<IpAddress, HashSet<ushort>>();
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback), stop.Token, (in fate) =>
        {
            Assert.True(fate.Packet.Parse().TryGetFlow(out FlowKey flow));
            AddTo(queuesOf, flow.Source.Address, fate.Queue);
        });
        Assert.Equal(Queues, running.Session.QueueCount);
        senders.Send(PacketsOfEach);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Accepted == Sources * PacketsOfEach, "not every packet was accepted");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((Sources * PacketsOfEach, Sources * PacketsOfEach), (summary.Received, summary.Accepted));
        Assert.Equal(0, summary.Escaped + summary.LostInKernel + summary.KernelQueueDropped + summary.KernelUserDropped);
        Assert.Equal(Sources * PacketsOfEach, senders.Arrived().Count);
        Assert.Equal(Sources, queuesOf.Count);
        Assert.All(queuesOf.Values, queues => Assert.Single(queues));

        // The chance that 64 addresses leave one of four queues out is 4 in 10^8.
        Assert.Equal(Queues, queuesOf.Values.SelectMany(queues => queues).Distinct().Count());
    }

    [Fact]
    public void Both_directions_of_a_connection_meet_the_same_queue()
    {
        using var loopback = new LoopbackQueue();
        using Socket listener = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Sources);
        var queuesOf = new Dictionary<FlowKey, HashSet<ushort>>();
        var directions = new HashSet<FlowKey>();
        using var stop = new CancellationTokenSource();
        InterceptOptions options = OptionsFor(loopback) with
        {
            Hooks = [FirewallHook.Input, FirewallHook.Output],
            Filter = PacketFilter.Compile($"tcp port {((IPEndPoint)listener.LocalEndPoint!).Port}", LinkType.Raw),
        };
        using var running = new RunningSession(loopback.Namespace, options, stop.Token, (in fate) =>
        {
            Assert.True(fate.Packet.Parse().TryGetFlow(out FlowKey flow));
            directions.Add(flow);
            AddTo(queuesOf, flow.Canonical(out _), fate.Queue);
        });
        for (int i = 0; i < 16; i++)
        {
            using Socket client = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            client.Bind(new IPEndPoint(SenderCrowd.Address(i), 0));
            client.Connect(listener.LocalEndPoint!);
            using Socket server = listener.Accept();
            client.Send([1, 2, 3]);
            Assert.Equal(3, server.Receive(new byte[8]));
            server.Send([4]);
            Assert.Equal(1, client.Receive(new byte[8]));
        }

        stop.Cancel();
        Assert.True(running.Finish().IsBalanced);
        Assert.Equal((16, 32), (queuesOf.Count, directions.Count));
        Assert.All(queuesOf.Values, queues => Assert.Single(queues));
        Assert.True(queuesOf.Values.SelectMany(queues => queues).Distinct().Count() > 1);
    }

    [Fact]
    public void At_the_end_what_waits_in_each_queue_goes_on()
    {
        const int PacketsOfEach = 10;
        using var loopback = new LoopbackQueue();
        using var senders = new SenderCrowd(loopback, Sources);
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(
            loopback.Namespace, OptionsFor(loopback) with { Impairments = new ImpairmentOptions { Delay = TimeSpan.FromHours(1) } }, stop.Token);
        senders.Send(PacketsOfEach);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Delayed == Sources * PacketsOfEach, "not every packet was delayed");
        Assert.Empty(senders.Arrived());
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((Sources * PacketsOfEach, Sources * PacketsOfEach, Sources * PacketsOfEach), (summary.Received, summary.Accepted, summary.Released));
        Assert.Equal(Sources * PacketsOfEach, senders.Arrived().Count);
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_held_in_each_queue_goes_on_by_command_and_at_the_end()
    {
        using var loopback = new LoopbackQueue();
        using var senders = new SenderCrowd(loopback, Sources);
        using var stop = new CancellationTokenSource();
        var hold = new HoldQueue();
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback) with { Hold = hold }, stop.Token);
        senders.Send(3);
        LoopbackQueue.Until(() => hold.Count == Sources * 3, "not every packet was held");
        Assert.Empty(senders.Arrived());
        Assert.Equal(Sources * 3, hold.ReleaseAll());
        LoopbackQueue.Until(() => running.Session.ReadSummary().Accepted == Sources * 3, "not every packet went on");
        Assert.Equal(Sources * 3, senders.Arrived().Count);
        senders.Send(1);
        LoopbackQueue.Until(() => hold.Count == Sources, "not every packet was held again");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((Sources * 4, Sources * 4, Sources * 4), (summary.Received, summary.Accepted, summary.Released));
        Assert.Equal(Sources, senders.Arrived().Count);
    }

    [Fact]
    public void A_failure_at_one_queue_ends_all_and_leaves_nothing()
    {
        using var loopback = new LoopbackQueue();
        using var senders = new SenderCrowd(loopback, Sources);
        loopback.Namespace.Run(() =>
        {
            using InterceptSession session = InterceptSession.Start(OptionsFor(loopback));
            senders.Send(1);
            ushort first = session.QueueNumber;
            Assert.Throws<FormatException>(() => session.Run(
                (in fate) =>
                {
                    if (fate.Queue != first)
                    {
                        throw new FormatException("seen");
                    }
                },
                CancellationToken.None));
        });
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);
        Assert.Equal(Sources, senders.Arrived().Count);
    }

    [Fact]
    public void A_limit_reached_at_any_queue_ends_the_run()
    {
        using var loopback = new LoopbackQueue();
        using var senders = new SenderCrowd(loopback, Sources);
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback) with { Count = 40, Impairments = new ImpairmentOptions { Drop = true } }, CancellationToken.None);
        senders.Send(1);
        InterceptSummary summary = running.Finish();
        Assert.Equal((40, 24), (summary.Dropped, senders.Arrived().Count));
    }

    [Fact]
    public void A_seed_loses_the_same_packets_of_each_flow_with_one_queue_and_with_four()
    {
        List<(IPAddress Source, int Number)> one = LoseSome(1);
        List<(IPAddress Source, int Number)> four = LoseSome(Queues);
        Assert.InRange(one.Count, 16 * 50 * 0.6, 16 * 50 * 0.8);
        Assert.Equal(one.OrderBy(packet => packet.ToString()), four.OrderBy(packet => packet.ToString()));
    }

    private static List<(IPAddress Source, int Number)> LoseSome(int queues)
    {
        const int Flows = 16;
        using var loopback = new LoopbackQueue();
        using var senders = new SenderCrowd(loopback, Flows);
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(
            loopback.Namespace, OptionsFor(loopback) with { QueueCount = queues, Impairments = new ImpairmentOptions { Loss = 0.3, Seed = 9 } }, stop.Token);

        // Flows are told apart by the order in which they begin: one after another.
        for (int i = 0; i < Flows; i++)
        {
            senders.SendFrom(i, 1);
            LoopbackQueue.Until(() => running.Session.ReadSummary().Received == i + 1, "a flow did not begin");
        }

        senders.Send(49);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Received == Flows * 50, "not every packet came to a queue");
        stop.Cancel();
        Assert.True(running.Finish().IsBalanced);
        return senders.Arrived();
    }

    private static InterceptOptions OptionsFor(LoopbackQueue loopback) => new()
    {
        Hooks = [FirewallHook.Input],
        Filter = PacketFilter.Compile($"udp dst port {loopback.Port}", LinkType.Raw),
        QueueCount = Queues,
    };

    private static void AddTo<T>(Dictionary<T, HashSet<ushort>> queues, T key, ushort queue)
        where T : notnull
    {
        if (!queues.TryGetValue(key, out HashSet<ushort>? known))
        {
            queues.Add(key, known = []);
        }

        known.Add(queue);
    }
}
