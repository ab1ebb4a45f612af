using Interceptor.Packets;

namespace Interceptor.Tcp.Graph;

/// <summary>
/// What one end sent over time, with what the other told about it. Bounded: neighbours in time are joined when there are many,
/// but each retransmission is kept.
/// <para>Filled by its <see cref="TimeSequenceRecorder"/>. Threads: one at a time.</para>
/// </summary>
public sealed class TimeSequenceDirection
{
    private readonly TimeBuckets<TimeSequenceSegment> _segments;
    private readonly TimeBuckets<TimeSequenceEdges> _edges;
    private readonly TimeBuckets<TimeSequenceRange> _sacks;
    private readonly TimeBuckets<TimeSequenceMark> _marks;
    private readonly List<TimeSequenceSegment> _retransmissions = [];
    private SequenceNumber? _cursor;
    private long _cursorPosition;
    private TcpDirectionCounters _counted;
    private TimeSequenceEdges _lastEdges;
    private bool _hasEdges;
    private bool _hasWindow;

    internal TimeSequenceDirection(TcpEndpoint sender, int buckets)
    {
        Sender = sender;
        _segments = new(buckets, itemsInBucket: 1);
        _edges = new(buckets, itemsInBucket: 1);
        _sacks = new(Math.Max(1, buckets / 4), itemsInBucket: 6);
        _marks = new(Math.Max(1, buckets / 4), itemsInBucket: 6);
    }

    /// <summary>The end whose stream it is.</summary>
    public TcpEndpoint Sender { get; }

    /// <summary>Segments that occupy sequence numbers and are no retransmissions, by arrival.</summary>
    public IReadOnlyList<TimeSequenceSegment> Segments => _segments.Items;

    /// <summary>Every retransmission that <see cref="TcpDirectionCounters.Retransmissions"/> counts, by arrival.</summary>
    public IReadOnlyList<TimeSequenceSegment> Retransmissions => _retransmissions;

    /// <summary>The edges of queue and window, an item for each change.</summary>
    public IReadOnlyList<TimeSequenceEdges> Edges => _edges.Items;

    /// <summary>SACK blocks, by arrival; one that the next acknowledgment repeats is not repeated here.</summary>
    public IReadOnlyList<TimeSequenceRange> Sacks => _sacks.Items;

    /// <summary>SYN, FIN, RST, duplicate acknowledgments and zero windows, by arrival.</summary>
    public IReadOnlyList<TimeSequenceMark> Marks => _marks.Items;

    /// <summary>Neighbours in time were joined: it is not every segment and acknowledgment that stands here.</summary>
    public bool IsDownsampled => _segments.IsJoined || _edges.IsJoined || _sacks.IsJoined || _marks.IsJoined;

    /// <summary>Its end sent a segment. Returns what its counters say of it.</summary>
    internal TimeSequenceKinds Sent(in TcpSegment segment, long time, long number)
    {
        Learn(segment.Syn ? segment.Sequence : segment.Sequence - 1);
        _hasEdges |= !segment.Rst;
        TimeSequenceKinds counted = TakeCounted();
        TimeSequenceKinds kinds = (counted & ~(TimeSequenceKinds.DuplicateAck | TimeSequenceKinds.ZeroWindow)) | FlagsOf(in segment);
        var item = new TimeSequenceSegment
        {
            Time = time,
            Number = number,
            Left = Position(segment.Sequence),
            Right = Position(segment.End),
            Kinds = kinds,
            Count = 1,
        };
        if ((kinds & TimeSequenceKinds.Retransmission) != 0)
        {
            _retransmissions.Add(item);
        }
        else if ((segment.SequenceLength > 0 || (kinds & TimeSequenceKinds.KeepAlive) != 0) && !segment.Rst)
        {
            _segments.Add(in item);
        }

        for (var flag = TimeSequenceKinds.Syn; flag <= TimeSequenceKinds.Rst; flag = (TimeSequenceKinds)((int)flag << 1))
        {
            if ((kinds & flag) != 0)
            {
                Mark(flag, flag == TimeSequenceKinds.Fin ? item.Right : item.Left, time, number);
            }
        }

        return counted;
    }

