using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// Everything an end wrote and its peer has not acknowledged: the sent part [SndUna, SndNxt) and, from the send head on, the unsent part
/// [SndNxt, WriteSeq). The shape is Linux 2.6's sk_write_queue with sk_send_head (net/ipv4/tcp_output.c, 2.6.24); since 4.15 the kernel keeps
/// the sent part in a tree of its own, and this class is the union of both.
/// <para>Three uses: the passive model of a tracked end, the queue of a held connection, the image of a kernel socket. The last two keep bytes.</para>
/// <para>Time is an argument: ns of any monotonic clock or of the capture. Threads: one at a time.</para>
/// </summary>
public sealed partial class WriteQueue
{
    /// <summary>
    /// Segments remembered at most. Beyond it neighbours are joined: a peer whose acknowledgments were not captured must not make the
    /// queue grow for ever.
    /// </summary>
    public const int MaximumSegments = 4096;

    /// <summary>RFC 7323 bounds a window to 2^30: more can't be in flight, so older data counts as acknowledged.</summary>
    public const int MaximumInFlight = 1 << 30;

    /// <summary>Segments that must arrive after one before it counts as lost (DupThresh, RFC 5681, 3.2).</summary>
    public const int DuplicateThreshold = 3;

    private const int InitialSegments = 1;

    private WriteQueueState _state;
    private QueuedSegment[] _segments = [];
    private int _first;

    // When the newest of what was acknowledged was sent for the last time.
    private long _acknowledgedSentAt = long.MinValue;
    private readonly List<byte>? _bytes;

    // A segment that was not seen may be among those in flight.
    private bool _mayHaveUnseen;

    /// <summary>An empty queue whose first number is <paramref name="initial"/>.</summary>
    /// <param name="initial">SndUna, SndNxt and WriteSeq.</param>
    /// <param name="keepsBytes">Keep the data from SndUna to WriteSeq, for <see cref="CopyBytes"/>.</param>
    public WriteQueue(SequenceNumber initial, bool keepsBytes = false)
    {
        _bytes = keepsBytes ? [] : null;
        Reset(initial);
    }

    /// <summary>Is told when <see cref="MemoryBytes"/> may have changed, and lends the arrays.</summary>
    internal TcpConnection? Owner { get; init; }

    /// <inheritdoc cref="WriteQueueState.SynQueued"/>
    internal bool SynQueued => _state.SynQueued;

    /// <summary>A copy of the numbers.</summary>
    public WriteQueueState State => _state;

    /// <inheritdoc cref="WriteQueueState.SndUna"/>
    public SequenceNumber SndUna => _state.SndUna;

    /// <inheritdoc cref="WriteQueueState.SndNxt"/>
    public SequenceNumber SndNxt => _state.SndNxt;

    /// <inheritdoc cref="WriteQueueState.WriteSeq"/>
    public SequenceNumber WriteSeq => _state.WriteSeq;

    /// <summary>The sequence number of the first segment not yet handed to the network; null where everything was.</summary>
    public SequenceNumber? SendHead => _state.SndNxt == _state.WriteSeq ? null : _state.SndNxt;

    /// <inheritdoc cref="WriteQueueState.FinQueued"/>
    public bool FinQueued => _state.FinQueued;

    /// <summary>The FIN was handed to the network.</summary>
    public bool FinSent => _state.FinQueued && SendHead is null;

    /// <inheritdoc cref="WriteQueueState.RetransmitDeadline"/>
    public long? RetransmitDeadline => _state.RetransmitDeadline;

    /// <summary>Bytes written and not acknowledged, without SYN and FIN: SIOCOUTQ.</summary>
    public int QueuedBytes => Bytes(_state.SndUna, _state.WriteSeq);

    /// <summary>Bytes handed to the network and not acknowledged.</summary>
    public int InFlightBytes => QueuedBytes - UnsentBytes;

    /// <summary>Bytes behind the send head: SIOCOUTQNSD.</summary>
    public int UnsentBytes => _state.WriteSeq - _state.SndNxt
        - (_state.FinQueued && SendHead is not null ? 1 : 0) - (_state.SynQueued && _state.SndNxt == _state.SndUna ? 1 : 0);

    /// <summary>Segments in flight that are remembered, oldest first.</summary>
    public int SegmentCount { get; private set; }

