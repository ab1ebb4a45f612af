using System.Globalization;

namespace Interceptor.Packets;

/// <summary>Bits in a second. Products are taken in 128 bits: no amount of data overflows.</summary>
/// <param name="BitsPerSecond">The rate, positive.</param>
public readonly record struct DataRate(long BitsPerSecond)
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Nanoseconds that so many bytes take at this rate, rounded down; saturates at <see cref="long.MaxValue"/>.</summary>
    /// <param name="bytes">Bytes, not negative.</param>
    public long TimeFor(long bytes) =>
        BitsPerSecond <= 0 ? long.MaxValue : (long)Int128.Min((Int128)bytes * 8 * NanosecondsPerSecond / BitsPerSecond, long.MaxValue);

    /// <summary>The rate of so many bytes in so many nanoseconds, rounded down; 0 where no time passed. Saturates.</summary>
    public static DataRate Of(long bytes, long nanoseconds) =>
        new(nanoseconds <= 0 ? 0 : (long)Int128.Min((Int128)bytes * 8 * NanosecondsPerSecond / nanoseconds, long.MaxValue));

    /// <summary><c>9600 bit/s</c>, <c>10 Mbit/s</c>, <c>1.5 Gbit/s</c>: three digits after the point at most.</summary>
    public override string ToString()
    {
        (decimal value, string unit) = BitsPerSecond switch
        {
            >= 1_000_000_000 => (BitsPerSecond / 1_000_000_000m, "Gbit/s"),
            >= 1_000_000 => (BitsPerSecond / 1_000_000m, "Mbit/s"),
            >= 10_000 => (BitsPerSecond / 1000m, "kbit/s"),
            _ => (BitsPerSecond, "bit/s"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{decimal.Round(value, 3):0.###} {unit}");
    }
}
