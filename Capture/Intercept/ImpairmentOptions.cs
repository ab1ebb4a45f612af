namespace Interceptor.Capture.Intercept;

/// <summary>What is done to the packets that match, in this order.</summary>
public sealed record ImpairmentOptions
{
    /// <summary>Drop every one.</summary>
    public bool Drop { get; init; }

    /// <summary>Probability that a packet is dropped, 0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>How long each is kept before it goes on.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>The delay varies evenly by up to this much either way, never below 0. As with tc-netem, packets may overtake each other then.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Makes every random choice repeatable: the same seed decides the same for the n-th packet of a direction of the n-th flow at a hook.</summary>
    public ulong Seed { get; init; }

    /// <summary>True if packets are only looked at.</summary>
    public bool IsNone => !Drop && Loss == 0 && Delay == TimeSpan.Zero && Jitter == TimeSpan.Zero;
}
