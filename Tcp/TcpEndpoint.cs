using Interceptor.Packets;
using Interceptor.Tcp.Streams;

namespace Interceptor.Tcp;

/// <summary>
/// One end of a tracked connection, as an observer of the packets knows it. Each segment is first something that its sender did
/// (<c>Sent</c>), then something that reached its receiver (<c>Arrive</c>, in the order of RFC 9293, 3.10.7.4): the observer stands between both
/// and takes what it sees as delivered.
/// <para>Owned by its <see cref="TcpConnection"/>. Threads: one at a time.</para>
/// </summary>
public sealed partial class TcpEndpoint
{
    /// <summary>Segment size where the peer announced none (RFC 9293, 3.7.1).</summary>
    public const int DefaultSegmentSize = 536;

    // Initial retransmission timeout, RFC 6298, 2.1.
    internal const long InitialTimeout = CaptureTimestamp.NanosecondsPerSecond;

    // A window that nobody told: any number that RFC 7323 allows is acceptable.
    private const uint UnknownWindow = 1u << 30;

    private SendSide _send;
    private ReceiveSide _receive;
    private TcpDirectionCounters _counters;
    private bool _sends;
    private bool _receives;
    private uint _timestampValue;
    private RoundTripTimes? _roundTrips;

    // What follows from both ends' offers; each segment asks for it.
    private int _windowScale;
    private bool _isExact;

    internal TcpEndpoint(TcpConnection connection, FlowEndpoint address, TcpTrackerOptions options, ITcpStreamConsumer? consumer, RecentBytesBudget budget)
    {
        Connection = connection;
        Address = address;
        WriteQueue = new WriteQueue(default) { Owner = connection };
        ReceiveQueue = new ReceiveQueue { Owner = connection };
        Stream = new StreamAssembler(this, options.HashStreams, consumer, budget);
    }

    /// <summary>The connection it is an end of.</summary>
    public TcpConnection Connection { get; }

    /// <summary>Address and port.</summary>
    public FlowEndpoint Address { get; }

    /// <summary>The other end.</summary>
    public TcpEndpoint Peer { get; internal set; } = null!;

    /// <summary>State of this end.</summary>
    public TcpState State { get; private set; }

    /// <summary>A copy of the send variables.</summary>
    public SendSide Send => _send with { SndUna = WriteQueue.SndUna, SndNxt = WriteQueue.SndNxt };

    /// <summary>What this end sent and its peer has not acknowledged.</summary>
    public WriteQueue WriteQueue { get; }

    /// <summary>A copy of the receive variables.</summary>
    public ReceiveSide Receive => _receive with { RcvNxt = ReceiveQueue.RcvNxt };

    /// <summary>What reached this end.</summary>
    public ReceiveQueue ReceiveQueue { get; }

    /// <summary>What this end offered on its SYN.</summary>
    public HandshakeOptions Offer { get; private set; }

    /// <summary>What this end sent, counted.</summary>
    public TcpDirectionCounters Counters => _counters;

    /// <summary>Round-trip times from this end's segments to their acknowledgments, as seen where the capture was made.</summary>
    public RoundTripTimes RoundTrips => _roundTrips ?? MakeRoundTrips();

    /// <summary>The stream that this end sent.</summary>
    public StreamAssembler Stream { get; }

    /// <summary>The number before its first byte: that of its SYN, or what stands for it where that was not seen.</summary>
    public SequenceNumber FirstNumber => Connection.BaseOf(Address) ?? WriteQueue.SndUna;

    /// <summary>It was closed by a RST.</summary>
    public bool WasReset { get; private set; }

    /// <summary>This end knows its numbers and both SYNs were seen.</summary>
    public SnapshotConfidence Confidence => _isExact ? SnapshotConfidence.Exact : SnapshotConfidence.Assumed;

    /// <summary>Both ends scale their windows, as far as their SYNs were seen.</summary>
    public bool WindowScaling => Offer.WindowScale is not null && Peer.Offer.WindowScale is not null;

