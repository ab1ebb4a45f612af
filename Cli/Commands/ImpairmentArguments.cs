using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Input;

namespace Interceptor.Cli.Commands;

/// <summary>What <c>interceptor intercept</c> does to packets as a bad network would, in tc-netem's words.</summary>
internal static class ImpairmentArguments
{
    private static readonly Option<bool> Drop = new("--drop") { Description = "Drop every matching packet." };

    private static readonly Option<string?> Loss = new("--loss") { Description = "Drop each packet with this probability, as 1%.", HelpName = "P" };

    private static readonly Option<string?> Burst = new("--burst")
    {
        Description = "With --loss: lose in bursts of so many packets on average, 1 or more; the share that is lost stays.",
        HelpName = "N",
    };

    private static readonly Option<string?> LossCorrelation = new("--loss-correlation")
    {
        Description = "With --loss: how much a loss depends on the one before; unlike with tc-netem the share that is lost stays.",
        HelpName = "P",
    };

    private static readonly Option<string?> Gemodel = new("--gemodel")
    {
        Description = "Lose by a Gilbert-Elliott channel, as tc-netem's gemodel: P to become bad, R to become good again, loss while bad (100%), loss while good (0%).",
        HelpName = "P,R[,1-H[,1-K]]",
    };

    private static readonly Option<string?> Delay = new("--delay") { Description = "Let each packet go on after this time, as 20ms.", HelpName = "D" };

    private static readonly Option<string?> Jitter = new("--jitter") { Description = "With --delay: vary it by this much, never below 0; packets may overtake each other then.", HelpName = "D" };

    private static readonly Option<string> Distribution = new("--distribution")
    {
        Description = "With --jitter: uniform (the jitter is the most), normal or pareto (the jitter is the standard deviation).",
        DefaultValueFactory = _ => "uniform",
    };

    private static readonly Option<string?> DelayCorrelation = new("--delay-correlation")
    {
        Description = "With --jitter: how much a packet's variation depends on the one before.",
        HelpName = "P",
    };

    private static readonly Option<string?> SynDelay = new("--syn-delay") { Description = "Keep SYNs so much longer: connections open late.", HelpName = "D" };

    private static readonly Option<string?> FinDelay = new("--fin-delay") { Description = "Keep FINs so much longer: connections half-close late.", HelpName = "D" };

    private static readonly Option<string?> Rate = new("--rate")
    {
        Description = "Let so many bits of IP packets pass in a second, as 10Mbit, on each link: all matching packets of a hook that leave (or came in) by one interface.",
        HelpName = "R",
    };

    private static readonly Option<bool> PerConnection = new("--rate-per-connection") { Description = "With --rate: each direction of each connection has a rate of its own." };

    private static readonly Option<int?> Limit = new("--limit") { Description = "With --rate: packets that may wait, the next are dropped. Default: 1000.", HelpName = "N" };

    private static readonly Option<string?> Duplicate = new("--duplicate") { Description = "Send each packet twice with this probability.", HelpName = "P" };

    private static readonly Option<string?> Reorder = new("--reorder") { Description = "With --delay: let a packet go on at once with this probability, before those that wait.", HelpName = "P" };

    private static readonly Option<int?> Gap = new("--gap") { Description = "With --reorder: only each N-th packet may.", HelpName = "N" };

    private static readonly Option<string?> Corrupt = new("--corrupt") { Description = "Turn over one bit behind the IP header with this probability; the checksum stays.", HelpName = "P" };

    private static readonly Option<ulong?> Seed = new("--seed") { Description = "Make the random choices repeatable: the n-th packet of a connection's direction meets the same.", HelpName = "N" };

    static ImpairmentArguments() => Distribution.AcceptOnlyFromAmong("uniform", "normal", "pareto");

    /// <summary>The options, in the order of the help, which is that of the actions.</summary>
    internal static IEnumerable<Option> All =>
    [
        Drop, Loss, Burst, LossCorrelation, Gemodel, Delay, Jitter, Distribution, DelayCorrelation, SynDelay, FinDelay, Rate, PerConnection, Limit, Duplicate, Reorder, Gap,
        Corrupt, Seed,
    ];

