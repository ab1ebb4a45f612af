namespace Interceptor.Replay;

/// <summary>The time that a replay is paced by.</summary>
public interface IReplayClock
{
    /// <summary>Nanoseconds since some instant in the past; never steps back.</summary>
    long Now { get; }

    /// <summary>Returns when <see cref="Now"/> is at least <paramref name="deadline"/>.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled before.</exception>
    void WaitUntil(long deadline, CancellationToken cancellation);
}
