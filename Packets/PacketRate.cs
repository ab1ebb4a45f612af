using System.Globalization;

namespace Interceptor.Packets;

/// <summary>Packets in a second. Products are taken in 128 bits: no number of packets overflows.</summary>
/// <param name="PacketsPerSecond">The rate, positive.</param>
public readonly record struct PacketRate(long PacketsPerSecond)
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Nanoseconds that so many packets take at this rate, rounded down; saturates at <see cref="long.MaxValue"/>.</summary>
    /// <param name="packets">Packets, not negative.</param>
    public long TimeFor(long packets) =>
        PacketsPerSecond <= 0 ? long.MaxValue : (long)Int128.Min((Int128)packets * NanosecondsPerSecond / PacketsPerSecond, long.MaxValue);

    /// <summary><c>1000 packets/s</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{PacketsPerSecond} packets/s");
}
