using System.Runtime.CompilerServices;
using Interceptor.Packets;
using Interceptor.Tcp.Streams;

namespace Interceptor.Tcp;

public sealed partial class TcpEndpoint
{
    // A timestamp that old tells nothing any more: the clock behind it may have wrapped (TCP_PAWS_24DAYS, net/ipv4/tcp.h).
    private const long TimestampLifetime = 24L * 24 * 3600 * CaptureTimestamp.NanosecondsPerSecond;

    private long _timestampRecentAt;

    /// <summary>
    /// The text of a segment that the peer sent goes into the peer's stream. Comes before <c>Sent</c> and <c>Arrive</c>: what becomes of it depends on what this end
    /// has till now. Returns how many of its bytes were not seen before.
    /// </summary>
    internal long Take(in TcpSegment segment, CaptureTimestamp at)
    {
        if (segment.Length == 0 || segment.Rst)
        {
            // What a RST carries is a reason for people, no part of the stream (RFC 9293, 3.5.3).
            return 0;
        }

        TextArrival arrival = Peer.Stream.MayWantBytes
            ? new TextArrival(
                RcvNxt: _receives ? ReceiveQueue.RcvNxt : segment.TextStart,
                IsTaken: TakesText(in segment, at.Nanoseconds),
                IsProbe: segment.Length == 1 && Peer._sends && segment.End == Peer.WriteQueue.SndUna)
            : default;
        return Peer.Stream.Add(in segment, in arrival, at);
    }

    // The text of a SYN waits for the acknowledgment: a listener takes it only with a Fast Open cookie, an active opener never (RFC 7413; Linux tcp_rcv_synsent_state_process).
    private bool TakesText(in TcpSegment segment, long now) =>
        !segment.Syn && (!_receives || (!ReceiveQueue.FinReceived && CheckSequenceNumber(in segment, now)));

    /// <summary>A segment of the peer reached this end. The steps and their order are those of RFC 9293, 3.10.7.4.</summary>
    internal void Arrive(in TcpSegment segment, long now)
    {
        if (!StartReceiving(in segment, now))
        {
            return;
        }

        if (!CheckSequenceNumber(in segment, now) || !CheckReset(in segment) || !CheckSyn(in segment, now))
        {
            return;
        }

        if (!CheckAcknowledgment(in segment, now))
        {
            return;
        }

        CheckUrgent(in segment);
        ProcessText(in segment, now);
    }

    // States before the numbers of the peer are known: LISTEN and SYN-SENT (RFC 9293, 3.10.7.2 and .3). False where the segment is done with.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool StartReceiving(in TcpSegment segment, long now)
    {
        if (segment.Rst)
        {
            return _receives || AcceptsResetOfSyn(in segment);
        }

        if (segment.Syn && _receive.Irs is null)
        {
            ReceiveSyn(in segment, now);
            return false;
        }

        if (!_receives)
        {
            _receives = true;
            ReceiveQueue.Reset(segment.Sequence);
            _receive.RcvWup = segment.Sequence;
        }

        if (State == TcpState.Unknown)
        {
            Happen(TcpEvent.SeeMidstream);
        }

        if (!_sends && segment.Ack)
        {
            _sends = true;
            WriteQueue.Reset(segment.Acknowledgment);
        }

        return true;
    }

    private bool AcceptsResetOfSyn(in TcpSegment segment)
    {
        bool answersSyn = State == TcpState.SynSent && segment.Ack && segment.Acknowledgment == WriteQueue.SndNxt;
        if (answersSyn || State == TcpState.Unknown)
        {
            AcceptReset();
        }

        return false;
    }

    private void ReceiveSyn(in TcpSegment segment, long now)
    {
        _receive.Irs = segment.Sequence;
        if (!_receives)
        {
            _receives = true;
            ReceiveQueue.Reset(segment.Sequence + 1);
        }
        else
        {
            AdvanceReceive(segment.Sequence + 1);
        }

        _receive.RcvWup = segment.Sequence + 1;
        if (segment.HasTimestamps)
        {
            NoteTimestamp(in segment, now);
        }

        _send.SndWnd = segment.WindowField;
        _send.MaxWindow = Math.Max(_send.MaxWindow, segment.WindowField);
        _send.SndWl1 = segment.Sequence;
        if (segment.Ack)
        {
            if (!_sends)
            {
                _sends = true;
                WriteQueue.Reset(segment.Acknowledgment);
            }

            WriteQueueAcknowledgment result = WriteQueue.Acknowledge(segment.Acknowledgment, now, InitialTimeout, EchoOf(in segment));
            NoteRoundTrip(result);
            Happen(TcpEvent.ReceiveSynAck);
        }
        else
        {
            Happen(TcpEvent.ReceiveSyn);
            ProcessText(in segment, now);
        }
    }

