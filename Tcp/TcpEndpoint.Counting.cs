namespace Interceptor.Tcp;

public sealed partial class TcpEndpoint
{
    // A gap that fills within this time was the network's reordering, not a timer's work (tshark uses the same 3 ms).
    private const long ReorderingTime = 3_000_000;

    // RFC 5681 asks for three duplicates; tshark and Linux with SACK react from the second on.
    private const int DuplicatesOfFastRetransmit = 2;

    private long _newestSentAt;

    /// <summary>Counts a segment of this end. Comes before <c>Sent</c>: it compares with what the queues knew till now.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="freshBytes">How many of its payload bytes were not seen before.</param>
    /// <param name="now">The time, ns.</param>
    internal void Count(in TcpSegment segment, long freshBytes, long now)
    {
        _counters.Packets++;
        _counters.PayloadBytes += segment.Length;
        CountFlags(in segment);
        if (segment.Rst)
        {
            return;
        }

        if (segment.WindowField == 0 && !segment.Syn && !segment.Fin)
        {
            _counters.ZeroWindows++;
        }

        if (segment.SequenceLength == 0)
        {
            CountAcknowledgment(in segment);
        }

        CountRepetition(in segment, freshBytes, now);
        if (IsWindowFilledBy(in segment))
        {
            _counters.WindowFull++;
        }

        if (segment.SequenceLength > 0 && (!_sends || segment.End > WriteQueue.SndNxt))
        {
            _newestSentAt = now;
        }
    }

    private void CountFlags(in TcpSegment segment)
    {
        _counters.Syn += segment.Syn ? 1 : 0;
        _counters.Fin += segment.Fin ? 1 : 0;
        _counters.Rst += segment.Rst ? 1 : 0;
    }

    private void CountAcknowledgment(in TcpSegment segment)
    {
        TcpEndpoint peer = Peer;

        // SACK blocks tell of data in flight even where the capture shows one direction only.
        bool isInFlight = peer.WriteQueue.InFlightBytes > 0 || segment.Options.SackBlockCount > 0;
        bool repeats = segment.Ack && peer._sends && segment.Acknowledgment == peer.WriteQueue.SndUna && isInFlight
            && segment.Acknowledgment == _receive.RcvWup && _receive.RcvWnd == ScaledWindow(in segment);
        if (repeats && !IsKeepAlive(in segment))
        {
            _counters.DuplicateAcks++;
            peer._send.DuplicateAcks++;
        }
    }

    private bool IsKeepAlive(in TcpSegment segment) =>
        _sends && segment.Length <= 1 && !segment.Syn && !segment.Fin && segment.Sequence == WriteQueue.SndNxt - 1 && !WriteQueue.FinSent;

    private void CountRepetition(in TcpSegment segment, long freshBytes, long now)
    {
        if (!_sends)
        {
            return;
        }

        if (IsKeepAlive(in segment))
        {
            _counters.KeepAlives++;
            return;
        }

        if (segment.SequenceLength == 0 || segment.Sequence >= WriteQueue.SndNxt)
        {
            return;
        }

        if (freshBytes > 0 || segment.End > WriteQueue.SndNxt)
        {
            CountGapFilled(segment.End <= WriteQueue.SndNxt, now);
            return;
        }

        _counters.Retransmissions++;
        if (segment.End <= WriteQueue.SndUna)
        {
            _counters.SpuriousRetransmissions++;
        }
        else if (segment.Sequence == WriteQueue.SndUna && _send.DuplicateAcks >= DuplicatesOfFastRetransmit)
        {
            _counters.FastRetransmissions++;
        }
    }

    private void CountGapFilled(bool isInsideGap, long now)
    {
        if (!isInsideGap)
        {
            // It overlaps what was sent and goes on with new data: a retransmission that was cut anew.
            return;
        }

        if (now - _newestSentAt <= ReorderingTime)
        {
            _counters.OutOfOrder++;
        }
        else
        {
            _counters.Retransmissions++;
            if (_send.DuplicateAcks >= DuplicatesOfFastRetransmit)
            {
                _counters.FastRetransmissions++;
            }
        }
    }

    private bool IsWindowFilledBy(in TcpSegment segment)
    {
        if (segment.Length == 0 || segment.Syn || segment.Fin || Confidence != SnapshotConfidence.Exact || Peer._receive.RcvWnd is not { } window)
        {
            return false;
        }

        return segment.End == Peer._receive.RcvWup + (int)Math.Min(window, int.MaxValue);
    }
}
