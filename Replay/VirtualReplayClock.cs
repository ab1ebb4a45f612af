namespace Interceptor.Replay;

/// <summary>A clock that jumps to every deadline: a rehearsal takes no time and shows how long the replay would. One thread.</summary>
public sealed class VirtualReplayClock : IReplayClock
{
    /// <inheritdoc/>
    public long Now { get; private set; }

    /// <inheritdoc/>
    public void WaitUntil(long deadline, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Now = Math.Max(Now, deadline);
    }
}
