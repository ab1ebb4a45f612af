using System.Globalization;

namespace Interceptor.Packets;

/// <summary>
/// An instant in a capture: nanoseconds since the Unix epoch, UTC. It never goes through <see cref="DateTime"/> inside
/// the libraries, whose tick of 100 ns would lose the last two digits.
/// </summary>
/// <param name="Nanoseconds">Nanoseconds since 1970-01-01T00:00:00Z; negative before it.</param>
public readonly record struct CaptureTimestamp(long Nanoseconds) : IComparable<CaptureTimestamp>
{
    /// <summary>Nanoseconds in a second.</summary>
    public const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>From whole seconds and a fraction in nanoseconds; saturates instead of overflowing.</summary>
    public static CaptureTimestamp FromSeconds(long seconds, long nanoseconds)
    {
        Int128 total = ((Int128)seconds * NanosecondsPerSecond) + nanoseconds;
        return new((long)Int128.Clamp(total, long.MinValue, long.MaxValue));
    }

    /// <summary>Nanoseconds from <paramref name="right"/> to <paramref name="left"/>.</summary>
    public static long operator -(CaptureTimestamp left, CaptureTimestamp right) => unchecked(left.Nanoseconds - right.Nanoseconds);

    /// <summary>The instant <paramref name="nanoseconds"/> later.</summary>
    public static CaptureTimestamp operator +(CaptureTimestamp left, long nanoseconds) => new(unchecked(left.Nanoseconds + nanoseconds));

    /// <summary>True if earlier.</summary>
    public static bool operator <(CaptureTimestamp left, CaptureTimestamp right) => left.Nanoseconds < right.Nanoseconds;

    /// <summary>True if later.</summary>
    public static bool operator >(CaptureTimestamp left, CaptureTimestamp right) => left.Nanoseconds > right.Nanoseconds;

    /// <summary>True if not later.</summary>
    public static bool operator <=(CaptureTimestamp left, CaptureTimestamp right) => left.Nanoseconds <= right.Nanoseconds;

    /// <summary>True if not earlier.</summary>
    public static bool operator >=(CaptureTimestamp left, CaptureTimestamp right) => left.Nanoseconds >= right.Nanoseconds;

    /// <inheritdoc/>
    public int CompareTo(CaptureTimestamp other) => Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>Seconds since the epoch with nine decimals, as <c>1700000000.000000001</c>.</summary>
    public override string ToString()
    {
        long seconds = Math.DivRem(Nanoseconds, NanosecondsPerSecond, out long fraction);
        string sign = Nanoseconds < 0 ? "-" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{UnsignedAbs(seconds)}.{UnsignedAbs(fraction):D9}");
    }

    private static ulong UnsignedAbs(long value) => value < 0 ? unchecked((ulong)-value) : (ulong)value;
}
