using System.Globalization;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>Instants of a capture as people read them, always in UTC, so that two machines print the same.</summary>
internal static class UtcTime
{
    /// <summary><c>2023-11-14 22:13:20.000000001Z</c>; seconds since the epoch where the calendar does not reach.</summary>
    internal static string DateAndTime(CaptureTimestamp instant)
    {
        (long seconds, int nanoseconds) = Split(instant);
        return $"{DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}.{nanoseconds:D9}Z";
    }

    /// <summary>Writes <c>22:13:20.000000</c>, as tcpdump prints it: the time of day, microseconds cut off.</summary>
    internal static void WriteTimeOfDay(TextWriter writer, CaptureTimestamp instant)
    {
        (long seconds, int nanoseconds) = Split(instant);
        long day = ((seconds % 86400) + 86400) % 86400;
        Span<char> text = stackalloc char[15];
        WriteDigits(text, 0, 2, (int)(day / 3600));
        WriteDigits(text, 3, 2, (int)(day / 60 % 60));
        WriteDigits(text, 6, 2, (int)(day % 60));
        WriteDigits(text, 9, 6, nanoseconds / 1000);
        text[2] = text[5] = ':';
        text[8] = '.';
        writer.Write(text);
    }

    /// <summary>The seconds from <paramref name="first"/> to <paramref name="last"/> with nine decimals, without overflow.</summary>
    internal static string Seconds(CaptureTimestamp last, CaptureTimestamp first)
    {
        Int128 difference = (Int128)last.Nanoseconds - first.Nanoseconds;
        Int128 size = Int128.Abs(difference);
        return string.Create(CultureInfo.InvariantCulture,
            $"{(difference < 0 ? "-" : "")}{size / CaptureTimestamp.NanosecondsPerSecond}.{(long)(size % CaptureTimestamp.NanosecondsPerSecond):D9}");
    }

    // Once for each packet printed: interpolation boxes its numbers where the compiler has not optimised yet.
    private static void WriteDigits(Span<char> text, int at, int digits, int value)
    {
        for (int i = at + digits - 1; i >= at; i--, value /= 10)
        {
            text[i] = (char)('0' + (value % 10));
        }
    }

    private static (long Seconds, int Nanoseconds) Split(CaptureTimestamp instant)
    {
        long seconds = Math.DivRem(instant.Nanoseconds, CaptureTimestamp.NanosecondsPerSecond, out long nanoseconds);
        return nanoseconds < 0 ? (seconds - 1, (int)(nanoseconds + CaptureTimestamp.NanosecondsPerSecond)) : (seconds, (int)nanoseconds);
    }
}
