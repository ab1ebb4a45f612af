using System.Globalization;

namespace Interceptor.Cli.Input;

/// <summary>An instant as people write it (RFC 3339): <c>2026-01-31T12:00:00.123456789Z</c>, with an offset or Z, in UTC where neither stands.</summary>
internal static class IsoInstant
{
    private const string Seconds = "yyyy-MM-ddTHH:mm:ss";
    private const int FractionStart = 19;
    private const int FractionDigits = 9;

    /// <summary>False for anything else, and before 1678 or after 2261.</summary>
    internal static bool TryParse(string text, out long nanoseconds)
    {
        nanoseconds = 0;
        int end = FractionStart;
        long fraction = 0;
        if (text.Length > end && text[end] == '.')
        {
            int start = ++end;
            while (end < text.Length && char.IsAsciiDigit(text[end]))
            {
                end++;
            }

            if (end == start || end - start > FractionDigits)
            {
                return false;
            }

            fraction = long.Parse(text.AsSpan(start, end - start).ToString().PadRight(FractionDigits, '0'), CultureInfo.InvariantCulture);
        }

        string whole = text.Length < FractionStart ? text : text[..FractionStart] + text[end..];
        if (!DateTimeOffset.TryParseExact(whole, [Seconds, Seconds + "zzz", Seconds + "Z", "yyyy-MM-dd"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset instant))
        {
            return false;
        }

        Int128 total = ((Int128)instant.ToUnixTimeSeconds() * 1_000_000_000) + fraction;
        nanoseconds = (long)Int128.Clamp(total, long.MinValue, long.MaxValue);
        return nanoseconds == total;
    }
}
