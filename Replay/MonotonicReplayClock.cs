using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>
/// The machine's monotonic clock: sleeps in the kernel until shortly before the deadline, then spins, because a sleeping thread wakes
/// tens of microseconds late. Stateless; any thread.
/// </summary>
public sealed class MonotonicReplayClock : IReplayClock
{
    /// <summary>Nanoseconds before the deadline at which sleeping ends: what a wake-up costs on a busy virtual machine, mostly.</summary>
    private const long SpinTime = 100_000;

    /// <summary>The longest sleep, so that a cancellation is seen: 50 ms.</summary>
    private const long LongestSleep = 50_000_000;

    /// <summary>The one there is.</summary>
    public static MonotonicReplayClock Instance { get; } = new();

    /// <inheritdoc/>
    public long Now => Clock.MonotonicNanoseconds();

    /// <inheritdoc/>
    public void WaitUntil(long deadline, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        long now = Now;
        while (deadline - now > SpinTime)
        {
            MonotonicSleep.SleepUntil(Math.Min(deadline - SpinTime, now + LongestSleep));
            cancellation.ThrowIfCancellationRequested();
            now = Now;
        }

        while (Now < deadline)
        {
            Thread.SpinWait(8);
        }
    }
}
