using FsCheck.Fluent;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Intercept;

public sealed class ImpairmentsTests
{
    [Fact]
    public void The_same_seed_decides_the_same_whatever_the_ports() =>
        Assert.Equal(Decisions(seed: 9, clientPort: 40000), Decisions(seed: 9, clientPort: 51234));

    [Fact]
    public void Another_seed_decides_otherwise() => Assert.NotEqual(Decisions(seed: 9, clientPort: 40000), Decisions(seed: 10, clientPort: 40000));

    [Fact]
    public void The_directions_and_hooks_of_a_flow_are_decided_apart()
    {
        var impairments = new Impairments(new ImpairmentOptions { Loss = 0.5, Seed = 1 });
        FlowKey flow = Flow(40000);
        List<bool> forth = [];
        List<bool> back = [];
        List<bool> elsewhere = [];
        for (int i = 0; i < 200; i++)
        {
            forth.Add(impairments.Decide(flow, FirewallHook.Input).Drop);
            back.Add(impairments.Decide(flow.Reversed, FirewallHook.Input).Drop);
            elsewhere.Add(impairments.Decide(flow, FirewallHook.Output).Drop);
        }

        Assert.NotEqual(forth, back);
        Assert.NotEqual(forth, elsewhere);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.01)]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public void The_loss_is_about_what_was_asked_for(double loss)
    {
        const int Count = 100_000;
        var impairments = new Impairments(new ImpairmentOptions { Loss = loss, Seed = 42 });
        int dropped = 0;
        for (int i = 0; i < Count; i++)
        {
            dropped += impairments.Decide(Flow(40000), FirewallHook.Input).Drop ? 1 : 0;
        }

        // Five standard deviations of a binomial distribution.
        double tolerance = 5 * Math.Sqrt(Count * loss * (1 - loss));
        Assert.InRange(dropped, (Count * loss) - tolerance, (Count * loss) + tolerance);
    }

    [Fact]
    public void A_jitter_stays_in_its_range_and_is_never_negative()
    {
        var impairments = new Impairments(new ImpairmentOptions { Delay = TimeSpan.FromMilliseconds(2), Jitter = TimeSpan.FromMilliseconds(5), Seed = 3 });
        var delays = Enumerable.Range(0, 10_000).Select(_ => impairments.Decide(Flow(1), FirewallHook.Output).DelayNanoseconds).ToList();
        Assert.Equal(0, delays.Min());
        Assert.InRange(delays.Max(), 6_900_000, 7_000_000);
    }

    [Fact]
    public void Flows_beyond_the_limit_share_their_counters_and_take_no_memory()
    {
        var impairments = new Impairments(new ImpairmentOptions { Loss = 0.5 });
        for (int i = 0; i < Impairments.MaxFlows + 1000; i++)
        {
            impairments.Decide(new FlowKey(new FlowEndpoint(IpAddress.FromIpv4((uint)i), 1), new FlowEndpoint(IpAddress.FromIpv4(0x0A000001), 2), 17), FirewallHook.Input);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            impairments.Decide(new FlowKey(new FlowEndpoint(IpAddress.FromIpv4((uint)(i + 0x20000000)), 1), new FlowEndpoint(IpAddress.FromIpv4(0x0A000001), 2), 17), FirewallHook.Input);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024);
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void What_is_no_probability_is_refused(double loss) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Impairments(new ImpairmentOptions { Loss = loss }));

    [Fact]
    public void A_timer_wheel_gives_back_in_order_of_time_and_then_of_arrival() => PropertyCheck.ForAll(
        Gen.ListOf(Gen.Choose(0, 20)).ToArbitrary(),
        delays =>
        {
            var queue = new TimerWheel<int>();
            int index = 0;
            foreach (int delay in delays)
            {
                queue.Add(index++, delay);
            }

            var expected = delays.Select((delay, at) => (delay, at)).OrderBy(item => item.delay).ThenBy(item => item.at).Select(item => item.at).ToList();
            var actual = new List<int>();
            for (long now = 0; now <= 20; now++)
            {
                Assert.True(queue.NextDue >= now);
                while (queue.TryTake(now, out int item))
                {
                    actual.Add(item);
                }
            }

            Assert.Equal(expected, actual);
            Assert.Equal(long.MaxValue, queue.NextDue);
        });

    private static List<ImpairmentDecision> Decisions(ulong seed, ushort clientPort)
    {
        var impairments = new Impairments(new ImpairmentOptions
        {
            Loss = 0.2,
            Delay = TimeSpan.FromMilliseconds(20),
            Jitter = TimeSpan.FromMilliseconds(10),
            Seed = seed,
        });
        var decisions = new List<ImpairmentDecision>();
        for (int i = 0; i < 500; i++)
        {
            decisions.Add(impairments.Decide(Flow(clientPort), FirewallHook.Output));
            decisions.Add(impairments.Decide(Flow(clientPort).Reversed, FirewallHook.Input));
        }

        return decisions;
    }

    private static FlowKey Flow(ushort clientPort) => new(
        new FlowEndpoint(IpAddress.FromIpv4(0x0A000001), clientPort), new FlowEndpoint(IpAddress.FromIpv4(0x0A000002), 80), 6);
}
