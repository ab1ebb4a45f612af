using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>A piece of a <see cref="WriteQueue"/> that was handed to the network and is not yet acknowledged. Plain data.</summary>
/// <param name="Start">Its first sequence number.</param>
/// <param name="SequenceLength">Sequence numbers it occupies: bytes, plus one for a SYN and one for a FIN.</param>
public readonly record struct QueuedSegment(SequenceNumber Start, int SequenceLength)
{
    /// <summary>When it was first handed over, monotonic or capture time in ns; where that was not seen, when the observer inferred it.</summary>
    public long FirstSentAt { get; init; }

    /// <summary>When it was last handed over.</summary>
    public long LastSentAt { get; init; }

    /// <summary>How often it was handed over; 0 for data that the observer did not see and only infers.</summary>
    public int Transmissions { get; init; }

    /// <summary>The timestamp value of its last transmission, or, where none was seen, the peer's latest when it was inferred; 0 without timestamps.</summary>
    public uint TimestampValue { get; init; }

    /// <summary>The peer reported it by SACK.</summary>
    public bool IsSacked { get; init; }

    /// <summary>It was inferred first and seen later: what <see cref="TimestampValue"/> says is not when its first copy was sent.</summary>
    public bool IsLate { get; init; }

    /// <summary>The number behind its last.</summary>
    public SequenceNumber End => Start + SequenceLength;
}
