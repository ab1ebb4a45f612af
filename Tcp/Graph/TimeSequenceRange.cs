namespace Interceptor.Tcp.Graph;

/// <summary>A SACK block that the receiver reported. Positions are relative to the initial sequence number. Plain data.</summary>
public readonly record struct TimeSequenceRange : ITimeBucketed<TimeSequenceRange>
{
    /// <summary>When, ns from the connection's first packet.</summary>
    public long Time { get; init; }

    /// <summary>Number of the packet in the source, from 1.</summary>
    public long Number { get; init; }

    /// <summary>First number received.</summary>
    public long Left { get; init; }

    /// <summary>The number behind the last one received.</summary>
    public long Right { get; init; }

    /// <summary>It tells of something received twice (RFC 2883).</summary>
    public bool IsDuplicate { get; init; }

    /// <summary>How many reports these are.</summary>
    public long Count { get; init; }

    bool ITimeBucketed<TimeSequenceRange>.Fits(in TimeSequenceRange later) =>
        IsDuplicate == later.IsDuplicate && Left <= later.Right && later.Left <= Right;

    TimeSequenceRange ITimeBucketed<TimeSequenceRange>.Join(in TimeSequenceRange later) => this with
    {
        Left = Math.Min(Left, later.Left),
        Right = Math.Max(Right, later.Right),
        IsDuplicate = IsDuplicate && later.IsDuplicate,
        Count = Count + later.Count,
    };
}
