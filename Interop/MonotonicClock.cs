namespace Interceptor.Interop;

/// <summary>The kernel's clocks in nanoseconds. CLOCK_BOOTTIME counts suspend too, so that a timestamp clock restored later does not lag.</summary>
internal static unsafe class MonotonicClock
{
    internal static long BootTimeNanoseconds => Read(Libc.CLOCK_BOOTTIME);

    internal static long MonotonicNanoseconds => Read(Libc.CLOCK_MONOTONIC);

    internal static long WallNanoseconds => Read(Libc.CLOCK_REALTIME);

    private static long Read(int clock)
    {
        Libc.timespec time;
        return Libc.clock_gettime(clock, &time) == 0
            ? (time.tv_sec * 1_000_000_000) + time.tv_nsec
            : throw LinuxException.FromLastError("clock_gettime", $"clock {clock}");
    }
}
