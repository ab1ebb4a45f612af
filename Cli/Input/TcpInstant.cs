using System.Globalization;

namespace Interceptor.Cli.Input;

/// <summary>What <c>--at</c> gives: an instant relative to the first packet, or one since the epoch.</summary>
/// <param name="Nanoseconds">The distance from that origin, ns.</param>
/// <param name="IsRelative">The origin is the first packet.</param>
internal readonly record struct TcpInstant(long Nanoseconds, bool IsRelative)
{
    // Seconds from the start reach this number after three million years; since the epoch it is the second day.
    private const decimal SmallestEpochNanoseconds = 100_000_000_000_000m;

    /// <param name="text">What was given; null for nothing.</param>
    /// <param name="option">The option's name, for messages.</param>
    internal static TcpInstant? Parse(string? text, string option = "--at")
    {
        if (text is null)
        {
            return null;
        }

        if (IsoInstant.TryParse(text, out long nanoseconds))
        {
            return new TcpInstant(nanoseconds, IsRelative: false);
        }

        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) || value > long.MaxValue)
        {
            throw new UsageException($"{option}: '{text}' is no instant: give seconds from the first packet, as 1.5, nanoseconds since the epoch, or 2026-01-31T12:00:00.5Z.");
        }

        if (value >= SmallestEpochNanoseconds)
        {
            return new TcpInstant((long)value, IsRelative: false);
        }

        return new TcpInstant((long)Math.Min(value * 1_000_000_000m, long.MaxValue), IsRelative: true);
    }
}