    /// <summary>The other end sent a segment: what it acknowledges, and what that end's counters say of it.</summary>
    internal void Acknowledged(in TcpSegment segment, TimeSequenceKinds kinds, long time, long number)
    {
        _hasWindow |= !segment.Rst && (segment.Ack || segment.Syn);
        if (!segment.Ack || segment.Rst)
        {
            return;
        }

        Learn(segment.Acknowledgment - 1);
        _hasEdges = true;
        long position = Position(segment.Acknowledgment);
        for (var kind = TimeSequenceKinds.DuplicateAck; kind <= TimeSequenceKinds.ZeroWindow; kind = (TimeSequenceKinds)((int)kind << 1))
        {
            if ((kinds & kind) != 0)
            {
                Mark(kind, position, time, number);
            }
        }

        int blocks = Math.Min(segment.Options.SackBlockCount, TcpSegment.MaximumSackBlocks);
        for (int i = 0; i < blocks; i++)
        {
            AddSack(segment.Sacks[i], isFirst: i == 0, blocks > 1 ? segment.Sacks[1] : null, segment.Acknowledgment, time, number);
        }
    }

    /// <summary>What happened between the ends may have moved the edges.</summary>
    internal void NoteEdges(long time)
    {
        if (!_hasEdges)
        {
            return;
        }

        SendSide send = Sender.Send;
        _cursorPosition = Position(send.SndNxt);
        _cursor = send.SndNxt;
        long acknowledged = Position(send.SndUna);
        long? window = _hasWindow ? acknowledged + send.SndWnd : null;
        TimeSequenceEdges edges = _lastEdges with
        {
            Acknowledged = acknowledged,
            SendHead = _cursorPosition,
            WindowEdge = window,
            LowestWindowEdge = window,
            HighestWindowEdge = window,
        };
        if (_edges.Items.Count == 0 || edges != _lastEdges)
        {
            _lastEdges = edges with { Time = time };
            _edges.Add(in _lastEdges);
        }
    }

    // What the counters say about the segment that its end sent last.
    private TimeSequenceKinds TakeCounted()
    {
        TcpDirectionCounters now = Sender.Counters;
        TcpDirectionCounters before = _counted;
        _counted = now;
        return (now.Retransmissions > before.Retransmissions ? TimeSequenceKinds.Retransmission : 0)
            | (now.FastRetransmissions > before.FastRetransmissions ? TimeSequenceKinds.Fast : 0)
            | (now.SpuriousRetransmissions > before.SpuriousRetransmissions ? TimeSequenceKinds.Spurious : 0)
            | (now.OutOfOrder > before.OutOfOrder ? TimeSequenceKinds.OutOfOrder : 0)
            | (now.KeepAlives > before.KeepAlives ? TimeSequenceKinds.KeepAlive : 0)
            | (now.WindowFull > before.WindowFull ? TimeSequenceKinds.WindowFull : 0)
            | (now.DuplicateAcks > before.DuplicateAcks ? TimeSequenceKinds.DuplicateAck : 0)
            | (now.ZeroWindows > before.ZeroWindows ? TimeSequenceKinds.ZeroWindow : 0);
    }

    private static TimeSequenceKinds FlagsOf(in TcpSegment segment) =>
        (segment.Syn ? TimeSequenceKinds.Syn : 0) | (segment.Fin ? TimeSequenceKinds.Fin : 0) | (segment.Rst ? TimeSequenceKinds.Rst : 0);

    // RFC 2883, 4: a first block below the acknowledgment, or inside the second block, reports a duplicate.
    private void AddSack(SackBlock block, bool isFirst, SackBlock? second, SequenceNumber acknowledgment, long time, long number)
    {
        bool isInsideSecond = second is { } outer && block.Left >= outer.Left && block.Right <= outer.Right;
        var item = new TimeSequenceRange
        {
            Time = time,
            Number = number,
            Left = Position(block.Left),
            Right = Position(block.Right),
            IsDuplicate = isFirst && (block.Right <= acknowledgment || isInsideSecond),
            Count = 1,
        };
        if (item.Right <= item.Left)
        {
            return;
        }

        for (int i = Math.Max(0, Sacks.Count - TcpSegment.MaximumSackBlocks); i < Sacks.Count; i++)
        {
            if (Sacks[i].Left == item.Left && Sacks[i].Right == item.Right && Sacks[i].IsDuplicate == item.IsDuplicate)
            {
                return;
            }
        }

        _sacks.Add(in item);
    }

    private void Mark(TimeSequenceKinds kind, long position, long time, long number) =>
        _marks.Add(new TimeSequenceMark { Time = time, Number = number, Position = position, Kind = kind, Count = 1 });

    private void Learn(SequenceNumber initial) => _cursor ??= initial;

    private long Position(SequenceNumber number) => _cursorPosition + (number - _cursor!.Value);
}
