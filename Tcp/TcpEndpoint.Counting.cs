using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

public sealed partial class TcpEndpoint
{
    // Behind the last number this end was seen to have reached; unlike SndNxt, acknowledgments do not move it.
    private SequenceNumber _seenNxt;
    private bool _hasSent;
    private bool _hasAcknowledged;
    private bool _hasProbed;

    // The number behind what counts as sent: a byte that only probed a closed window does not, until it is acknowledged.
    private SequenceNumber SentNxt => _hasProbed && WriteQueue.SndUna < WriteQueue.SndNxt ? WriteQueue.SndNxt - 1 : WriteQueue.SndNxt;

    /// <summary>Counts a segment of this end. Comes before <c>Sent</c>: it compares with what the queues knew till now.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="freshBytes">How many of its payload bytes were not seen before.</param>
    /// <param name="now">The time, ns.</param>
    internal void Count(in TcpSegment segment, long freshBytes, long now)
    {
        _counters.Packets++;
        _counters.PayloadBytes += segment.Length;
        if ((segment.Flags & (TcpFlags.Syn | TcpFlags.Fin | TcpFlags.Rst)) != 0)
        {
            CountFlags(in segment);
        }

        if (segment.Rst)
        {
            return;
        }

        CountWindow(in segment);
        if (_hasSent && segment.Sequence > (_hasProbed ? _seenNxt + 1 : _seenNxt))
        {
            _counters.LostSegments++;
        }

        if (segment.Ack)
        {
            CountAcknowledgment(in segment, now);
        }

        bool isProbe = IsZeroWindowProbe(in segment);
        CountText(in segment, isProbe, freshBytes, now);
        NoteSeen(in segment, isProbe, now);
    }

    private void CountFlags(in TcpSegment segment)
    {
        _counters.Syn += segment.Syn ? 1 : 0;
        _counters.Fin += segment.Fin ? 1 : 0;
        _counters.Rst += segment.Rst ? 1 : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountWindow(in TcpSegment segment)
    {
        if (segment.WindowField == 0 && !segment.Syn && !segment.Fin)
        {
            _counters.ZeroWindows++;
        }

        if (IsWindowFilledBy(in segment))
        {
            _counters.WindowFull++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsWindowFilledBy(in TcpSegment segment)
    {
        if (segment.Length == 0 || segment.Syn || segment.Fin || !_isExact || Peer._receive.RcvWnd is not { } window)
        {
            return false;
        }

        return segment.End == Peer._receive.RcvWup + (int)Math.Min(window, int.MaxValue);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountAcknowledgment(in TcpSegment segment, long now)
    {
        Peer.LearnFromAcknowledgment(in segment, now);
        bool repeats = segment.SequenceLength == 0 && segment.WindowField != 0 && _hasAcknowledged && segment.Acknowledgment == _receive.RcvWup;
        if (!repeats || IsKeepAlive(in segment))
        {
            return;
        }

        if (_receive.RcvWnd != ScaledWindow(in segment))
        {
            _counters.WindowUpdates += segment.Sequence == _seenNxt ? 1 : 0;
        }
        else if (Peer._sends && segment.Acknowledgment == Peer.WriteQueue.SndUna && Peer.HasInFlight(in segment))
        {
            _counters.DuplicateAcks++;
            Peer.NoteDuplicateAck(now);
        }
    }

    // RFC 5681, 2: an acknowledgment is a duplicate only while data is outstanding. Of a capture with one direction, a SACK block behind a gap tells that it is;
    // one at or before the number acknowledged reports a copy (RFC 2883) and tells nothing.
    private bool HasInFlight(in TcpSegment segment) =>
        WriteQueue.InFlightBytes > 0 || (!_hasSent && segment.SackBlockCount > 0 && segment.Sacks[0].Left > segment.Acknowledgment);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsKeepAlive(in TcpSegment segment) =>
        _sends && segment.Length <= 1 && !segment.Syn && !segment.Fin && segment.Sequence == SentNxt - 1 && !WriteQueue.FinSent
        && (segment.Length == 0 || WriteQueue.SndUna >= SentNxt);

    // A closed window is probed with the first byte that does not fit, or like an idle peer, with a number that it has (RFC 9293, 3.8.6.1; Linux tcp_xmit_probe_skb).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsZeroWindowProbe(in TcpSegment segment)
    {
        bool mayProbe = _sends && segment.Length <= 1 && !segment.Syn && !segment.Fin && Peer._hasAcknowledged && Peer._receive.RcvWnd == 0;
        return mayProbe && ((segment.Length == 1 && segment.Sequence == SentNxt) || IsKeepAlive(in segment));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountText(in TcpSegment segment, bool isProbe, long freshBytes, long now)
    {
        if (!_sends)
        {
            return;
        }

        if (isProbe)
        {
            _counters.ZeroWindowProbes++;
            _hasProbed |= segment.Length == 1 && segment.Sequence == WriteQueue.SndNxt;
        }
        else if (IsKeepAlive(in segment))
        {
            _counters.KeepAlives++;
        }
        else if (segment.SequenceLength > 0 && segment.Sequence < SentNxt)
        {
            CountRepetition(in segment, freshBytes, now);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteSeen(in TcpSegment segment, bool isProbe, long now)
    {
        if (segment.SequenceLength > 0 && (!_sends || segment.End > WriteQueue.SndNxt))
        {
            _newestSentAt = now;
        }

        if (!isProbe)
        {
            _hasProbed &= segment.End < WriteQueue.SndNxt;
            _seenNxt = _hasSent ? SequenceNumber.Max(_seenNxt, segment.End) : segment.End;
        }

        _hasSent = true;
        _hasAcknowledged |= segment.Ack;
    }
}
