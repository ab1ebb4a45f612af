using System.Globalization;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>Instants of a capture as people read them, always in UTC, so that two machines print the same.</summary>
internal static class UtcTime
{
    /// <summary>Seconds in a day.</summary>
    internal const int SecondsOfDay = 86_400;

    /// <summary><c>2023-11-14 22:13:20.000000001Z</c>.</summary>
    internal static string DateAndTime(CaptureTimestamp instant)
    {
        (long seconds, int nanoseconds) = Split(instant);
        return $"{DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}.{nanoseconds:D9}Z";
    }

    /// <summary>The seconds from <paramref name="first"/> to <paramref name="last"/> with nine decimals, without overflow.</summary>
    internal static string Seconds(CaptureTimestamp last, CaptureTimestamp first)
    {
        Int128 difference = (Int128)last.Nanoseconds - first.Nanoseconds;
        Int128 size = Int128.Abs(difference);
        return string.Create(CultureInfo.InvariantCulture,
            $"{(difference < 0 ? "-" : "")}{size / CaptureTimestamp.NanosecondsPerSecond}.{(long)(size % CaptureTimestamp.NanosecondsPerSecond):D9}");
    }

    /// <summary>Whole seconds, rounded down, and the rest in nanoseconds, 0 to 999,999,999.</summary>
    internal static (long Seconds, int Nanoseconds) Split(CaptureTimestamp instant)
    {
        long seconds = Math.DivRem(instant.Nanoseconds, CaptureTimestamp.NanosecondsPerSecond, out long nanoseconds);
        return nanoseconds < 0 ? (seconds - 1, (int)(nanoseconds + CaptureTimestamp.NanosecondsPerSecond)) : (seconds, (int)nanoseconds);
    }
}
