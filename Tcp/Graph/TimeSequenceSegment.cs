namespace Interceptor.Tcp.Graph;

/// <summary>A segment, or neighbours in time as one. Positions are relative to the initial sequence number and don't wrap. Plain data.</summary>
public readonly record struct TimeSequenceSegment : ITimeBucketed<TimeSequenceSegment>
{
    /// <summary>When the first of them was captured, ns from the connection's first packet.</summary>
    public long Time { get; init; }

    /// <summary>Number of the first one's packet in the source, from 1.</summary>
    public long Number { get; init; }

    /// <summary>Lowest number they occupy.</summary>
    public long Left { get; init; }

    /// <summary>The number behind the highest one.</summary>
    public long Right { get; init; }

    /// <summary>What is special about any of them.</summary>
    public TimeSequenceKinds Kinds { get; init; }

    /// <summary>How many segments these are.</summary>
    public long Count { get; init; }

    bool ITimeBucketed<TimeSequenceSegment>.Fits(in TimeSequenceSegment later) => true;

    TimeSequenceSegment ITimeBucketed<TimeSequenceSegment>.Join(in TimeSequenceSegment later) => this with
    {
        Left = Math.Min(Left, later.Left),
        Right = Math.Max(Right, later.Right),
        Kinds = Kinds | later.Kinds,
        Count = Count + later.Count,
    };
}
