using System.Buffers.Binary;
using System.Diagnostics;
using Interceptor.Capture.Intercept;

namespace Interceptor.LinuxTests.Intercept;

public sealed class PacketHoldTests
{
    [Fact]
    public void Two_hundred_packets_are_held_and_released_in_order()
    {
        using var loopback = new LoopbackQueue();
        using PacketHold hold = Start(loopback);
        using FirewallRules rules = loopback.Install(FirewallHook.Prerouting);
        loopback.Send(50);
        LoopbackQueue.Until(() => loopback.Receiver.Available > 0 && hold.ReadStatistics().Accepted == 50, "the hold did not pass packets");
        Assert.Equal(Enumerable.Range(0, 50), loopback.Arrived());

        hold.Hold();
        loopback.Send(200, from: 50);
        LoopbackQueue.Until(() => hold.HeldCount == 200, "200 packets were not held");
        Assert.Empty(loopback.Arrived());
        Assert.Equal(Enumerable.Range(50, 200), hold.Held.Select(NumberOf));
        Assert.All(hold.Held, packet => Assert.Equal(HoldDirection.In, packet.Direction));

        long start = Stopwatch.GetTimestamp();
        HoldRelease release = hold.Release();
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Assert.Equal(new HoldRelease(200, 0, 0), release);
        Assert.Equal(Enumerable.Range(50, 200), loopback.Arrived());
        Assert.False(hold.IsHolding);
        TestContext.Current.SendDiagnosticMessage($"release of 200 took {took.TotalMicroseconds:0} µs");

        loopback.Send(50, from: 250);
        LoopbackQueue.Until(() => hold.ReadStatistics().Accepted == 300, "the hold did not pass packets again");
        Assert.Equal(Enumerable.Range(250, 50), loopback.Arrived());
        Assert.True(hold.ReadStatistics().IsBalanced);
    }

    [Fact]
    public void Chosen_packets_are_dropped_and_the_rest_arrives_in_order()
    {
        using var loopback = new LoopbackQueue();
        using PacketHold hold = Start(loopback);
        using FirewallRules rules = loopback.Install(FirewallHook.Prerouting);
        hold.Hold();
        loopback.Send(100);
        LoopbackQueue.Until(() => hold.HeldCount == 100, "100 packets were not held");
        HoldRelease release = hold.Release(packet => NumberOf(packet) % 4 == 0 ? HeldVerdict.Drop : HeldVerdict.Accept);
        Assert.Equal(new HoldRelease(75, 25, 0), release);
        Assert.Equal(Enumerable.Range(0, 100).Where(number => number % 4 != 0), loopback.Arrived());
    }

    [Fact]
    public void Drop_all_lets_nothing_through_and_passes_again()
    {
        using var loopback = new LoopbackQueue();
        using PacketHold hold = Start(loopback);
        using FirewallRules rules = loopback.Install();
        hold.Hold();
        loopback.Send(30);
        LoopbackQueue.Until(() => hold.HeldCount == 30, "30 packets were not held");
        Assert.Equal(new HoldRelease(0, 30, 0), hold.DropAll());
        loopback.Send(1, from: 99);
        LoopbackQueue.Until(() => loopback.Receiver.Available > 0, "nothing passed after the release");
        Assert.Equal([99], loopback.Arrived());
    }

    [Fact]
    public void Packets_lost_in_the_kernel_are_counted_one_by_one()
    {
        using var loopback = new LoopbackQueue();
        using PacketHold hold = Start(loopback);
        using FirewallRules rules = loopback.Install();
        hold.Hold();
        loopback.Send(40);
        LoopbackQueue.Until(() => hold.HeldCount == 40, "40 packets were not held");
        InterceptionQueueTests.FlushHeldPackets(loopback);
        loopback.Send(10, from: 40);
        LoopbackQueue.Until(() => hold.HeldCount == 50, "50 packets were not held");
        Assert.Equal(new HoldRelease(10, 0, 40), hold.Release());
        Assert.Equal(Enumerable.Range(40, 10), loopback.Arrived());
        Assert.True(hold.ReadStatistics().IsBalanced);
    }

