using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <content>Numbers that are below what was sent already: sent again, or sent once and seen late.</content>
public sealed partial class TcpEndpoint
{
    // A gap that fills within this time was the network's reordering, where neither timestamps nor a round-trip time tell more (tshark uses the same 3 ms).
    private const long ReorderingTime = 3_000_000;

    // Linux's smallest retransmission timeout (TCP_RTO_MIN, include/net/tcp.h): what is sent again sooner was asked for.
    internal const long MinimumTimeout = 200_000_000;

    // RFC 5681 asks for three duplicates; tshark and Linux with SACK react from the second on.
    private const int DuplicatesOfFastRetransmit = 2;

    private long _newestSentAt;
    private long _gapReportedAt = long.MinValue / 2;
    private long _acknowledgedUnseenAt;
    private uint? _echoed;
    private bool _isTimeoutRecovery;
    private SequenceNumber _timeoutRecoveryEnd;
    private RetransmissionLog? _retransmissions;

    // The shortest time from the observer to this end and back: what this end does sooner is no answer to what the observer saw. 0 where it is not known.
    internal long PathTime => Peer.RoundTrips.Minimum;

    // An acknowledgment from the peer, before SndUna moves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LearnFromAcknowledgment(in TcpSegment segment, long now)
    {
        if (_retransmissions is { } log)
        {
            _counters.SpuriousRetransmissions += log.Judge(in segment, WriteQueue.SndUna);
        }

        if (_isTimeoutRecovery && segment.Acknowledgment >= _timeoutRecoveryEnd)
        {
            _isTimeoutRecovery = false;
        }

        if (!_sends || (segment.Acknowledgment > WriteQueue.SndUna && (segment.Acknowledgment > WriteQueue.SndNxt || WriteQueue.HasUnseenBefore(segment.Acknowledgment))))
        {
            _acknowledgedUnseenAt = now;
        }

        if (ReportsGap(in segment))
        {
            _gapReportedAt = now;
        }

        if (segment.HasTimestamps)
        {
            _echoed = segment.TimestampEcho;
        }
    }

    // A SACK block behind the acknowledged number; the first may be the report of a copy.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReportsGap(in TcpSegment segment)
    {
        int blocks = Math.Min(segment.SackBlockCount, TcpSegment.MaximumSackBlocks);
        return blocks > 0 && (segment.Sacks[0].Left > segment.Acknowledgment || segment.Sacks[blocks - 1].Left > segment.Acknowledgment);
    }

    private void NoteDuplicateAck(long now)
    {
        _send.DuplicateAcks++;
        _gapReportedAt = now;
    }

    // The segment starts below what was sent. What was seen before is sent again; of what was not, the first copy is late, or it was lost before it came here.
    private void CountRepetition(in TcpSegment segment, long freshBytes, long now)
    {
        if (segment.Syn && segment.Ack && !_hasAcknowledged)
        {
            // Simultaneous open: its SYN once more, as the answer to the peer's (RFC 9293, figure 8). Neither end waited for it in vain.
            return;
        }

        bool isFreshSyn = segment.Syn && _counters.Syn == 1;
        bool isFreshFin = segment.Fin && _counters.Fin == 1 && segment.End - 1 != _send.Iss;
        long fresh = freshBytes + (isFreshSyn ? 1 : 0) + (isFreshFin ? 1 : 0);
        if (fresh < segment.SequenceLength)
        {
            CountRetransmission(in segment, now);
        }
        else if (!IsFirstCopy(in segment, now))
        {
            CountRetransmission(in segment, now);
        }
        else if (_hasSent && segment.Sequence < _seenNxt)
        {
            _counters.OutOfOrder++;
        }
    }

