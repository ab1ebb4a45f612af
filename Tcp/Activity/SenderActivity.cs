using Interceptor.Packets;

namespace Interceptor.Tcp.Activity;

/// <summary>
/// What one end has been doing lately: how long it was held back by what, what it sent again, its newest round-trip times.
/// <para>Owned by a <see cref="TcpActivityObserver"/>. Threads: one at a time. It takes the same memory whatever it sees.</para>
/// </summary>
public sealed class SenderActivity
{
    /// <summary>Round-trip times that <see cref="RecentRoundTrip"/> is the median of, at most.</summary>
    public const int KeptRoundTrips = 31;

    // With timestamps each segment has 12 bytes of options that the announced segment size includes (RFC 7323, appendix A).
    private const int TimestampOptionLength = 12;

    // A capture this far from the sender does not see what is on its way between the two: time that an acknowledgment takes to the sender, ns.
    private const long FarTime = 1_000_000;

    private readonly TcpEndpoint _sender;
    private SendLimitTimes _times;
    private CaptureTimestamp _since;
    private bool _hasSent;
    private bool _hasDrained = true;
    private SequenceNumber _end;
    private bool _isRepairing;
    private SequenceNumber _repairEnd;
    private long _retransmissions;
    private long[]? _roundTrips;
    private long _roundTripsSeen;
    private int _roundTripsKept;
    private int _nextRoundTrip;
    private int _learnedShift;
    private int _learnedSegmentLength;
    private bool _owesAnswer;
    private uint _unanswered;
    private CaptureTimestamp _unansweredAt;

    internal SenderActivity(TcpEndpoint sender, CaptureTimestamp since)
    {
        _sender = sender;
        _since = since;
        _retransmissions = sender.Counters.Retransmissions;
        _roundTripsSeen = sender.RoundTrips.Count;
    }

    /// <summary>What holds it back now.</summary>
    public SendLimit Limit { get; private set; }

    /// <summary>Payload bytes of segments that were retransmissions.</summary>
    public long RetransmittedBytes { get; private set; }

    /// <summary>Median of the newest <see cref="KeptRoundTrips"/> round-trip times, ns, as <see cref="TcpEndpoint.RoundTrips"/> has them; null without any.</summary>
    public long? RecentRoundTrip
    {
        get
        {
            if (_roundTripsKept == 0)
            {
                return null;
            }

            Span<long> sorted = stackalloc long[KeptRoundTrips];
            sorted = sorted[.._roundTripsKept];
            _roundTrips.AsSpan(0, _roundTripsKept).CopyTo(sorted);
            sorted.Sort();
            return sorted[(sorted.Length - 1) / 2];
        }
    }

    /// <summary>
    /// The shortest time from a new timestamp of the peer to its echo, both as they pass the capture, ns: how far away this end is. Null without timestamps.
    /// </summary>
    public long? AnswerTime { get; private set; }

    /// <summary>How long it was held back by what since its first data was seen, up to an instant not before the last segment's.</summary>
    public SendLimitTimes TimesAt(CaptureTimestamp now) => _times.With(Limit, Math.Max(0, now - _since));