    // First: is any of it inside the window? Linux tcp_sequence() and tcp_paws_discard(), net/ipv4/tcp_input.c, 6.12.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool CheckSequenceNumber(in TcpSegment segment, long now)
    {
        if (segment.HasTimestamps && !segment.Rst && IsTooOld(in segment, now))
        {
            return false;
        }

        if (IsResetBehindFin(in segment))
        {
            return true;
        }

        bool isWindowKnown = _receive.RcvWnd is not null && _isExact;
        SequenceNumber left = isWindowKnown ? _receive.RcvWup : ReceiveQueue.RcvNxt - (int)UnknownWindow;
        uint window = isWindowKnown ? _receive.RcvWnd!.Value : UnknownWindow;
        SequenceNumber right = SequenceNumber.Max(ReceiveQueue.RcvNxt, (isWindowKnown ? left : ReceiveQueue.RcvNxt) + (int)window);
        return segment.End >= left && segment.Sequence <= right;
    }

    // PAWS, RFC 7323, 5.3. A peer whose clock stood at 0 in its SYN may have none yet (tcp_paws_check, include/net/tcp.h). An acknowledgment that repeats the
    // last one and was overtaken is let through, as it changes nothing (tcp_disordered_ack).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsTooOld(in TcpSegment segment, long now) =>
        IsOlderThanRecent(in segment, now, tolerance: 1)
        && !(segment.SequenceLength == 0 && segment.Sequence == ReceiveQueue.RcvNxt && segment.Acknowledgment == WriteQueue.SndUna);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsOlderThanRecent(in TcpSegment segment, long now, int tolerance) =>
        _receive.TimestampRecent is { } recent && recent != 0
        && unchecked((int)(recent - segment.TimestampValue)) > tolerance
        && now - _timestampRecentAt < TimestampLifetime;

    // Second: a reset counts only if it has exactly the next number (RFC 5961, 3.2); any other is answered and ignored.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool CheckReset(in TcpSegment segment)
    {
        if (!segment.Rst)
        {
            return true;
        }

        SequenceNumber next = ReceiveQueue.RcvNxt;
        int ranges = ReceiveQueue.OutOfOrder.Count;
        bool isAtSackEdge = ranges > 0 && segment.Sequence == ReceiveQueue.OutOfOrder[ranges - 1].Right;
        if (segment.Sequence == next || isAtSackEdge || IsResetBehindFin(in segment) || segment.Sequence == _receive.RcvWup)
        {
            AcceptReset();
        }

        return false;
    }

    // A peer that closed and then lost its memory does not count its FIN (tcp_reset_check, net/ipv4/tcp_input.c): believed outside the window too.
    private bool IsResetBehindFin(in TcpSegment segment) =>
        segment.Rst && State is (TcpState.CloseWait or TcpState.LastAck or TcpState.Closing) && segment.Sequence == ReceiveQueue.RcvNxt - 1;

    private void AcceptReset()
    {
        Happen(TcpEvent.ReceiveReset);
        Peer.Happen(TcpEvent.SendReset);
    }

    // Fourth (the third, security, is gone): a SYN on a connection that has begun is a copy of the first, or an attack (RFC 5961, 4).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool CheckSyn(in TcpSegment segment, long now)
    {
        if (!segment.Syn)
        {
            return true;
        }

        if (segment.Ack && segment.Sequence == _receive.Irs)
        {
            // Simultaneous open: the second copy of the peer's SYN acknowledges ours.
            WriteQueueAcknowledgment result = WriteQueue.Acknowledge(segment.Acknowledgment, now, InitialTimeout, EchoOf(in segment));
            NoteRoundTrip(result);
            if (result.AcknowledgesSyn)
            {
                Happen(TcpEvent.ReceiveSynAck);
            }

            ProcessText(in segment, now);
        }

        return false;
    }

