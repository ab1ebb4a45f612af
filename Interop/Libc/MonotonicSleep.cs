namespace Interceptor.Interop;

/// <summary>Waiting on CLOCK_MONOTONIC, as exactly as the kernel can; see <see cref="Clock"/>.</summary>
internal static class MonotonicSleep
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Sleeps until CLOCK_MONOTONIC shows <paramref name="deadline"/>; goes on after signals. An instant in the past returns at once.</summary>
    /// <exception cref="LinuxException">EINVAL for a negative instant.</exception>
    internal static unsafe void SleepUntil(long deadline)
    {
        var request = new TimeSpecification { Seconds = deadline / NanosecondsPerSecond, Nanoseconds = deadline % NanosecondsPerSecond };
        int error;
        do
        {
            error = Libc.clock_nanosleep(Libc.CLOCK_MONOTONIC, Libc.TIMER_ABSTIME, &request, null);
        }
        while (error == Errno.EINTR);

        if (error != 0)
        {
            throw new LinuxException(error, "clock_nanosleep", "CLOCK_MONOTONIC");
        }
    }

    /// <summary>
    /// How late the kernel may wake the calling thread to save wake-ups (prctl PR_SET_TIMERSLACK), in ns; 50,000 on a fresh thread.
    /// </summary>
    /// <returns>The value before, to be put back.</returns>
    internal static nuint SetTimerSlack(nuint nanoseconds)
    {
        int before = Libc.prctl(Libc.PR_GET_TIMERSLACK, 0, 0, 0, 0);
        _ = Libc.prctl(Libc.PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
        return before < 0 ? 0 : (nuint)before;
    }
}
