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
        text.TryWrite(CultureInfo.InvariantCulture, $"{day / 3600:D2}:{day / 60 % 60:D2}:{day % 60:D2}.{nanoseconds / 1000:D6}", out int length);
        writer.Write(text[..length]);
    }

    /// <summary>The seconds from <paramref name="first"/> to <paramref name="last"/> with nine decimals, without overflow.</summary>
    internal static string Seconds(CaptureTimestamp last, CaptureTimestamp first)
    {
        Int128 difference = (Int128)last.Nanoseconds - first.Nanoseconds;
        Int128 size = Int128.Abs(difference);
        return string.Create(CultureInfo.InvariantCulture,
            $"{(difference < 0 ? "-" : "")}{size / CaptureTimestamp.NanosecondsPerSecond}.{(long)(size % CaptureTimestamp.NanosecondsPerSecond):D9}");
    }

    private static (long Seconds, int Nanoseconds) Split(CaptureTimestamp instant)
    {
        long seconds = Math.DivRem(instant.Nanoseconds, CaptureTimestamp.NanosecondsPerSecond, out long nanoseconds);
        return nanoseconds < 0 ? (seconds - 1, (int)(nanoseconds + CaptureTimestamp.NanosecondsPerSecond)) : (seconds, (int)nanoseconds);
    }
}
