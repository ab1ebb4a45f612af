namespace Interceptor.Capture.Intercept;

/// <summary>How much a <see cref="HoldQueue"/> holds, and what happens beyond: a person who went away must not stop a connection for ever. The default of each limit lets the oldest go on.</summary>
public sealed record HoldLimits
{
    /// <summary>Packets held at most. Default: 4096, a sixteenth of what the kernel's queue keeps.</summary>
    public int MaxPackets { get; init; } = 4096;

    /// <summary>Bytes held at most, from the IP header on. Default: 64 MiB.</summary>
    public long MaxBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>The longest that a packet is held, from its first copy on. Default: 30 s.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What happens beyond <see cref="MaxPackets"/>.</summary>
    public HoldOverflow OnPackets { get; init; }

    /// <summary>What happens beyond <see cref="MaxBytes"/>.</summary>
    public HoldOverflow OnBytes { get; init; }

    /// <summary>What happens beyond <see cref="MaxAge"/>.</summary>
    public HoldOverflow OnAge { get; init; }

    /// <summary>Checks them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit is not above 0, or the newest shall be dropped for its age.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxPackets);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxBytes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(MaxAge, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfEqual((int)OnAge, (int)HoldOverflow.DropNewest, nameof(OnAge));
    }
}
