using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>How fast a capture is replayed. Immutable.</summary>
public sealed record ReplayPace
{
    /// <summary>Speed factors are exact in millionths.</summary>
    public const long SpeedUnit = 1_000_000;

    private ReplayPace(ReplayPaceKind kind) => Kind = kind;

    /// <summary>As it was captured.</summary>
    public static ReplayPace Original { get; } = new(ReplayPaceKind.Original) { SpeedMillionths = SpeedUnit };

    /// <summary>As fast as it goes.</summary>
    public static ReplayPace TopSpeed { get; } = new(ReplayPaceKind.TopSpeed);

    /// <summary>Packet by packet, when somebody says so.</summary>
    public static ReplayPace Step { get; } = new(ReplayPaceKind.Step);

    /// <summary>True where packets have deadlines that can be missed.</summary>
    public bool HasDeadlines => Kind is not (ReplayPaceKind.TopSpeed or ReplayPaceKind.Step);

    /// <summary>What decides.</summary>
    public ReplayPaceKind Kind { get; }

    /// <summary>The speed factor in millionths; only for <see cref="ReplayPaceKind.Original"/>.</summary>
    public long SpeedMillionths { get; private init; }

    /// <summary>The rate; only for <see cref="ReplayPaceKind.PacketRate"/>.</summary>
    public PacketRate PacketRate { get; private init; }

    /// <summary>The rate; only for <see cref="ReplayPaceKind.DataRate"/>.</summary>
    public DataRate DataRate { get; private init; }

    /// <summary>So many times as fast as captured, between 0.000001 and 1,000,000; rounded to millionths.</summary>
    public static ReplayPace AtSpeed(decimal factor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 0.000001m);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(factor, 1_000_000m);
        return new(ReplayPaceKind.Original) { SpeedMillionths = (long)decimal.Round(factor * SpeedUnit) };
    }

    /// <summary>Evenly, so many packets in a second.</summary>
    public static ReplayPace At(PacketRate rate)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rate.PacketsPerSecond);
        return new(ReplayPaceKind.PacketRate) { PacketRate = rate };
    }

    /// <summary>So many bits in a second: each packet is due when those before it would have been sent at that rate.</summary>
    public static ReplayPace At(DataRate rate)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rate.BitsPerSecond);
        return new(ReplayPaceKind.DataRate) { DataRate = rate };
    }
}