    [Fact]
    public void Lost_packets_that_were_to_be_dropped_are_lost_not_dropped()
    {
        using var loopback = new LoopbackQueue();
        using PacketHold hold = Start(loopback);
        using FirewallRules rules = loopback.Install();
        hold.Hold();
        loopback.Send(40);
        LoopbackQueue.Until(() => hold.HeldCount == 40, "40 packets were not held");
        InterceptionQueueTests.FlushHeldPackets(loopback);
        loopback.Send(10, from: 40);
        LoopbackQueue.Until(() => hold.HeldCount == 50, "50 packets were not held");
        Assert.Equal(new HoldRelease(0, 10, 40), hold.DropAll());
        Assert.True(hold.ReadStatistics().IsBalanced);
    }

    [Fact]
    public void Nothing_is_lost_or_reordered_while_traffic_runs_through_hold_and_release()
    {
        const int Total = 20_000;
        using var loopback = new LoopbackQueue();
        using PacketHold hold = Start(loopback);
        using FirewallRules rules = loopback.Install();
        hold.Warm();
        var arrived = new List<int>();
        using var sending = new ManualResetEventSlim();
        int sent = 0;
        var sender = new Thread(() =>
        {
            sending.Set();
            for (int i = 0; i < Total; i += 20)
            {
                loopback.Send(20, i);
                Volatile.Write(ref sent, i + 20);

                // The receiver's buffer holds some thousands of small datagrams: stay below that.
                LoopbackQueue.Until(() => hold.ReadStatistics().Received >= i + 20 - 200, "the queue fell behind");
            }
        });
        sender.Start();
        sending.Wait();
        int held = 0;
        while (Volatile.Read(ref sent) < Total)
        {
            hold.Hold();
            int target = Volatile.Read(ref sent) + 100;
            LoopbackQueue.Until(() => Volatile.Read(ref sent) >= Math.Min(target, Total), "the sender stopped");
            HoldRelease release = hold.Release();
            held += release.Accepted;
            Assert.Equal(0, release.Lost + release.Dropped);
            arrived.AddRange(loopback.Arrived());
        }

        sender.Join();
        LoopbackQueue.Until(
            () =>
            {
                arrived.AddRange(loopback.Arrived());
                return arrived.Count >= Total;
            },
            $"only {arrived.Count} arrived");
        Assert.Equal(Enumerable.Range(0, Total), arrived);
        Assert.True(held > 0);
        Assert.True(hold.ReadStatistics().IsBalanced);
    }

    [Fact]
    public void Disposing_accepts_what_is_held()
    {
        using var loopback = new LoopbackQueue();
        PacketHold hold = Start(loopback);
        using FirewallRules rules = loopback.Install(bypass: true);
        hold.Hold();
        loopback.Send(25);
        LoopbackQueue.Until(() => hold.HeldCount == 25, "25 packets were not held");
        hold.Dispose();
        Assert.Equal(Enumerable.Range(0, 25), loopback.Arrived());
    }

    [Fact]
    public void A_predicate_that_throws_leaves_everything_held()
    {
        using var loopback = new LoopbackQueue();
        using PacketHold hold = Start(loopback);
        using FirewallRules rules = loopback.Install();
        hold.Hold();
        loopback.Send(5);
        LoopbackQueue.Until(() => hold.HeldCount == 5, "5 packets were not held");
        Assert.Throws<FormatException>(() => hold.Release(_ => throw new FormatException("no")));
        Assert.True(hold.IsHolding);
        Assert.Equal(new HoldRelease(5, 0, 0), hold.Release());
    }

    private static PacketHold Start(LoopbackQueue loopback) =>
        PacketHold.Start(new InterceptionQueueOptions { Number = LoopbackQueue.QueueNumber }, HoldDirection.In, loopback.Namespace);

    private static int NumberOf(HeldPacket packet) => BinaryPrimitives.ReadInt32LittleEndian(packet.Data[28..]);
}