    /// <exception cref="UsageException">A value is none, or options don't go together.</exception>
    internal static ImpairmentOptions Read(ParseResult parsed)
    {
        Require(parsed, Burst, Loss);
        Require(parsed, LossCorrelation, Loss);
        Require(parsed, Jitter, Delay);
        Require(parsed, Distribution, Jitter);
        Require(parsed, DelayCorrelation, Jitter);
        Require(parsed, Reorder, Delay);
        Require(parsed, Gap, Reorder);
        Require(parsed, Limit, Rate);
        if (parsed.GetValue(PerConnection) && parsed.GetValue(Rate) is null)
        {
            throw new UsageException("--rate-per-connection goes with --rate.");
        }

        double loss = ProbabilityOf(parsed, Loss);
        return new ImpairmentOptions
        {
            Drop = parsed.GetValue(Drop),
            Loss = loss,
            LossCorrelation = ProbabilityOf(parsed, LossCorrelation),
            LossModel = ModelOf(parsed, loss),
            Delay = TimeOf(parsed, Delay),
            Jitter = TimeOf(parsed, Jitter),
            Distribution = Enum.Parse<DelayDistribution>(parsed.GetRequiredValue(Distribution), ignoreCase: true),
            DelayCorrelation = ProbabilityOf(parsed, DelayCorrelation),
            SynDelay = TimeOf(parsed, SynDelay),
            FinDelay = TimeOf(parsed, FinDelay),
            Rate = parsed.GetValue(Rate) is { } rate ? Positive(Quantity.BitRate(rate), "--rate") : 0,
            RateScope = parsed.GetValue(PerConnection) ? RateScope.Connection : RateScope.Link,
            RateLimit = parsed.GetValue(Limit) is { } limit ? (int)Positive(limit, "--limit") : new ImpairmentOptions().RateLimit,
            Duplicate = ProbabilityOf(parsed, Duplicate),
            Reorder = ProbabilityOf(parsed, Reorder),
            ReorderGap = parsed.GetValue(Gap) is { } gap ? (int)Positive(gap, "--gap") : 0,
            Corrupt = ProbabilityOf(parsed, Corrupt),
            Seed = parsed.GetValue(Seed) ?? (ulong)RandomNumberGenerator.GetInt32(int.MaxValue),
        };
    }

    private static GilbertElliott? ModelOf(ParseResult parsed, double loss)
    {
        if (parsed.GetValue(Gemodel) is { } model)
        {
            if (parsed.GetValue(Loss) is not null)
            {
                throw new UsageException("--loss and --gemodel both say which packets are lost: give one of them.");
            }

            double[] values = [.. model.Split(',').Select(Quantity.Probability)];
            return values.Length is >= 2 and <= 4
                ? new GilbertElliott(values[0], values[1], values.Length > 2 ? values[2] : 1, values.Length > 3 ? values[3] : 0)
                : throw new UsageException($"--gemodel wants 2 to 4 probabilities, as 1%,30%, not '{model}'.");
        }

        if (parsed.GetValue(Burst) is not { } text)
        {
            return null;
        }

        if (parsed.GetValue(LossCorrelation) is not null)
        {
            throw new UsageException("--burst and --loss-correlation both say how losses follow each other: give one of them.");
        }

        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double burst) || !(burst >= 1))
        {
            throw new UsageException($"--burst wants a number of packets, 1 or more, not '{text}'.");
        }

        return loss < burst / (burst + 1) || loss == 0
            ? GilbertElliott.FromBursts(loss, burst)
            : throw new UsageException(string.Create(CultureInfo.InvariantCulture,
                $"--loss {loss:0.##%} is not possible in bursts of {burst} packets: with one packet between two bursts less than {burst / (burst + 1):0.##%} is lost."));
    }

    private static void Require(ParseResult parsed, Option option, Option other)
    {
        if (parsed.GetResult(option) is { Implicit: false } && parsed.GetResult(other) is null or { Implicit: true })
        {
            throw new UsageException($"{option.Name} goes with {other.Name}.");
        }
    }

    private static double ProbabilityOf(ParseResult parsed, Option<string?> option) => parsed.GetValue(option) is { } text ? Quantity.Probability(text) : 0;

    private static TimeSpan TimeOf(ParseResult parsed, Option<string?> option) => parsed.GetValue(option) is { } text ? Quantity.DurationWithUnit(text) : TimeSpan.Zero;

    private static long Positive(long value, string option) =>
        value > 0 ? value : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option} is more than 0, not {value}."));
}
