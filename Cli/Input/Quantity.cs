using System.Globalization;

namespace Interceptor.Cli.Input;

/// <summary>Reads the quantities of the command line: sizes, rates, durations, probabilities. Exact: decimal arithmetic, no binary fractions.</summary>
internal static class Quantity
{
    private const string DurationExample = "duration, as 50ms, 30s or 5m";

    /// <summary>Bytes: <c>1500</c>, <c>64KiB</c>, <c>10MB</c>, <c>1G</c> (a bare letter is decimal, as the unit with B).</summary>
    internal static long Size(string text) => (long)Scaled(text, "size, as 64KiB or 10MB", unit => unit.ToUpperInvariant() switch
    {
        "" or "B" => 1m,
        "K" or "KB" => 1_000m,
        "M" or "MB" => 1_000_000m,
        "G" or "GB" => 1_000_000_000m,
        "T" or "TB" => 1_000_000_000_000m,
        "KIB" => 1024m,
        "MIB" => 1024m * 1024,
        "GIB" => 1024m * 1024 * 1024,
        "TIB" => 1024m * 1024 * 1024 * 1024,
        _ => null,
    });

    /// <summary>Bits in a second: <c>10Mbit</c>, <c>1.5Gbit</c>, <c>9600</c>; <c>bps</c> and <c>bit/s</c> are taken too.</summary>
    internal static long BitRate(string text) => (long)Scaled(text, "rate, as 10Mbit or 1.5Gbit", unit =>
    {
        string lower = unit.ToLowerInvariant();
        lower = lower.EndsWith("/s", StringComparison.Ordinal) ? lower[..^2] : lower;
        return lower switch
        {
            "" or "bit" or "bps" => 1m,
            "kbit" or "kbps" or "k" => 1_000m,
            "mbit" or "mbps" or "m" => 1_000_000m,
            "gbit" or "gbps" or "g" => 1_000_000_000m,
            _ => null,
        };
    });

    /// <summary>A duration: <c>50ms</c>, <c>30s</c>, <c>5m</c>, <c>1.5h</c>, <c>1d</c>, <c>20us</c>; a bare number is seconds. Kept to 100 ns.</summary>
    internal static TimeSpan Duration(string text) => TimeSpan.FromTicks((long)Scaled(text, DurationExample, static unit => NanosecondsOf(unit) / TimeSpan.NanosecondsPerTick));

    /// <summary>The same in nanoseconds, up to 292 years.</summary>
    internal static long Nanoseconds(string text) => (long)Scaled(text, DurationExample, NanosecondsOf);

    /// <summary>A duration with its unit: where tc-netem would read a bare number as microseconds, ours as seconds would surprise.</summary>
    internal static TimeSpan DurationWithUnit(string text)
    {
        TimeSpan duration = Duration(text);
        return duration > TimeSpan.Zero && char.IsAsciiDigit(text[^1])
            ? throw new UsageException($"'{text}' is a duration without a unit: write {text}ms or {text}s.")
            : duration;
    }

    /// <summary>A probability in [0, 1]: <c>1%</c>, <c>0.5%</c>. The sign is a must: to tc-netem a bare 0.1 is 0.1%, to others 10%.</summary>
    internal static double Probability(string text)
    {
        decimal value = Scaled(text, "probability between 0% and 100%, as 1%", unit => unit switch
        {
            "%" or "" => 0.01m,
            _ => null,
        });
        if (value > 0 && !text.EndsWith('%'))
        {
            throw new UsageException($"'{text}' is a probability without a unit: write {text}%.");
        }

        return value <= 1m ? (double)value : throw new UsageException($"'{text}' is more than 100%.");
    }

    private static decimal? NanosecondsOf(string unit) => unit switch
    {
        "ns" => 1m,
        "us" or "µs" => 1_000m,
        "ms" => 1_000_000m,
        "" or "s" => 1_000_000_000m,
        "m" or "min" => 60_000_000_000m,
        "h" => 3_600_000_000_000m,
        "d" => 86_400_000_000_000m,
        _ => null,
    };

    private static decimal Scaled(string text, string expected, Func<string, decimal?> unitOf)
    {
        int split = 0;
        while (split < text.Length && (char.IsAsciiDigit(text[split]) || text[split] == '.'))
        {
            split++;
        }

        decimal? unit = unitOf(text[split..].Trim());
        if (unit is null || !decimal.TryParse(text.AsSpan(0, split), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value))
        {
            throw new UsageException($"'{text}' is not a {expected}.");
        }

        try
        {
            decimal scaled = value * unit.Value;
            return scaled <= long.MaxValue ? scaled : throw new UsageException($"'{text}' is too large.");
        }
        catch (OverflowException)
        {
            throw new UsageException($"'{text}' is too large.");
        }
    }
}
