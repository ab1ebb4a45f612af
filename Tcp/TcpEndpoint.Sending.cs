using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

public sealed partial class TcpEndpoint
{
    /// <summary>This end sent a segment: its queue, its state and what it tells of its own receive side.</summary>
    internal void Sent(in TcpSegment segment, long now)
    {
        if (segment.HasTimestamps)
        {
            _timestampValue = segment.TimestampValue;
        }

        if (segment.Rst)
        {
            // What a RST does to its sender is decided when the peer accepts it: anybody can forge one.
            return;
        }

        StartSending(in segment, now);
        ReviveAfterReset(in segment);
        NoteAdvertisement(in segment);
        NoteUrgent(in segment);
        QueueText(in segment, now);
        if (segment.Fin && WriteQueue.FinSent)
        {
            Happen(TcpEvent.SendFin);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void StartSending(in TcpSegment segment, long now)
    {
        if (segment.Syn)
        {
            LearnSyn(in segment, now);
            return;
        }

        if (!_sends)
        {
            _sends = true;
            WriteQueue.Reset(segment.Sequence);
        }

        if (State == TcpState.Unknown)
        {
            Happen(TcpEvent.SeeMidstream);
        }
        else if (State == TcpState.SynSent && segment.Ack)
        {
            // Only an end that got the peer's SYN acknowledges: the capture missed it.
            WriteQueue.Acknowledge(segment.Sequence, now, InitialTimeout);
            Happen(TcpEvent.ReceiveSynAck);
        }
    }

    private void LearnSyn(in TcpSegment segment, long now)
    {
        if (!Offer.IsKnown)
        {
            Offer = HandshakeOptions.From(in segment);
            _send.Iss = segment.Sequence;
            LearnFromOffers();
            Peer.LearnFromOffers();
        }

        if (!_sends)
        {
            _sends = true;
            WriteQueue.Reset(segment.Sequence);
            WriteQueue.QueueSyn();
            WriteQueue.EventNewDataSent(1, now, InitialTimeout, segment.TimestampValue);
        }
        else if (WriteQueue.SynQueued)
        {
            if (segment.Sequence == WriteQueue.SndUna)
            {
                WriteQueue.EventRetransmitted(segment.Sequence, segment.Sequence + 1, now, segment.TimestampValue);
            }
        }

        Happen(segment.Ack ? TcpEvent.SendSynAck : TcpEvent.SendSyn);
    }

    // A reset that an observer believed, and an end that goes on all the same: it did not believe it.
    private void ReviveAfterReset(in TcpSegment segment)
    {
        if (State == TcpState.Closed && WasReset && segment.Ack)
        {
            WasReset = false;
            State = (WriteQueue.FinSent, ReceiveQueue.FinReceived) switch
            {
                (false, false) => TcpState.Established,
                (false, true) => TcpState.CloseWait,
                (true, false) => TcpState.FinWait1,
                (true, true) => TcpState.LastAck,
            };
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteAdvertisement(in TcpSegment segment)
    {
        if (!segment.Ack)
        {
            if (segment.Syn)
            {
                _receive.RcvWnd = segment.WindowField;
            }

            return;
        }

        if (!_receives)
        {
            _receives = true;
            ReceiveQueue.Reset(segment.Acknowledgment);
            _receive.RcvWup = segment.Acknowledgment;
        }
        else if (segment.Acknowledgment > ReceiveQueue.RcvNxt)
        {
            AdvanceReceive(segment.Acknowledgment);
        }
        else if (segment.Syn && State == TcpState.SynReceived && segment.Acknowledgment == _receive.Irs + 1)
        {
            // Text of the SYN was not taken (RFC 7413, 4.1.2): it comes again.
            ReceiveQueue.Reset(segment.Acknowledgment);
        }

        if (_receive.RcvWnd is not null && segment.Acknowledgment < _receive.RcvWup)
        {
            // Overtaken on its way to the observer: its sender has advertised a later window since (rcv_wup never goes back).
            return;
        }

        _receive.RcvWup = segment.Acknowledgment;
        _receive.RcvWnd = ScaledWindow(in segment);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteUrgent(in TcpSegment segment)
    {
        if (segment.UrgentEnd is { } end && (_send.SndUp is not { } known || end > known))
        {
            _send.SndUp = end;
            _send.UrgentMarks++;
        }
    }

    private void AdvanceReceive(SequenceNumber next)
    {
        bool hadFin = ReceiveQueue.FinReceived;
        ReceiveQueue.AdvanceTo(next);
        if (ReceiveQueue.FinReceived && !hadFin)
        {
            Happen(TcpEvent.ReceiveFin);
        }
    }

    // The window of a segment that this end sent, bytes. RFC 7323, 2.2: that of a SYN is never scaled.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint ScaledWindow(in TcpSegment segment) => segment.Syn ? segment.WindowField : (uint)segment.WindowField << WindowScale;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void QueueText(in TcpSegment segment, long now)
    {
        if (segment.Length == 0 && !segment.Fin)
        {
            return;
        }

        uint timestamp = segment.TimestampValue;
        SequenceNumber start = segment.TextStart;
        SequenceNumber end = segment.End;
        if (start > WriteQueue.SndNxt)
        {
            WriteQueue.InferSent(start, now, InitialTimeout, Peer._timestampValue);
        }

        if (start < WriteQueue.SndNxt)
        {
            WriteQueue.EventRetransmitted(start, SequenceNumber.Min(end, WriteQueue.SndNxt), now, timestamp);
        }

        int fresh = end - WriteQueue.SndNxt;
        if (fresh <= 0)
        {
            return;
        }

        if (WriteQueue.FinQueued)
        {
            // Text behind a FIN is no part of the stream (RFC 9293, 3.6): the sender is confused, or two connections share the numbers.
            return;
        }

        WriteQueue.Entail(fresh - (segment.Fin ? 1 : 0));
        if (segment.Fin)
        {
            WriteQueue.QueueFin();
        }

        WriteQueue.EventNewDataSent(fresh, now, InitialTimeout, timestamp);
        WriteQueue.LimitInFlight();
    }
}