    // Fifth: what it acknowledges, and the window it offers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool CheckAcknowledgment(in TcpSegment segment, long now)
    {
        if (!segment.Ack)
        {
            return false;
        }

        if (segment.Acknowledgment - WriteQueue.SndNxt > 0)
        {
            // A kernel answers and drops this; here it means that the capture missed what was sent.
            WriteQueue.InferSent(segment.Acknowledgment, now, InitialTimeout);
        }

        if (segment.Acknowledgment < WriteQueue.SndUna)
        {
            // An old acknowledgment says nothing new, but its text counts.
            return true;
        }

        UpdateWindow(in segment);
        MarkSacked(in segment);
        WriteQueueAcknowledgment result = WriteQueue.Acknowledge(segment.Acknowledgment, now, InitialTimeout, EchoOf(in segment));
        NoteRoundTrip(result);
        if (result.Advanced)
        {
            _send.DuplicateAcks = 0;
            CheckReneging();
        }

        if (State == TcpState.SynReceived && !WriteQueue.SynQueued)
        {
            // Linux makes the socket of a passive open from this segment: the largest window starts with it (tcp_create_openreq_child).
            _send.MaxWindow = _send.SndWnd;
            Happen(TcpEvent.ReceiveAckOfSyn);
        }

        if (result.AcknowledgesFin)
        {
            Happen(TcpEvent.ReceiveAckOfFin);
        }

        return true;
    }

    // tcp_may_update_window() and tcp_ack_update_window(), net/ipv4/tcp_input.c, 6.12. Before SndUna moves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void UpdateWindow(in TcpSegment segment)
    {
        uint window = Peer.ScaledWindow(in segment);
        bool mayUpdate = segment.Acknowledgment > WriteQueue.SndUna || segment.Sequence > _send.SndWl1
            || (segment.Sequence == _send.SndWl1 && (window > _send.SndWnd || window == 0)) || _send.MaxWindow == 0;
        if (mayUpdate)
        {
            _send.SndWl1 = segment.Sequence;
            _send.SndWnd = window;
            _send.MaxWindow = Math.Max(_send.MaxWindow, window);
        }
    }

    private void MarkSacked(in TcpSegment segment)
    {
        for (int i = 0; i < Math.Min(segment.SackBlockCount, TcpSegment.MaximumSackBlocks); i++)
        {
            WriteQueue.MarkSacked(segment.Sacks[i]);
        }
    }

    // A receiver that still had the oldest segment would have acknowledged it with what is before it: it threw away all that it told of (RFC 2018, 8;
    // tcp_check_sack_reneging, net/ipv4/tcp_input.c).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CheckReneging()
    {
        if (WriteQueue.ForgetSackedIfHeadIs())
        {
            Peer.ReceiveQueue.Renege(WriteQueue.SndUna);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteRoundTrip(in WriteQueueAcknowledgment result)
    {
        if (result.RoundTrip is { } time)
        {
            RoundTrips.Add(time);
        }
    }

    // Sixth: a mark only moves forward, and one on what was received before is old (tcp_check_urg, net/ipv4/tcp_input.c).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CheckUrgent(in TcpSegment segment)
    {
        if (segment.UrgentEnd is { } end && end > ReceiveQueue.RcvNxt && (_receive.RcvUp is not { } known || end > known))
        {
            _receive.RcvUp = end;
        }
    }

    private static uint? EchoOf(in TcpSegment segment) => segment.HasTimestamps ? segment.TimestampEcho : null;

    // Seventh and eighth: the text goes to its place, and a FIN counts once everything before it arrived.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ProcessText(in TcpSegment segment, long now)
    {
        if (segment.HasTimestamps && segment.Sequence <= _receive.RcvWup && !IsOlderThanRecent(in segment, now, tolerance: 0))
        {
            NoteTimestamp(in segment, now);
        }

        if (segment.Length == 0 && !segment.Fin)
        {
            return;
        }

        bool hadFin = ReceiveQueue.FinReceived;
        ReceiveQueue.Add(segment.TextStart, segment.Length, segment.Fin);
        if (ReceiveQueue.FinReceived && !hadFin)
        {
            CheckFin();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteTimestamp(in TcpSegment segment, long now)
    {
        _receive.TimestampRecent = segment.TimestampValue;
        _timestampRecentAt = now;
    }

    private void CheckFin() => Happen(TcpEvent.ReceiveFin);
}
