namespace Interceptor.Interop;

/// <summary>The kernel's clocks in nanoseconds, without the 100 ns tick of <see cref="DateTime"/>.</summary>
internal static unsafe class Clock
{
    /// <summary>CLOCK_REALTIME: nanoseconds since the Unix epoch.</summary>
    internal static long RealtimeNanoseconds() => Read(Libc.CLOCK_REALTIME);

    /// <summary>CLOCK_MONOTONIC in nanoseconds: for timers and pacing.</summary>
    internal static long MonotonicNanoseconds() => Read(Libc.CLOCK_MONOTONIC);

    /// <summary>CLOCK_BOOTTIME in nanoseconds: as the monotonic clock, and it counts the time in suspend too.</summary>
    internal static long BootTimeNanoseconds() => Read(Libc.CLOCK_BOOTTIME);

    private static long Read(int clock)
    {
        TimeSpecification time;
        return Libc.clock_gettime(clock, &time) == 0
            ? (time.Seconds * 1_000_000_000) + time.Nanoseconds
            : throw LinuxException.FromLastError("clock_gettime", $"clock {clock}");
    }
}
