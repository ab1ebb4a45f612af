namespace Interceptor.Capture.Intercept;

/// <summary>What is done to the packets that match, in this order. The words are tc-netem's; where a meaning differs it says so.</summary>
public sealed record ImpairmentOptions
{
    /// <summary>Drop every one.</summary>
    public bool Drop { get; init; }

    /// <summary>Probability that a packet is dropped, 0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>
    /// How much a loss depends on the one before, 0 to 1: the correlation of two packets that follow each other. Unlike with tc-netem the share that is lost stays
    /// <see cref="Loss"/>.
    /// </summary>
    public double LossCorrelation { get; init; }

    /// <summary>Loss in bursts, instead of <see cref="Loss"/>; null for none.</summary>
    public GilbertElliott? LossModel { get; init; }

    /// <summary>How long each is kept before it goes on.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>The delay varies by this much, as <see cref="Distribution"/> says, never below 0. As with tc-netem, packets may overtake each other then.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>How the delay varies.</summary>
    public DelayDistribution Distribution { get; init; }

    /// <summary>How much a variation depends on the one before, 0 to 1; the distribution stays as asked.</summary>
    public double DelayCorrelation { get; init; }

    /// <summary>Kept in addition where the packet is a SYN without an ACK.</summary>
    public TimeSpan SynDelay { get; init; }

    /// <summary>Kept in addition where the packet has a FIN: its sender's half of the connection closes later.</summary>
    public TimeSpan FinDelay { get; init; }

    /// <summary>Bits of IP packets that pass in a second, by <see cref="RateScope"/>; 0 for no limit.</summary>
    public long Rate { get; init; }

    /// <summary>What shares the rate.</summary>
    public RateScope RateScope { get; init; }

    /// <summary>Packets that may wait for their turn under a rate; the next one is dropped. As tc-netem: 1000.</summary>
    public int RateLimit { get; init; } = 1000;

    /// <summary>Probability that a packet comes twice, 0 to 1.</summary>
    public double Duplicate { get; init; }

    /// <summary>Probability that a packet does not wait for the delay, and so overtakes others, 0 to 1; needs a delay.</summary>
    public double Reorder { get; init; }

    /// <summary>Only each so many-th packet may overtake; 0 or 1 for each.</summary>
    public int ReorderGap { get; init; }

    /// <summary>Probability that one bit behind the IP header is turned over, with the checksum left as it was, 0 to 1.</summary>
    public double Corrupt { get; init; }

    /// <summary>Makes every random choice repeatable: the same seed decides the same for the n-th packet of a direction of the n-th flow at a hook.</summary>
    public ulong Seed { get; init; }

    /// <summary>True if packets are only looked at.</summary>
    public bool IsNone => this == new ImpairmentOptions { Seed = Seed, RateLimit = RateLimit, RateScope = RateScope };

    /// <summary>True if anything depends on chance.</summary>
    public bool IsRandom => Loss > 0 || LossModel is not null || Jitter > TimeSpan.Zero || Duplicate > 0 || Reorder > 0 || Corrupt > 0;

    /// <summary>True if packets may have to wait for their time.</summary>
    public bool MayDelay => Delay > TimeSpan.Zero || SynDelay > TimeSpan.Zero || FinDelay > TimeSpan.Zero || Rate > 0;

    /// <summary>
    /// True if something happens to packets one by one, so that super-packets have to be taken apart before: what is lost is then a packet of the wire's size, as on a wire.
    /// </summary>
    public bool TakesPacketsApart => IsRandom || Rate > 0;

    /// <exception cref="ArgumentOutOfRangeException">A probability is none, a time is negative, or something does not go together.</exception>
    internal void Validate()
    {
        foreach (double probability in (ReadOnlySpan<double>)[Loss, LossCorrelation, DelayCorrelation, Duplicate, Reorder, Corrupt])
        {
            if (!(probability is >= 0 and <= 1))
            {
                throw new ArgumentOutOfRangeException(null, probability, "A probability is between 0 and 1.");
            }
        }

        foreach (TimeSpan time in (ReadOnlySpan<TimeSpan>)[Delay, Jitter, SynDelay, FinDelay])
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        }

        LossModel?.Validate();
        ArgumentOutOfRangeException.ThrowIfNegative(Rate);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(RateLimit);
        ArgumentOutOfRangeException.ThrowIfNegative(ReorderGap);
        if (Reorder > 0 && Delay == TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(null, Reorder, "Nothing is overtaken where nothing is delayed.");
        }
    }
}
