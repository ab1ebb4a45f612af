using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// One connection as the packets show it. A SYN with another number on the same addresses and ports is another connection.
/// <para>Owned by its <see cref="TcpTracker"/>. Threads: one at a time.</para>
/// </summary>
public sealed class TcpConnection
{
    /// <summary>TIME-WAIT is this long, ns: Linux's TCP_TIMEWAIT_LEN (include/net/tcp.h), which is twice an MSL of 30 s.</summary>
    public const long TimeWaitLength = 60 * CaptureTimestamp.NanosecondsPerSecond;

    // What both ends and their queues take before any of them grows, with the links and the place in the table; measured on 64 bits.
    private const int BareBytes = 1400;

    // Links of the ConnectionTable and the ConnectionQueue that this connection is in.
    internal TcpConnection? NextInTable;
    internal TcpConnection? Before;
    internal TcpConnection? Behind;
    internal ConnectionQueue? Queue;
    internal CaptureTimestamp QueuedAt;

    // Here too, so that a look into the table needs no object but this.
    private readonly FlowEndpoint _first;
    private readonly FlowEndpoint _second;

    private bool _hasBegun;
    private bool _isReleased;
    private SequenceNumber? _firstBase;
    private SequenceNumber? _secondBase;
    private bool _initiatorIsKnown;
    private bool _initiatorIsSecond;

    internal TcpConnection(int id, in FlowKey flow, TcpTrackerOptions options, Streams.ITcpStreamConsumer? consumer, Streams.RecentBytesBudget budget, TcpArrays arrays)
    {
        Id = id;
        Arrays = arrays;
        _first = flow.Source;
        _second = flow.Destination;
        First = new TcpEndpoint(this, flow.Source, options, consumer, budget);
        Second = new TcpEndpoint(this, flow.Destination, options, consumer, budget);
        First.Peer = Second;
        Second.Peer = First;
        IsLoop = flow.Source == flow.Destination;
    }

    /// <summary>0 for the first connection of the source, by first packet.</summary>
    public int Id { get; }

    /// <summary>Who sent the first packet seen.</summary>
    public TcpEndpoint First { get; }

    /// <summary>The other end.</summary>
    public TcpEndpoint Second { get; }

    /// <summary>Who sent the first SYN (a SYN-ACK's receiver counts as such); without one, <see cref="First"/>.</summary>
    public TcpEndpoint Client => _initiatorIsSecond ? Second : First;

    /// <summary>The other end.</summary>
    public TcpEndpoint Server => Client.Peer;

    /// <summary>Number of the first packet in its source.</summary>
    public long FirstPacketNumber { get; private set; }

    /// <summary>When the first packet was captured.</summary>
    public CaptureTimestamp FirstPacketAt { get; private set; }

    /// <summary>When the last packet was captured.</summary>
    public CaptureTimestamp LastPacketAt { get; private set; }

    /// <summary>Segments of both ends.</summary>
    public long Packets => First.Counters.Packets + Second.Counters.Packets;

    /// <summary>How it began.</summary>
    public TcpOpening Opening => First.Offer.IsKnown || Second.Offer.IsKnown ? TcpOpening.Handshake : TcpOpening.Midstream;

    /// <summary>How it ended.</summary>
    public TcpClosing Closing =>
        First.WasReset || Second.WasReset ? TcpClosing.Reset
        : First.Counters.Fin > 0 && Second.Counters.Fin > 0 ? TcpClosing.Fin
        : TcpClosing.Open;

    /// <summary>It was still open when it had to give way because the tracker's limit was reached; what came later is told as another connection.</summary>
    public bool IsEvicted { get; internal set; }

    /// <summary>Lends its queues what they need.</summary>
    internal TcpArrays Arrays { get; }

    /// <summary>Hash of its addresses and ports.</summary>
    internal int TableHash { get; init; }

    /// <summary><see cref="MemoryBytes"/> may differ from <see cref="ChargedBytes"/>.</summary>
    internal bool HasMemoryChanged { get; private set; } = true;

    /// <summary>The bytes that the tracker counts for it.</summary>
    internal long ChargedBytes { get; private set; }

    /// <summary>Neither end goes on: both closed in order, or one reset the other.</summary>
    internal bool IsOver => First.IsOver && Second.IsOver;

    /// <summary>Nothing but SYNs and what answers them was seen.</summary>
    internal bool IsHalfOpen => First.IsOpening && Second.IsOpening;

    /// <summary>Text of it waits behind a gap.</summary>
    internal bool IsWaiting => First.Stream.HeldBytes > 0 || Second.Stream.HeldBytes > 0;

    /// <summary>What it takes now, about.</summary>
    internal long MemoryBytes => BareBytes + First.QueueBytes + Second.QueueBytes;

