namespace Interceptor.Interop;

/// <summary>
/// Has the calling thread run as soon as what it waits for is there, from <see cref="Enter"/> till it is disposed: no timer slack, and the lowest real-time priority
/// (SCHED_RR), where privileges allow (CAP_SYS_NICE). A thread of the ordinary priority waits up to a tick (4 ms at 250 Hz) for another program that has the processor.
/// Threads and processes that it starts have ordinary priority.
/// <para>Threads: entered and disposed on the same one. A thread that has a real-time priority keeps its own.</para>
/// </summary>
internal sealed unsafe class PromptThread : IDisposable
{
    private const int Itself = 0;
    private const int LowestPriority = 1;
    private readonly nuint _slack;

    private PromptThread()
    {
        _slack = MonotonicSleep.SetTimerSlack(1);
        IsRealTime = Libc.sched_getscheduler(Itself) == Libc.SCHED_OTHER && TrySetPolicy(Libc.SCHED_RR | Libc.SCHED_RESET_ON_FORK, LowestPriority);
    }

    /// <summary>It got the priority.</summary>
    internal bool IsRealTime { get; }

    internal static PromptThread Enter() => new();

    public void Dispose()
    {
        if (IsRealTime)
        {
            TrySetPolicy(Libc.SCHED_OTHER, 0);
        }

        _ = MonotonicSleep.SetTimerSlack(_slack);
    }

    // struct sched_param: int sched_priority.
    private static bool TrySetPolicy(int policy, int priority) => Libc.sched_setscheduler(Itself, policy, &priority) == 0;
}
