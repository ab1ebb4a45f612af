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

    private const int WarmWaits = 50;

    /// <summary>Nanoseconds from the beginning to the first deadline, so that it is waited for as the others are.</summary>
    private const long Lead = 1_000_000;

    /// <summary>The one there is.</summary>
    public static MonotonicReplayClock Instance { get; } = new();

    /// <inheritdoc/>
    public long Now => Clock.MonotonicNanoseconds();

    /// <inheritdoc/>
    public long Begin()
    {
        // Compiled and bound, and the kernel's timer used, before it matters.
        for (int i = 0; i < WarmWaits; i++)
        {
            WaitUntil(Now + SpinTime + (SpinTime / 8), CancellationToken.None);
        }

        return Now + Lead;
    }

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
