namespace Interceptor.Tcp.Graph;

/// <summary>An event at a place of the stream: SYN, FIN or RST of its sender; a duplicate acknowledgment or a zero window of its receiver. Plain data.</summary>
public readonly record struct TimeSequenceMark : ITimeBucketed<TimeSequenceMark>
{
    /// <summary>When the first of them was captured, ns from the connection's first packet.</summary>
    public long Time { get; init; }

    /// <summary>Number of the first one's packet in the source, from 1.</summary>
    public long Number { get; init; }

    /// <summary>Where: the segment's first number, or the number acknowledged; relative to the initial sequence number.</summary>
    public long Position { get; init; }

    /// <summary>What happened; one bit.</summary>
    public TimeSequenceKinds Kind { get; init; }

    /// <summary>How often.</summary>
    public long Count { get; init; }

    bool ITimeBucketed<TimeSequenceMark>.Fits(in TimeSequenceMark later) => Kind == later.Kind;

    // Where there is no room to keep kinds apart, the rarer one stays: a RST rather than a duplicate acknowledgment.
    TimeSequenceMark ITimeBucketed<TimeSequenceMark>.Join(in TimeSequenceMark later) =>
        Kind == later.Kind ? this with { Count = Count + later.Count } : Rank(Kind) >= Rank(later.Kind) ? this : later with { Time = Time };

    private static int Rank(TimeSequenceKinds kind) => kind switch
    {
        TimeSequenceKinds.Rst => 4,
        TimeSequenceKinds.Syn => 3,
        TimeSequenceKinds.Fin => 2,
        TimeSequenceKinds.ZeroWindow => 1,
        _ => 0,
    };
}
