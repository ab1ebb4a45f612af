using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// The instants at which a clock on the wall shows a multiple of a duration since midnight. On a day on which the clock is changed, boundaries of up to an hour
/// go on in steps of that length (no file is longer), and those of more than an hour stay where the clock on the wall has them (midnight is midnight: the file
/// of the day has 23 or 25 hours). A boundary that the clock leaps over is where it leaps. Pure.
/// </summary>
public static class ClockBoundary
{
    private const long Day = TimeSpan.TicksPerDay * NanosecondsPerTick;
    private const long Hour = TimeSpan.TicksPerHour * NanosecondsPerTick;
    private const int NanosecondsPerTick = 100;

    /// <summary>True for what can be asked for: a divisor of a day, of at least a second.</summary>
    public static bool IsDivisor(TimeSpan every) => every >= TimeSpan.FromSeconds(1) && every <= TimeSpan.FromDays(1) && TimeSpan.TicksPerDay % every.Ticks == 0;

    /// <summary>The first boundary later than an instant.</summary>
    internal static CaptureTimestamp Next(CaptureTimestamp after, TimeSpan every, TimeZoneInfo zone)
    {
        long step = every.Ticks * NanosecondsPerTick;
        long offset = OffsetAt(after.Nanoseconds, zone);
        long local = after.Nanoseconds + offset;
        long target = local - Remainder(local, step) + step;
        long plain = target - offset;
        long offsetThere = OffsetAt(plain, zone);
        long moved = target - offsetThere;
        if (offsetThere == offset || moved <= after.Nanoseconds)
        {
            return new(plain);
        }

        if (step <= Hour)
        {
            return new(Math.Min(plain, moved));
        }

        // Not there where the clock leaps over it.
        return new(OffsetAt(moved, zone) == offsetThere ? moved : plain);
    }

    /// <summary>The last boundary that is not later than an instant, which files begun there are named after.</summary>
    internal static CaptureTimestamp Last(CaptureTimestamp at, TimeSpan every, TimeZoneInfo zone)
    {
        long step = every.Ticks * NanosecondsPerTick;
        long offset = OffsetAt(at.Nanoseconds, zone);
        long local = at.Nanoseconds + offset;
        long target = local - Remainder(local, step);
        long plain = target - offset;
        return new(step <= Hour ? plain : Math.Min(at.Nanoseconds, target - OffsetAt(plain, zone)));
    }

    /// <summary>The zone's offset from UTC in nanoseconds.</summary>
    internal static long OffsetAt(long nanoseconds, TimeZoneInfo zone) =>
        zone.GetUtcOffset(DateTime.UnixEpoch.AddTicks(nanoseconds / NanosecondsPerTick)).Ticks * NanosecondsPerTick;

    // Since midnight, of which the step is a divisor; midnights are multiples of a day from the epoch.
    private static long Remainder(long local, long step)
    {
        long remainder = local % Day % step;
        return remainder < 0 ? remainder + step : remainder;
    }
}
