using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>
/// The machine's monotonic clock: sleeps in the kernel until shortly before the deadline, then spins, because a sleeping thread wakes late. How long it spins
/// follows how late it woke so far: a thread that never sleeps leaves the processor to nobody, and is kept from it by the kernel in turn.
/// <para>Threads: one waits; any may ask for the time.</para>
/// </summary>
public sealed class MonotonicReplayClock : IReplayClock
{
    /// <summary>Nanoseconds before the deadline at which sleeping ends at first, and at the earliest: what a wake-up costs on a busy virtual machine, mostly.</summary>
    private const long LongestSpin = 100_000;

    /// <summary>And at the latest.</summary>
    private const long ShortestSpin = 15_000;

    /// <summary>The longest sleep, so that a cancellation is seen: 50 ms.</summary>
    private const long LongestSleep = 50_000_000;

    private const int WarmWaits = 50;

    /// <summary>Nanoseconds from the beginning to the first deadline, so that it is waited for as the others are.</summary>
    private const long Lead = 1_000_000;

    private long _spin = LongestSpin;

    /// <inheritdoc/>
    public long Now => Clock.MonotonicNanoseconds();

    /// <inheritdoc/>
    public long Begin()
    {
        // Compiled and bound, and the kernel's timer used, before it matters.
        for (int i = 0; i < WarmWaits; i++)
        {
            WaitUntil(Now + _spin + (LongestSpin / 4), CancellationToken.None);
        }

        return Now + Lead;
    }

    /// <inheritdoc/>
    public void WaitUntil(long deadline, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        long now = Now;
        if (deadline - now <= _spin)
        {
            // Where packets follow one another so closely, it tries now and then to sleep all the same.
            _spin = Math.Max(ShortestSpin, _spin - (_spin / 256));
        }

        while (deadline - now > _spin)
        {
            long wake = Math.Min(deadline - _spin, now + LongestSleep);
            MonotonicSleep.SleepUntil(wake);
            cancellation.ThrowIfCancellationRequested();
            now = Now;
            Learn(now - wake);
        }

        while (Now < deadline)
        {
            Thread.SpinWait(8);
        }
    }

    /// <summary>Twice the lateness of what was late; less again only slowly. What no spinning makes up for teaches nothing.</summary>
    private void Learn(long late)
    {
        if (late < LongestSpin)
        {
            long wanted = Math.Clamp(2 * late, ShortestSpin, LongestSpin);
            _spin = wanted > _spin ? wanted : _spin - ((_spin - wanted) / 64);
        }
    }
}
