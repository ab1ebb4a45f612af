using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

public sealed partial class WriteQueue
{
    /// <summary>
    /// Takes an acknowledgment (tcp_ack, tcp_clean_rtx_queue): segments it covers leave, a segment it covers in part is trimmed, the timer
    /// restarts, or stops with the last segment. A number outside (SndUna, SndNxt] changes nothing.
    /// </summary>
    /// <param name="ack">The acknowledgment number.</param>
    /// <param name="now">The time, ns.</param>
    /// <param name="retransmitTimeout">Retransmission timeout, ns.</param>
    /// <param name="timestampEcho">TSecr of the segment, or null: lets a retransmitted segment be timed.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public WriteQueueAcknowledgment Acknowledge(SequenceNumber ack, long now, long retransmitTimeout, uint? timestampEcho = null)
    {
        return ack <= _state.SndUna || ack > _state.SndNxt ? default : TakeAcknowledgment(ack, now, retransmitTimeout, timestampEcho);
    }

    private WriteQueueAcknowledgment TakeAcknowledgment(SequenceNumber ack, long now, long retransmitTimeout, uint? timestampEcho)
    {
        int bytes = ack - _state.SndUna;
        bool acknowledgesSyn = _state.SynQueued;
        bool acknowledgesFin = FinSent && ack == _state.WriteSeq;
        bytes -= (acknowledgesSyn ? 1 : 0) + (acknowledgesFin ? 1 : 0);
        long? roundTrip = RemoveAcknowledged(ack, now, timestampEcho);
        _bytes?.RemoveRange(0, Math.Min(bytes, _bytes.Count));
        _state.SndUna = ack;
        _state.SynQueued = false;
        _state.RetransmitDeadline = ack == _state.SndNxt ? null : now + retransmitTimeout;
        return new WriteQueueAcknowledgment(bytes, acknowledgesSyn, acknowledgesFin, roundTrip);
    }

    /// <summary>
    /// A segment inside [SndUna, SndNxt) was sent again (tcp_retransmit_skb): SndNxt stays, and by Karn's rule its acknowledgment no longer tells
    /// a round-trip time.
    /// </summary>
    public void EventRetransmitted(SequenceNumber start, SequenceNumber end, long now, uint timestampValue = 0)
    {
        SplitAt(start);
        SplitAt(end);
        for (int i = IndexOf(start); i < SegmentCount; i++)
        {
            ref QueuedSegment segment = ref At(i);
            if (segment.Start >= end)
            {
                break;
            }

            if (segment.End > start)
            {
                segment = segment with
                {
                    LastSentAt = now,
                    IsLate = segment.IsLate || segment.Transmissions == 0,
                    Transmissions = segment.Transmissions + 1,
                    TimestampValue = timestampValue,
                };
            }
        }
    }

    /// <summary>Marks the segments that lie inside a SACK block, those at its edges in part; returns the bytes newly marked. A block outside (SndUna, SndNxt] is ignored.</summary>
    public int MarkSacked(SackBlock block)
    {
        if (block.Left < _state.SndUna || block.Right > _state.SndNxt || block.Right <= block.Left)
        {
            return 0;
        }

        SplitAt(block.Left);
        SplitAt(block.Right);
        int marked = 0;
        for (int i = IndexOf(block.Left); i < SegmentCount; i++)
        {
            ref QueuedSegment segment = ref At(i);
            if (segment.End > block.Right)
            {
                break;
            }

            if (segment.Start >= block.Left && !segment.IsSacked)
            {
                segment = segment with { IsSacked = true };
                marked += segment.SequenceLength;
            }
        }

        return marked;
    }

    /// <summary>The index of the remembered segment that has the number, or of the first behind it; <see cref="SegmentCount"/> if there is none.</summary>
    public int Find(SequenceNumber number) => IndexOf(number);