    /// <summary>The remembered segment at <paramref name="index"/>, oldest first.</summary>
    public QueuedSegment this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)SegmentCount, nameof(index));
            return At(index);
        }
    }

    /// <summary>Forgets everything and starts at <paramref name="initial"/> (tcp_init_send_head, tcp_connect_init).</summary>
    public void Reset(SequenceNumber initial)
    {
        Purge();
        _state = new WriteQueueState { SndUna = initial, SndNxt = initial, WriteSeq = initial };
    }

    /// <summary>Empties both parts, as a disconnect does (tcp_write_queue_purge): what was queued counts as gone, the next number to write stays.</summary>
    public void Purge()
    {
        GiveBack();
        _mayHaveUnseen = false;
        _bytes?.Clear();
        _acknowledgedSentAt = long.MinValue;
        _state = new WriteQueueState { SndUna = _state.WriteSeq, SndNxt = _state.WriteSeq, WriteSeq = _state.WriteSeq };
    }

    /// <summary>Appends data behind everything (tcp_skb_entail, tcp_add_write_queue_tail): if nothing was unsent, the send head is its first byte.</summary>
    /// <exception cref="InvalidOperationException">A FIN is queued: nothing follows it.</exception>
    public void Append(ReadOnlySpan<byte> data)
    {
        Entail(data.Length);
        _bytes?.AddRange(data);
    }

    /// <summary>As <see cref="Append"/> for a queue that does not keep bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Entail(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (_state.FinQueued)
        {
            throw new InvalidOperationException("Data can't be queued behind a FIN.");
        }

        _state.WriteSeq += length;
    }

    /// <summary>Queues the SYN, which occupies one number. Only on an empty queue.</summary>
    public void QueueSyn()
    {
        if (_state.SndUna != _state.WriteSeq)
        {
            throw new InvalidOperationException("A SYN is the first thing in a queue.");
        }

        _state.SynQueued = true;
        _state.WriteSeq += 1;
    }

    /// <summary>Queues the FIN behind everything (tcp_send_fin). A second call changes nothing.</summary>
    public void QueueFin()
    {
        if (!_state.FinQueued)
        {
            _state.FinQueued = true;
            _state.WriteSeq += 1;
        }
    }

    /// <summary>
    /// Hands at most one segment at the send head to <paramref name="transmit"/> (tcp_push_one). Where that returns false, a transmit error, the head stays.
    /// </summary>
    /// <param name="segmentLimit">Sequence numbers the segment may have: the MSS.</param>
    /// <param name="windowEnd">The number behind the last that the peer's window allows.</param>
    /// <param name="now">The time, ns.</param>
    /// <param name="retransmitTimeout">Retransmission timeout, ns.</param>
    /// <param name="transmit">Takes the segment; false if it could not be handed over.</param>
    /// <returns>True if a segment went out.</returns>
    public bool PushOne(int segmentLimit, SequenceNumber windowEnd, long now, long retransmitTimeout, Func<QueuedSegment, bool> transmit)
    {
        int length = Math.Min(Math.Min(segmentLimit, _state.WriteSeq - _state.SndNxt), windowEnd - _state.SndNxt);
        if (length <= 0)
        {
            return false;
        }

        var segment = new QueuedSegment(_state.SndNxt, length) { FirstSentAt = now, LastSentAt = now, Transmissions = 1 };
        if (!transmit(segment))
        {
            return false;
        }

        EventNewDataSent(length, now, retransmitTimeout);
        return true;
    }

    /// <summary>Hands over everything that the window allows (tcp_write_xmit, __tcp_push_pending_frames); returns how many segments went out.</summary>
    /// <inheritdoc cref="PushOne"/>
    public int PushPending(int segmentLimit, SequenceNumber windowEnd, long now, long retransmitTimeout, Func<QueuedSegment, bool> transmit)
    {
        int pushed = 0;
        while (PushOne(segmentLimit, windowEnd, now, retransmitTimeout, transmit))
        {
            pushed++;
        }

        return pushed;
    }

    /// <summary>
    /// The network took <paramref name="sequenceLength"/> numbers at the send head (update_send_head; tcp_event_new_data_sent today): the head moves behind them,
    /// and if nothing was in flight the retransmission timer starts.
    /// </summary>
    /// <param name="sequenceLength">Numbers sent; not more than are unsent.</param>
    /// <param name="now">The time, ns.</param>
    /// <param name="retransmitTimeout">Retransmission timeout, ns.</param>
    /// <param name="timestampValue">TSval of the segment; 0 without.</param>
    /// <param name="isSeen">False for data that the observer only infers.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EventNewDataSent(int sequenceLength, long now, long retransmitTimeout, uint timestampValue = 0, bool isSeen = true)
    {
        if (sequenceLength <= 0 || sequenceLength > _state.WriteSeq - _state.SndNxt)
        {
            throw new ArgumentOutOfRangeException(nameof(sequenceLength), sequenceLength, "Only what is unsent can be sent.");
        }

        AddSegment() = new QueuedSegment(_state.SndNxt, sequenceLength)
        {
            FirstSentAt = now,
            LastSentAt = now,
            Transmissions = isSeen ? 1 : 0,
            TimestampValue = timestampValue,
        };
        _mayHaveUnseen |= !isSeen;
        _state.SndNxt += sequenceLength;
        _state.RetransmitDeadline ??= now + retransmitTimeout;
    }

    /// <summary>The queued bytes from <paramref name="start"/> on, at most as many as fit; only where the queue keeps them.</summary>
    public int CopyBytes(SequenceNumber start, Span<byte> destination)
    {
        SequenceNumber first = _state.SndUna + (_state.SynQueued ? 1 : 0);
        int offset = start - first;
        if (_bytes is null || offset < 0 || offset >= _bytes.Count)
        {
            return 0;
        }

        int length = Math.Min(destination.Length, _bytes.Count - offset);
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes).Slice(offset, length).CopyTo(destination);
        return length;
    }

    private int Bytes(SequenceNumber from, SequenceNumber to) =>
        Math.Max(0, to - from - (_state.FinQueued && to > from ? 1 : 0) - (_state.SynQueued ? 1 : 0));
}
