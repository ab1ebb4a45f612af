namespace Interceptor.Replay;

/// <summary>Where the sending thread gets its packets: straight out of the file, from a thread that reads ahead, or out of memory.</summary>
internal interface IReplayFeed : IDisposable
{
    /// <summary>True if <see cref="Next"/> would not wait.</summary>
    bool IsReady { get; }

    /// <summary>Passes a block back that was sent, and gives the next; null after the last.</summary>
    /// <param name="sent">The block of the call before, or null.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    ReplayBlock? Next(ReplayBlock? sent, CancellationToken cancellation);
}
