using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Tests.Intercept;

/// <summary>What was asked for is what comes out: shares, bursts, distributions and correlations, measured over many packets of one direction.</summary>
public sealed class ImpairmentModelTests
{
    private const int Count = 200_000;
    private const double Delay = 50e6;
    private const double Jitter = 5e6;

    [Theory]
    [InlineData(0.1, 0.0)]
    [InlineData(0.1, 0.5)]
    [InlineData(0.02, 0.9)]
    [InlineData(0.5, 0.25)]
    public void A_correlated_loss_keeps_its_share_and_has_its_correlation(double loss, double correlation)
    {
        double[] lost = Losses(new ImpairmentOptions { Loss = loss, LossCorrelation = correlation, Seed = 1 });

        // The losses of a chain count for fewer than they are: (1+c)/(1-c) times the variance.
        double tolerance = 5 * Math.Sqrt(loss * (1 - loss) / Count * (1 + correlation) / (1 - correlation));
        Assert.InRange(lost.Average(), loss - tolerance, loss + tolerance);
        Assert.InRange(AutoCorrelation(lost), correlation - 0.03, correlation + 0.03);
    }

    [Theory]
    [InlineData(0.01, 5)]
    [InlineData(0.1, 3)]
    [InlineData(0.3, 1)]
    [InlineData(0.5, 10)]
    public void Bursts_have_their_share_and_their_length(double share, double burst)
    {
        double[] lost = Losses(new ImpairmentOptions { LossModel = GilbertElliott.FromBursts(share, burst), Seed = 2 });
        int bursts = Enumerable.Range(0, Count).Count(i => lost[i] == 1 && (i == 0 || lost[i - 1] == 0));
        Assert.InRange(lost.Average(), share * 0.9, share * 1.1);
        Assert.InRange(lost.Sum() / bursts, burst * 0.9, burst * 1.1);
    }

    [Fact]
    public void A_channel_loses_in_both_states_what_was_asked()
    {
        var model = new GilbertElliott(ToBad: 0.05, ToGood: 0.2, BadLoss: 0.6, GoodLoss: 0.01);
        double share = Losses(new ImpairmentOptions { LossModel = model, Seed = 3 }).Average();
        Assert.Equal(0.128, model.Share, 12);
        Assert.InRange(share, model.Share * 0.95, model.Share * 1.05);
    }

