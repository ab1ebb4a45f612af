using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>How an image is restored.</summary>
public sealed record SessionRestoreOptions
{
    /// <summary>What an encrypted image is read with; stays the caller's.</summary>
    public SessionKey? Key { get; init; }

    /// <summary>Restore it although it was restored before.</summary>
    public bool Force { get; init; }
}
