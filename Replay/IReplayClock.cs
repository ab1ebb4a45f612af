namespace Interceptor.Replay;

/// <summary>The time of a replay: the machine's, or one that a test moves. Used by the sending thread alone.</summary>
public interface IReplayClock
{
    /// <summary>Monotonic nanoseconds. Time in which the replay was paused or stopped does not count.</summary>
    long Now { get; }

    /// <summary>True while the replay is paused: <see cref="WaitUntil"/> would wait whatever the deadline.</summary>
    bool IsHeld => false;

    /// <summary>Nanoseconds paused or stopped so far.</summary>
    long PausedNanoseconds => 0;

    /// <summary>Gets ready to wait exactly.</summary>
    /// <returns>The instant from which on deadlines can be kept: now, or a moment later.</returns>
    long Begin() => Now;

    /// <summary>The thread has waited for something else, as a pipe or a person: that was no stop.</summary>
    void NoteWait()
    {
    }

    /// <summary>Waits until <paramref name="deadline"/>, and while the replay is paused; one in the past returns at once.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    void WaitUntil(long deadline, CancellationToken cancellation);
}