    /// <summary>
    /// What the ends agreed on in a handshake that was not seen, from who knows it, as a kernel that has one of the sockets: it can then be told from now on what
    /// holds this end back. Nothing happens where a SYN was seen.
    /// </summary>
    /// <param name="windowShift">Shift of the windows that the peer sends, 0 to 14.</param>
    /// <param name="segmentLength">Payload bytes of a full segment of this end, above 0.</param>
    public void Learn(int windowShift, int segmentLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(windowShift, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(windowShift, 14);
        ArgumentOutOfRangeException.ThrowIfLessThan(segmentLength, 1);
        if (_sender.Connection.Opening == TcpOpening.Midstream)
        {
            _learnedShift = windowShift;
            _learnedSegmentLength = segmentLength;
        }
    }

    /// <summary>This end sent a segment that the model has followed.</summary>
    internal void NoteSent(in TcpSegment segment, CaptureTimestamp at)
    {
        NoteAnswer(in segment, at);
        long retransmissions = _sender.Counters.Retransmissions;
        if (retransmissions > _retransmissions)
        {
            _retransmissions = retransmissions;
            RetransmittedBytes += segment.Length;
            _isRepairing = true;
            _repairEnd = _sender.WriteQueue.SndNxt;
        }

        if (segment.SequenceLength > 0 && (!_hasSent || segment.End > _end))
        {
            _hasSent = true;
            _end = segment.End;

            // Linux marks the end of each write and of each half window, but cuts a segment short only where nothing follows it.
            _hasDrained = segment.Length % SegmentSize() != 0 && (segment.Flags & TcpFlags.Psh) != 0;
        }
    }

    /// <summary>The peer sent a segment that the model has followed.</summary>
    internal void NoteReceived(in TcpSegment segment, CaptureTimestamp at)
    {
        if (!_owesAnswer && segment.Options.HasTimestamps && segment.Options.TimestampValue != _unanswered)
        {
            _owesAnswer = true;
            _unanswered = segment.Options.TimestampValue;
            _unansweredAt = at;
        }
    }

    /// <summary>Something happened to this end: the time till then was spent as it stood, and from now on another limit may hold.</summary>
    internal void Judge(CaptureTimestamp at)
    {
        NoteRoundTrip();
        if (at > _since)
        {
            _times = _times.With(Limit, at - _since);
            _since = at;
        }

        _isRepairing &= _sender.WriteQueue.SndUna < _repairEnd;
        Limit = FindLimit();
    }

    private SendLimit FindLimit()
    {
        if (_sender.Connection.Closing != TcpClosing.Open || _sender.WriteQueue.FinSent)
        {
            return SendLimit.Application;
        }

        SendSide send = _sender.Send;
        if (send.MaxWindow == 0)
        {
            // The peer has told none yet, or, to who came late, none but a closed one.
            return _sender.Peer.Receive.RcvWnd == 0 && _sender.Connection.Opening == TcpOpening.Midstream ? SendLimit.Stalled : SendLimit.Unknown;
        }

        uint window = send.SndWnd << _learnedShift;
        if (window == 0)
        {
            return SendLimit.Stalled;
        }

        int inFlight = _sender.WriteQueue.InFlightBytes;
        bool isKnown = _sender.Confidence == SnapshotConfidence.Exact || _learnedSegmentLength > 0;
        if (isKnown && inFlight > 0 && !_hasDrained && window < inFlight + (long)SegmentSize())
        {
            return SendLimit.Receiver;
        }

        if (IsFar() || (!isKnown && inFlight > 0))
        {
            return SendLimit.Unknown;
        }

        return inFlight == 0 || (_hasDrained && !_isRepairing) ? SendLimit.Application : SendLimit.Network;
    }

    // What the sender puts into a full segment: what its peer announced, without options, and on Linux no more than half of the largest window (tcp_bound_to_half_wnd).
    private int SegmentSize()
    {
        int announced = _sender.Peer.Offer.MaximumSegmentSize ?? TcpEndpoint.DefaultSegmentSize;
        int options = _sender.Offer.Timestamps && _sender.Peer.Offer.Timestamps ? TimestampOptionLength : 0;
        uint largestWindow = _sender.Send.MaxWindow << _learnedShift;
        long most = largestWindow > TcpEndpoint.DefaultSegmentSize ? largestWindow / 2 : TcpEndpoint.DefaultSegmentSize;
        return (int)Math.Max(1, Math.Min(_learnedSegmentLength > 0 ? _learnedSegmentLength : announced - options, most));
    }

    // The sender's answers to what the capture saw take long, compared with the peer's: most of what is on its way is out of sight.
    private bool IsFar() =>
        Math.Min(_sender.Peer.RoundTrips.Minimum, AnswerTime ?? long.MaxValue) > Math.Max(FarTime, _sender.RoundTrips.Minimum / 4);

    // The clock of the timestamps ticks each millisecond or so: the first segment that has a tick is waited for, and the first that echoes it, or a later one, answers.
    private void NoteAnswer(in TcpSegment segment, CaptureTimestamp at)
    {
        if (_owesAnswer && segment.Options.HasTimestamps && unchecked((int)(segment.Options.TimestampEcho - _unanswered)) >= 0)
        {
            _owesAnswer = false;
            AnswerTime = Math.Max(0, Math.Min(AnswerTime ?? long.MaxValue, at - _unansweredAt));
        }
    }

    private void NoteRoundTrip()
    {
        RoundTripTimes times = _sender.RoundTrips;
        if (times.Count > _roundTripsSeen)
        {
            _roundTrips ??= new long[KeptRoundTrips];
            _roundTrips[_nextRoundTrip] = times.Latest;
            _nextRoundTrip = (_nextRoundTrip + 1) % KeptRoundTrips;
            _roundTripsSeen = times.Count;
            _roundTripsKept = Math.Min(_roundTripsKept + 1, KeptRoundTrips);
        }
    }
}