    private void CountRetransmission(in TcpSegment segment, long now)
    {
        _counters.Retransmissions++;
        if (segment.End <= WriteQueue.SndUna)
        {
            _counters.SpuriousRetransmissions++;
            return;
        }

        bool isFast = IsFast(in segment, now);
        _counters.FastRetransmissions += isFast ? 1 : 0;
        if (!isFast && segment.Sequence == WriteQueue.SndUna)
        {
            _isTimeoutRecovery = true;
            _timeoutRecoveryEnd = WriteQueue.SndNxt;
        }

        _retransmissions ??= new RetransmissionLog();
        _retransmissions.Add(in segment, isOldest: segment.Sequence == WriteQueue.SndUna);
    }

    // Asked for by duplicate acknowledgments or SACK, and sent as their answer: not by a timer, nor in the recovery that a timer began (RFC 6582, 3.2).
    private bool IsFast(in TcpSegment segment, long now)
    {
        if (_isTimeoutRecovery || now - _gapReportedAt > PathTime + MinimumTimeout)
        {
            return false;
        }

        // That it was sent again tells that its sender did not wait for more reports than one (RACK, RFC 8985, 6.2); a tail probe has nothing behind it.
        int index = WriteQueue.Find(segment.Sequence);
        return (segment.Sequence == WriteQueue.SndUna && _send.DuplicateAcks >= DuplicatesOfFastRetransmit)
            || WriteQueue.IsLost(index, Peer.Offer.MaximumSegmentSize ?? DefaultSegmentSize, threshold: 1)
            || WriteQueue.IsOvertaken(index);
    }

    // No byte of it was seen before. True for the first copy that comes late, false for a second one whose first was lost on the way here.
    private bool IsFirstCopy(in TcpSegment segment, long now)
    {
        if (now < _newestSentAt)
        {
            return true;
        }

        if (segment.End <= WriteQueue.SndUna)
        {
            // The peer has it. What was sent after the segment that the peer answered is a copy.
            bool isSentAfter = segment.HasTimestamps && _echoed is { } echoed && unchecked((int)(segment.TimestampValue - echoed)) > 0;
            return !isSentAfter && now - _acknowledgedUnseenAt <= Math.Max(PathTime, ReorderingTime);
        }

        int index = WriteQueue.Find(segment.Sequence);
        if (index == WriteQueue.SegmentCount)
        {
            return true;
        }

        int order = segment.HasTimestamps ? OrderByTimestamp(in segment, index) : 0;
        return order != 0 ? order < 0 : IsTooSoonForRetransmission(WriteQueue[index].FirstSentAt, now);
    }

    // Against what follows the gap, which was sent after the first copy of what is in it: later means sent again. 0 where the clocks do not tell.
    private int OrderByTimestamp(in TcpSegment segment, int index)
    {
        int order = OrderByFollower(in segment, index);
        if (order == 0 && WriteQueue[index] is { Transmissions: 0, TimestampValue: not 0 } gap)
        {
            // Who had seen nothing newer of the peer than there was when the gap appeared had not been told of it; who had, sent after what shows the gap.
            order = unchecked((int)(segment.TimestampEcho - gap.TimestampValue));
        }

        return order;
    }

    private int OrderByFollower(in TcpSegment segment, int index)
    {
        while (index < WriteQueue.SegmentCount && WriteQueue[index].Start < segment.End)
        {
            index++;
        }

        if (index == WriteQueue.SegmentCount || WriteQueue[index] is not { Transmissions: 1, IsLate: false } follower)
        {
            return 0;
        }

        return unchecked((int)(segment.TimestampValue - follower.TimestampValue));
    }

    private bool IsTooSoonForRetransmission(long gapSeenAt, long now)
    {
        long age = now - gapSeenAt;
        if (PathTime == 0)
        {
            return age <= ReorderingTime;
        }

        // Half of it, because the shortest round trip that was measured may be longer than the shortest there is.
        bool wasAskedFor = _gapReportedAt >= gapSeenAt;
        return age < PathTime / 2 || (!wasAskedFor && age < MinimumTimeout);
    }
}