    /// <summary>
    /// The segment counts as lost: the peer reported by SACK enough of what was sent after it. Enough is three segments, or more than two full ones
    /// (IsLost of RFC 6675, 4), and after is by the order of sending, as RACK has it (RFC 8985, 6.2), so that a retransmission is lost only by what was sent after it.
    /// </summary>
    /// <param name="index">The segment's index.</param>
    /// <param name="segmentSize">Bytes of a full segment.</param>
    /// <param name="threshold">How many segments are enough. In a recovery Linux takes one (tcp_rack_reo_wnd, net/ipv4/tcp_recovery.c).</param>
    public bool IsLost(int index, int segmentSize, int threshold = DuplicateThreshold)
    {
        if (index >= SegmentCount || At(index).IsSacked)
        {
            return false;
        }

        QueuedSegment segment = At(index);
        int segments = 0;
        int bytes = 0;
        for (int i = 0; i < SegmentCount; i++)
        {
            // Of one burst the numbers tell the order; a lower number is later only if it was sent again.
            ref QueuedSegment later = ref At(i);
            bool isFirstBurst = i > index && segment.Transmissions <= 1;
            bool isSentAfter = isFirstBurst ? later.LastSentAt >= segment.LastSentAt : later.LastSentAt > segment.LastSentAt;
            if (!later.IsSacked || !isSentAfter)
            {
                continue;
            }

            bytes += later.SequenceLength;
            if (++segments >= threshold || bytes > (threshold - 1) * segmentSize)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Something that was sent after the segment has been acknowledged with all before it: what fills one hole tells of the next, without a further report
    /// (RACK, RFC 8985, 6.2; partial acknowledgments, RFC 6582, 3.2).
    /// </summary>
    internal bool IsOvertaken(int index) => index < SegmentCount && !At(index).IsSacked && At(index).LastSentAt < _acknowledgedSentAt;

    /// <summary>Something before <paramref name="number"/> is in flight that the observer did not see.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool HasUnseenBefore(SequenceNumber number)
    {
        for (int i = 0; _mayHaveUnseen && i < SegmentCount && At(i).Start < number; i++)
        {
            if (At(i).Transmissions == 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Takes the marks of all segments back if the oldest one has one: the receiver no longer has what it reported (tcp_timeout_mark_lost). True if it was so.
    /// </summary>
    internal bool ForgetSackedIfHeadIs()
    {
        if (SegmentCount == 0 || !At(0).IsSacked)
        {
            return false;
        }

        for (int i = 0; i < SegmentCount; i++)
        {
            ref QueuedSegment segment = ref At(i);
            segment = segment with { IsSacked = false };
        }

        return true;
    }

    /// <summary>
    /// For an observer: the number <paramref name="upTo"/> was sent though the capture does not show what lies before it.
    /// The unseen range joins the sent part as one segment that was sent no time; <paramref name="peerTimestamp"/> is the peer's latest timestamp value, 0 without.
    /// </summary>
    public void InferSent(SequenceNumber upTo, long now, long retransmitTimeout, uint peerTimestamp = 0)
    {
        int missing = upTo - _state.SndNxt;
        if (missing <= 0)
        {
            return;
        }

        // A FIN was a false end: whoever sends more than it has not closed.
        _state.FinQueued = false;
        _state.WriteSeq = SequenceNumber.Max(_state.WriteSeq, upTo);
        EventNewDataSent(missing, now, retransmitTimeout, peerTimestamp, isSeen: false);
        LimitInFlight();
    }

    /// <summary>For an observer whose side never sees acknowledgments: what is farther back than any window counts as acknowledged.</summary>
    internal void LimitInFlight()
    {
        if (_state.SndNxt - _state.SndUna > MaximumInFlight)
        {
            SequenceNumber assumed = _state.SndNxt - MaximumInFlight;
            RemoveAcknowledged(assumed, now: 0, timestampEcho: null);
            _state.SndUna = assumed;
            _state.SynQueued = false;
        }
    }

    /// <summary>Bytes it takes beyond the bare object, about.</summary>
    internal long MemoryBytes => (Unsafe.SizeOf<QueuedSegment>() * (long)_segments.Length) + (_bytes?.Capacity ?? 0);

    /// <summary>Gives back the room of segments that were acknowledged.</summary>
    internal void TrimExcess()
    {
        if (SegmentCount == 0)
        {
            GiveBack();
        }
    }

    /// <summary>Forgets the segments, and gives their room back.</summary>
    internal void GiveBack()
    {
        Owner?.Arrays.Segments.Return(_segments);
        _segments = [];
        _first = 0;
        SegmentCount = 0;
        Owner?.NoteMemoryChange();
    }

    private long? RemoveAcknowledged(SequenceNumber ack, long now, uint? timestampEcho)
    {
        long? roundTrip = null;
        bool isAmbiguous = false;
        while (SegmentCount > 0 && At(0).End <= ack)
        {
            ref QueuedSegment segment = ref At(0);
            bool sentOnce = segment.Transmissions == 1;
            bool echoes = timestampEcho is { } echo && segment.Transmissions > 1 && segment.TimestampValue == echo;
            isAmbiguous |= segment.IsSacked || !(sentOnce || echoes);
            roundTrip = now - segment.LastSentAt;
            _acknowledgedSentAt = Math.Max(_acknowledgedSentAt, segment.LastSentAt);
            _first = (_first + 1) & (_segments.Length - 1);
            SegmentCount--;
        }

        if (SegmentCount == 0)
        {
            _mayHaveUnseen = false;
        }
        else if (At(0).Start < ack)
        {
            ref QueuedSegment segment = ref At(0);
            segment = segment with { Start = ack, SequenceLength = segment.End - ack };
        }

        return isAmbiguous ? null : roundTrip;
    }

    // A recording before segmentation offload has many segments in one, and a gap may be many: what happens to a part is not what happens to the rest (tcp_fragment).
    private void SplitAt(SequenceNumber number)
    {
        int index = IndexOf(number);
        if (index == SegmentCount || At(index).Start >= number || SegmentCount == MaximumSegments)
        {
            return;
        }

        QueuedSegment whole = At(index);
        AddSegment() = whole;
        for (int i = SegmentCount - 1; i > index + 1; i--)
        {
            At(i) = At(i - 1);
        }

        At(index) = whole with { SequenceLength = number - whole.Start };
        At(index + 1) = whole with { Start = number, SequenceLength = whole.End - number };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref QueuedSegment At(int index) => ref _segments[(_first + index) & (_segments.Length - 1)];

    // The first remembered segment that ends after the number; SegmentCount if there is none.
    private int IndexOf(SequenceNumber number)
    {
        int low = 0;
        int high = SegmentCount;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (At(middle).End <= number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    // The place of one more segment behind all others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref QueuedSegment AddSegment()
    {
        if (SegmentCount == MaximumSegments)
        {
            JoinNeighbours();
        }
        else if (SegmentCount == _segments.Length)
        {
            Grow();
        }

        return ref At(SegmentCount++);
    }

    private void Grow()
    {
        int length = Math.Max(InitialSegments, _segments.Length * 2);
        QueuedSegment[] larger = Owner?.Arrays.Segments.Take(length) ?? new QueuedSegment[length];
        for (int i = 0; i < SegmentCount; i++)
        {
            larger[i] = At(i);
        }

        Owner?.Arrays.Segments.Return(_segments);
        _segments = larger;
        _first = 0;
        Owner?.NoteMemoryChange();
    }

    // Halves the number of remembered segments; a joined one counts as sent twice, so that it is never timed.
    private void JoinNeighbours()
    {
        int joined = SegmentCount / 2;
        for (int i = 0; i < joined; i++)
        {
            QueuedSegment left = At(2 * i);
            QueuedSegment right = At((2 * i) + 1);
            At(i) = left with
            {
                SequenceLength = right.End - left.Start,
                Transmissions = 2,
                TimestampValue = 0,
                IsSacked = left.IsSacked && right.IsSacked,
            };
        }

        SegmentCount = joined;
    }
}
