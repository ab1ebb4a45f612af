namespace Interceptor.Tcp;

/// <summary>What a <see cref="TcpTracker"/> holds and what it had to let go. Plain data, copied freely.</summary>
public record struct TcpTrackerStatistics
{
    /// <summary>Connections begun so far; the next one gets this as its id.</summary>
    public int Begun { get; set; }

    /// <summary>Connections followed now.</summary>
    public int Tracked { get; set; }

    /// <summary>Bytes that they take, as the tracker counts them.</summary>
    public long TrackedBytes { get; set; }

    /// <summary>The most bytes that they ever took.</summary>
    public long PeakTrackedBytes { get; set; }

    /// <summary>Bytes of connections that were let go before the end: what a collector can have back.</summary>
    public long ReleasedBytes { get; set; }

    /// <summary>
    /// Times that the text waiting behind gaps of an open connection was taken as it is because the limit was reached: what fills such a gap later counts, but is
    /// neither hashed nor delivered.
    /// </summary>
    public long GapsGivenUp { get; set; }

    /// <summary>Connections of which only SYNs and their answers were seen, and which gave way because the limit was reached.</summary>
    public long EvictedHalfOpen { get; set; }

    /// <summary>Open connections that gave way because the limit was reached.</summary>
    public long EvictedIdle { get; set; }

    /// <summary>All that gave way because the limit was reached. A closed connection is not counted: it was complete.</summary>
    public readonly long Evicted => EvictedHalfOpen + EvictedIdle;
}
