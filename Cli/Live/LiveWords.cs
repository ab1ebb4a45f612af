using System.Globalization;

namespace Interceptor.Cli.Live;

/// <summary>Numbers of a live page, short and of even width.</summary>
internal static class LiveWords
{
    /// <summary>Three digits and a decimal unit, as <c>1.25M</c>; empty for 0.</summary>
    internal static string Short(double value)
    {
        if (value < 0.5)
        {
            return "";
        }

        string[] units = ["", "k", "M", "G", "T"];
        int unit = 0;
        while (value >= 999.5 && unit < units.Length - 1)
        {
            value /= 1000;
            unit++;
        }

        string digits = value.ToString(unit == 0 || value >= 99.95 ? "0" : value >= 9.995 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
        return digits + units[unit];
    }

    /// <summary>Milliseconds, as <c>0.042</c>, <c>41.3</c>, <c>1204</c>.</summary>
    internal static string Milliseconds(long? nanoseconds) => nanoseconds is not { } value ? "" : (value / 1e6) switch
    {
        < 9.9995 => (value / 1e6).ToString("0.000", CultureInfo.InvariantCulture),
        < 999.95 => (value / 1e6).ToString("0.0", CultureInfo.InvariantCulture),
        _ => (value / 1e6).ToString("0", CultureInfo.InvariantCulture),
    };

    /// <summary>Percent, as <c>0.13</c>, <c>12.5</c>; empty for 0.</summary>
    internal static string Percent(double share) =>
        share <= 0 ? "" : (share * 100).ToString(share < 0.0995 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    /// <summary>As <c>7s</c>, <c>2:05</c>, <c>1:02:05</c>.</summary>
    internal static string Age(long nanoseconds)
    {
        long seconds = nanoseconds / 1_000_000_000;
        return seconds switch
        {
            < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds}s"),
            < 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}:{seconds % 60:00}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}:{seconds / 60 % 60:00}:{seconds % 60:00}"),
        };
    }
}
