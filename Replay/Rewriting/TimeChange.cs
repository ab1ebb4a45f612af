using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// How the instants of a capture change: gaps become longer or shorter, counted from the first packet, and all are moved. Exact to the nanosecond, in 128 bits.
/// Immutable.
/// </summary>
public sealed record TimeChange
{
    /// <summary>Factors are exact in billionths.</summary>
    public const long ScaleUnit = 1_000_000_000;

    /// <summary>The factor of gaps in billionths: 1 to 10^15.</summary>
    public long ScaleBillionths { get; init; } = ScaleUnit;

    /// <summary>Nanoseconds that are added to each instant.</summary>
    public long Shift { get; init; }

    /// <summary>The instant that the first packet gets, in place of <see cref="Shift"/>; null to shift.</summary>
    public CaptureTimestamp? To { get; init; }

    /// <summary>True where every instant stays.</summary>
    public bool IsNone => ScaleBillionths == ScaleUnit && Shift == 0 && To is null;

    /// <summary>What becomes of an instant.</summary>
    /// <param name="at">The instant.</param>
    /// <param name="first">That of the first packet.</param>
    /// <returns>Between the earliest and the latest instant that there is.</returns>
    public CaptureTimestamp Apply(CaptureTimestamp at, CaptureTimestamp first)
    {
        Int128 gap = (Int128)at.Nanoseconds - first.Nanoseconds;
        Int128 scaled = ScaleBillionths == ScaleUnit ? gap : gap * ScaleBillionths / ScaleUnit;
        Int128 origin = To is { } to ? to.Nanoseconds : (Int128)first.Nanoseconds + Shift;
        return new CaptureTimestamp((long)Int128.Clamp(origin + scaled, long.MinValue, long.MaxValue));
    }
}
