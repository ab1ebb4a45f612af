namespace Interceptor.Tcp.Graph;

/// <summary>The edges of a sender's write queue and window from an instant on. Positions are relative to the initial sequence number. Plain data.</summary>
public readonly record struct TimeSequenceEdges : ITimeBucketed<TimeSequenceEdges>
{
    /// <summary>From when on, ns from the connection's first packet.</summary>
    public long Time { get; init; }

    /// <summary>SndUna: everything before it is acknowledged.</summary>
    public long Acknowledged { get; init; }

    /// <summary>SndNxt, the send head: everything before it was sent.</summary>
    public long SendHead { get; init; }

    /// <summary>SndUna + SndWnd; null until the peer offered a window.</summary>
    public long? WindowEdge { get; init; }

    /// <summary>Lowest <see cref="WindowEdge"/> of the instants that these stand for.</summary>
    public long? LowestWindowEdge { get; init; }

    /// <summary>Highest <see cref="WindowEdge"/> of the instants that these stand for.</summary>
    public long? HighestWindowEdge { get; init; }

    bool ITimeBucketed<TimeSequenceEdges>.Fits(in TimeSequenceEdges later) => true;

    TimeSequenceEdges ITimeBucketed<TimeSequenceEdges>.Join(in TimeSequenceEdges later) => later with
    {
        Time = Time,
        LowestWindowEdge = LowestWindowEdge < later.LowestWindowEdge ? LowestWindowEdge : later.LowestWindowEdge ?? LowestWindowEdge,
        HighestWindowEdge = HighestWindowEdge > later.HighestWindowEdge ? HighestWindowEdge : later.HighestWindowEdge ?? HighestWindowEdge,
    };
}