    // One address and port talking to itself: both directions are one.
    private bool IsLoop { get; }

    /// <summary>
    /// True for a SYN that begins another connection: its number is not the one before the first byte of its sender, as the first segment of either end told
    /// it, or this connection is over. A SYN with the known number on a connection that is not over is a copy.
    /// </summary>
    internal bool Contradicts(in FlowKey flow, in TcpSegment segment)
    {
        if (!segment.Syn || segment.Ack)
        {
            return false;
        }

        return IsOver || (BaseOf(flow.Source) is { } known && known != segment.Sequence);
    }

    /// <summary>The flow is this connection's, in either direction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool Joins(in FlowKey flow) =>
        (_first == flow.Source && _second == flow.Destination) || (_first == flow.Destination && _second == flow.Source);

    /// <summary>One of the queues took more memory, or gave some back.</summary>
    internal void NoteMemoryChange() => HasMemoryChanged = true;

    /// <summary>What it takes now is counted.</summary>
    internal void Charge(long bytes)
    {
        ChargedBytes = bytes;
        HasMemoryChanged = false;
    }

    /// <summary>Time went on: an end that has been in TIME-WAIT for long enough is CLOSED.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void PassTime(CaptureTimestamp now)
    {
        if (now - LastPacketAt >= TimeWaitLength)
        {
            First.EndTimeWait();
            Second.EndTimeWait();
        }
    }

    internal void Process(in FlowKey flow, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            FirstPacketNumber = number;
            FirstPacketAt = at;
            LastPacketAt = at;
        }

        PassTime(at);

        LastPacketAt = at;
        TcpEndpoint sender = SenderOf(in flow);
        TcpEndpoint receiver = sender.Peer;
        LearnBase(sender, in segment);
        LearnInitiator(sender, in segment);
        if (segment.Syn && !sender.Offer.IsKnown)
        {
            sender.Stream.SetStart(segment.Sequence + 1);
        }

        long fresh = receiver.Take(in segment, at);
        sender.Count(in segment, fresh, at.Nanoseconds);
        sender.Sent(in segment, at.Nanoseconds);
        receiver.Arrive(in segment, at.Nanoseconds);
        if (segment.Ack && !segment.Rst)
        {
            receiver.Stream.SetAcknowledged(segment.Acknowledgment, at);
        }

        if (!_isReleased && First.IsClosed && Second.IsClosed)
        {
            Release(at);
        }
    }

    /// <summary>The end that sends in the direction of <paramref name="flow"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal TcpEndpoint SenderOf(in FlowKey flow) => IsFromFirst(in flow) ? First : Second;

    // Closed connections stay for the report, their queues do not.
    private void Release(CaptureTimestamp at)
    {
        _isReleased = true;
        First.Release(at);
        Second.Release(at);
    }

    /// <summary>Gaps are passed over; what waited behind them is given on.</summary>
    internal void StopWaiting()
    {
        First.Stream.StopWaiting(LastPacketAt);
        Second.Stream.StopWaiting(LastPacketAt);
    }

    /// <summary>All was told of it: its arrays serve others.</summary>
    internal void GiveBack()
    {
        First.GiveBack();
        Second.GiveBack();
    }

    internal void Finish()
    {
        First.Stream.Finish(LastPacketAt);
        Second.Stream.Finish(LastPacketAt);
    }

    // Of a flow that joins: mostly the ports tell already.
    private bool IsFromFirst(in FlowKey flow) => _first.Port != _second.Port ? flow.Source.Port == _first.Port : IsLoop || flow.Source == _first;

    /// <summary>The number before the first byte of an end, as the first segment of either end told it; null before.</summary>
    internal SequenceNumber? BaseOf(FlowEndpoint source) => _first == source ? _firstBase : _secondBase;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LearnBase(TcpEndpoint sender, in TcpSegment segment)
    {
        ref SequenceNumber? own = ref ReferenceEquals(sender, First) ? ref _firstBase : ref _secondBase;
        ref SequenceNumber? other = ref ReferenceEquals(sender, First) ? ref _secondBase : ref _firstBase;
        own ??= segment.Syn ? segment.Sequence : segment.Sequence - 1;
        if (segment.Ack)
        {
            other ??= segment.Acknowledgment - 1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LearnInitiator(TcpEndpoint sender, in TcpSegment segment)
    {
        if (segment.Syn && !_initiatorIsKnown)
        {
            _initiatorIsKnown = true;
            bool senderIsSecond = ReferenceEquals(sender, Second);
            _initiatorIsSecond = segment.Ack ? !senderIsSecond : senderIsSecond;
        }
    }
}