    /// <summary>Shift of the windows that this end sends, 0 to 14; 0 where its SYN was not seen or the peer does not scale.</summary>
    public int WindowScale => _windowScale;

    /// <summary>Everything at this instant as plain data.</summary>
    public TcpSnapshot Snapshot() => new()
    {
        Local = Address,
        Peer = Peer.Address,
        State = State,
        Confidence = Confidence,
        SndUna = WriteQueue.SndUna,
        SndNxt = WriteQueue.SndNxt,
        WriteSeq = WriteQueue.WriteSeq,
        SndWnd = _send.SndWnd,
        SndWl1 = _send.SndWl1,
        MaxWindow = _send.MaxWindow,
        RcvNxt = ReceiveQueue.RcvNxt,
        CopiedSeq = ReceiveQueue.FinReceived ? ReceiveQueue.RcvNxt - 1 : ReceiveQueue.RcvNxt,
        RcvWnd = _receive.RcvWnd ?? 0,
        RcvWup = _receive.RcvWup,
        MssClamp = Peer.Offer.MaximumSegmentSize ?? DefaultSegmentSize,
        SndWindowScale = Peer.WindowScale,
        RcvWindowScale = WindowScale,
        WindowScaling = WindowScaling,
        SackPermitted = Offer.SackPermitted && Peer.Offer.SackPermitted,
        Timestamps = Offer.IsKnown || Peer.Offer.IsKnown ? Offer.Timestamps && Peer.Offer.Timestamps : _receive.TimestampRecent is not null,
        TimestampValue = _timestampValue,
        TimestampRecent = _receive.TimestampRecent ?? 0,
        OutOfOrderBytes = ReceiveQueue.OutOfOrderBytes,
        FinQueued = WriteQueue.FinQueued,
        FinReceived = ReceiveQueue.FinReceived,
    };

    /// <summary>It closed in order: its FIN and its peer's are acknowledged.</summary>
    internal bool IsClosed => State is TcpState.Closed or TcpState.TimeWait && !WasReset;

    /// <summary>It is in a state from which nothing goes on, in order or not.</summary>
    internal bool IsOver => State is TcpState.Closed or TcpState.TimeWait;

    /// <summary>It has not been further than a SYN and its answer.</summary>
    internal bool IsOpening => State is TcpState.Unknown or TcpState.SynSent or TcpState.SynReceived;

    /// <summary>Bytes that its queues take beyond the bare objects, about.</summary>
    internal long QueueBytes => WriteQueue.MemoryBytes + ReceiveQueue.MemoryBytes + Stream.MemoryBytes + (_roundTrips?.MemoryBytes ?? 0);

    internal RoundTripSummary SummarizeRoundTrips() => _roundTrips?.Summarize() ?? default;

    /// <summary>Twice the maximum segment lifetime passed.</summary>
    internal void EndTimeWait()
    {
        if (State == TcpState.TimeWait)
        {
            Happen(TcpEvent.TimeWaitExpires);
        }
    }

    /// <summary>Gives back the memory that only an open connection needs.</summary>
    internal void Release(CaptureTimestamp at)
    {
        Stream.Seal(at);
        WriteQueue.TrimExcess();
        Connection.NoteMemoryChange();
    }

    /// <summary>All was told of it: its arrays serve others.</summary>
    internal void GiveBack()
    {
        WriteQueue.GiveBack();
        _roundTrips?.GiveBack();
    }

    private RoundTripTimes MakeRoundTrips()
    {
        Connection.NoteMemoryChange();
        return _roundTrips = new RoundTripTimes { Owner = Connection };
    }

    private void LearnFromOffers()
    {
        _isExact = Offer.IsKnown && Peer.Offer.IsKnown;
        _windowScale = Offer.WindowScale is { } shift && (Peer.Offer.WindowScale is not null || !Peer.Offer.IsKnown) ? Math.Min(shift, (byte)14) : 0;
    }

    internal void Happen(TcpEvent what)
    {
        State = TcpTransitions.Next(State, what);
        WasReset |= what is TcpEvent.SendReset or TcpEvent.ReceiveReset;
    }
}