    [Theory]
    [InlineData(0.8, 2)]
    [InlineData(1.0, 5)]
    [InlineData(0.1, 0.5)]
    [InlineData(-0.1, 2)]
    public void What_no_bursts_can_lose_is_refused(double share, double burst) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => GilbertElliott.FromBursts(share, burst));

    [Theory]
    [InlineData(DelayDistribution.Uniform, 0.0, 0.577)]
    [InlineData(DelayDistribution.Uniform, 0.7, 0.577)]
    [InlineData(DelayDistribution.Normal, 0.0, 1.0)]
    [InlineData(DelayDistribution.Normal, 0.5, 1.0)]
    [InlineData(DelayDistribution.Pareto, 0.0, 1.0)]
    [InlineData(DelayDistribution.Pareto, 0.3, 1.0)]
    public void Delays_have_their_mean_their_deviation_and_their_correlation(DelayDistribution distribution, double correlation, double deviations)
    {
        double[] delays = Delays(distribution, correlation);
        double mean = delays.Average();
        double deviation = Math.Sqrt(delays.Average(delay => (delay - mean) * (delay - mean)));
        Assert.InRange(mean, Delay - (0.05 * Jitter), Delay + (0.05 * Jitter));

        // The fourth moment of a Pareto distribution is infinite: its deviation is measured roughly.
        double share = distribution == DelayDistribution.Pareto ? 0.25 : 0.02;
        Assert.InRange(deviation, deviations * Jitter * (1 - share), deviations * Jitter * (1 + share));
        if (distribution != DelayDistribution.Pareto)
        {
            Assert.InRange(AutoCorrelation(delays), correlation - 0.03, correlation + 0.03);
        }
    }

    [Fact]
    public void Each_distribution_has_its_shape()
    {
        double[] uniform = Delays(DelayDistribution.Uniform, 0);
        Assert.InRange(uniform.Min(), Delay - Jitter, Delay - (0.999 * Jitter));
        Assert.InRange(uniform.Max(), Delay + (0.999 * Jitter), Delay + Jitter);
        double[] normal = Delays(DelayDistribution.Normal, 0);
        Assert.InRange(normal.Count(delay => Math.Abs(delay - Delay) < Jitter) / (double)Count, 0.678, 0.688);
        double[] pareto = Delays(DelayDistribution.Pareto, 0);
        Assert.InRange(pareto.Min(), Delay - (0.58 * Jitter), Delay - (0.57 * Jitter));
        Assert.InRange(pareto.Count(delay => delay > Delay + (5 * Jitter)) / (double)Count, 0.0045, 0.0065);
    }

    [Fact]
    public void Packets_that_overtake_are_as_many_as_asked_and_wait_for_nothing()
    {
        List<ImpairmentDecision> decisions = Decide(new ImpairmentOptions { Delay = TimeSpan.FromMilliseconds(10), Reorder = 0.25, Seed = 4 });
        Assert.InRange(decisions.Count(decision => decision.Overtakes), Count * 0.24, Count * 0.26);
        Assert.All(decisions, decision => Assert.Equal(decision.Overtakes ? 0 : 10_000_000, decision.DelayNanoseconds));
    }

    [Fact]
    public void With_a_gap_only_each_so_many_th_overtakes()
    {
        List<ImpairmentDecision> decisions = Decide(new ImpairmentOptions { Delay = TimeSpan.FromMilliseconds(10), Reorder = 1, ReorderGap = 5, Seed = 5 });
        Assert.All(decisions.Select((decision, index) => (decision, index)), item => Assert.Equal(item.index % 5 == 4, item.decision.Overtakes));
    }

    [Fact]
    public void Copies_and_damages_are_as_many_as_asked_and_independent()
    {
        List<ImpairmentDecision> decisions = Decide(new ImpairmentOptions { Duplicate = 0.2, Corrupt = 0.1, Seed = 6 });
        Assert.InRange(decisions.Count(decision => decision.Duplicate), Count * 0.195, Count * 0.205);
        Assert.InRange(decisions.Count(decision => decision.Corrupt), Count * 0.096, Count * 0.104);
        Assert.InRange(decisions.Count(decision => decision.Corrupt && decision.Duplicate), Count * 0.018, Count * 0.022);
        Assert.InRange(decisions.Where(decision => decision.Corrupt).Select(decision => decision.CorruptBit % 8).Distinct().Count(), 8, 8);
    }

    [Fact]
    public void Only_the_segments_that_open_and_close_wait_longer()
    {
        var impairments = new Impairments(new ImpairmentOptions { SynDelay = TimeSpan.FromMilliseconds(3), FinDelay = TimeSpan.FromMilliseconds(7) });
        long[] delays = [.. new[] { TcpFlags.Syn, TcpFlags.Syn | TcpFlags.Ack, TcpFlags.Ack, TcpFlags.Fin | TcpFlags.Ack, TcpFlags.Rst, default }
            .Select(flags => impairments.Decide(Flow, FirewallHook.Input, flags).DelayNanoseconds)];
        Assert.Equal([3_000_000, 0, 0, 7_000_000, 0, 0], delays);
    }

    [Fact]
    public void Everything_together_repeats_with_its_seed()
    {
        var options = new ImpairmentOptions
        {
            LossModel = new GilbertElliott(0.01, 0.2),
            Delay = TimeSpan.FromMilliseconds(10),
            Jitter = TimeSpan.FromMilliseconds(4),
            Distribution = DelayDistribution.Pareto,
            DelayCorrelation = 0.5,
            Duplicate = 0.1,
            Reorder = 0.1,
            Corrupt = 0.1,
            Seed = 7,
        };
        Assert.Equal(Decide(options), Decide(options));
        Assert.NotEqual(Decide(options), Decide(options with { Seed = 8 }));
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        ImpairmentOptions[] wrong =
        [
            new() { Reorder = 0.1 }, new() { Duplicate = 2 }, new() { Corrupt = -1 }, new() { LossCorrelation = double.NaN }, new() { Jitter = TimeSpan.FromTicks(-1) },
            new() { RateLimit = 0 }, new() { Rate = -1 }, new() { LossModel = new GilbertElliott(1.5, 0) },
        ];
        Assert.All(wrong, options => Assert.Throws<ArgumentOutOfRangeException>(() => new Impairments(options)));
    }

    private static FlowKey Flow => new(
        new FlowEndpoint(IpAddress.FromIpv4(0x0A000001), 40000), new FlowEndpoint(IpAddress.FromIpv4(0x0A000002), 80), IpProtocol.Tcp);

    private static List<ImpairmentDecision> Decide(ImpairmentOptions options)
    {
        var impairments = new Impairments(options);
        return [.. Enumerable.Range(0, Count).Select(_ => impairments.Decide(Flow, FirewallHook.Output))];
    }

    private static double[] Losses(ImpairmentOptions options) => [.. Decide(options).Select(decision => decision.Drop ? 1.0 : 0.0)];

    private static double[] Delays(DelayDistribution distribution, double correlation) =>
        [.. Decide(new ImpairmentOptions
        {
            Delay = TimeSpan.FromMilliseconds(50),
            Jitter = TimeSpan.FromMilliseconds(5),
            Distribution = distribution,
            DelayCorrelation = correlation,
            Seed = 9,
        }).Select(decision => (double)decision.DelayNanoseconds)];

    private static double AutoCorrelation(double[] values)
    {
        double mean = values.Average();
        double variance = values.Average(value => (value - mean) * (value - mean));
        return Enumerable.Range(1, values.Length - 1).Average(i => (values[i] - mean) * (values[i - 1] - mean)) / variance;
    }
}
