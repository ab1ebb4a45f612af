using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// The latest retransmissions of one end that nobody has judged yet. The peer's answers tell which were not needed: a D-SACK says that both copies arrived (RFC 2883),
/// and a timestamp echo older than the copy says that the first one did (Eifel, RFC 3522).
/// <para>Made with an end's first retransmission; keeps <see cref="Capacity"/> at most, the oldest go. Threads: one at a time.</para>
/// </summary>
internal sealed class RetransmissionLog
{
    internal const int Capacity = 16;

    private readonly Entry[] _entries = new Entry[Capacity];
    private int _next;

    /// <summary>Remembers a retransmission.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="isOldest">It begins at SndUna: only then does the acknowledgment of it echo its timestamp.</param>
    internal void Add(in TcpSegment segment, bool isOldest)
    {
        _entries[_next] = new Entry(segment.Sequence, segment.End, isOldest && segment.HasTimestamps, segment.TimestampValue);
        _next = (_next + 1) % Capacity;
    }

    /// <summary>Takes an acknowledgment of the peer; returns how many retransmissions it shows to have been needless.</summary>
    /// <param name="segment">The segment that acknowledges.</param>
    /// <param name="unacknowledged">SndUna before it.</param>
    internal int Judge(in TcpSegment segment, SequenceNumber unacknowledged)
    {
        bool advances = segment.Acknowledgment > unacknowledged;
        bool isCopyReported = TryGetDuplicate(in segment, out SackBlock copy);
        if (!advances && !isCopyReported)
        {
            return 0;
        }

        int needless = 0;
        SequenceNumber? reported = null;
        for (int i = 0; i < Capacity; i++)
        {
            ref Entry entry = ref _entries[(_next + i) % Capacity];
            if (!entry.IsUsed)
            {
                continue;
            }

            // Of several copies of the same numbers one report tells of one.
            bool isReported = isCopyReported && copy.Left <= entry.Start && copy.Right >= entry.End && reported != entry.Start;
            bool isAnswered = advances && entry.IsTimed && segment.Acknowledgment > entry.Start && segment.HasTimestamps;
            bool isOlderEchoed = isAnswered && unchecked((int)(segment.TimestampEcho - entry.TimestampValue)) < 0;
            if (isReported || isOlderEchoed)
            {
                needless++;
                reported = isReported ? entry.Start : reported;
                entry = default;
            }
            else if (isAnswered)
            {
                // The first acknowledgment of it is the one that tells.
                entry = entry with { IsTimed = false };
            }
        }

        return needless;
    }

    // RFC 2883, 4: the first block, if it is below the acknowledgment or inside the second.
    private static bool TryGetDuplicate(in TcpSegment segment, out SackBlock copy)
    {
        copy = default;
        int blocks = Math.Min(segment.SackBlockCount, TcpSegment.MaximumSackBlocks);
        if (blocks == 0)
        {
            return false;
        }

        copy = segment.Sacks[0];
        return copy.Left < segment.Acknowledgment
            || (blocks > 1 && copy.Left >= segment.Sacks[1].Left && copy.Right <= segment.Sacks[1].Right);
    }

    private readonly record struct Entry(SequenceNumber Start, SequenceNumber End, bool IsTimed, uint TimestampValue)
    {
        internal bool IsUsed => Start != End;
    }
}
