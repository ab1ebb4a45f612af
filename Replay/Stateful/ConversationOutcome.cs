namespace Interceptor.Replay.Stateful;

/// <summary>How one connection of the capture fared.</summary>
public sealed record ConversationOutcome
{
    /// <summary>The connection.</summary>
    public required ConversationScript Script { get; init; }

    /// <summary>It was opened.</summary>
    public bool WasOpened { get; init; }

    /// <summary>Differences, those that were told and those beyond the limit.</summary>
    public long Divergences { get; init; }

    /// <summary>Stretches that a mask let pass.</summary>
    public long Masked { get; init; }

    /// <summary>Bytes sent to the peer.</summary>
    public long SentBytes { get; init; }

    /// <summary>Bytes that came from it.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>From opening it to its end, ns.</summary>
    public long ElapsedNanoseconds { get; init; }

    /// <summary>The replay was ended before the connection.</summary>
    public bool WasInterrupted { get; init; }

    /// <summary>The other end is what it was in the capture.</summary>
    public bool Matches => WasOpened && Divergences == 0 && !WasInterrupted;
}
