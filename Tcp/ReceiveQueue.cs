using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// What reached an end, as sequence ranges: everything before RcvNxt, and the out-of-order ranges behind a gap (Linux: tcp_data_queue and
/// the out_of_order_queue). Keeps no bytes: a stream's bytes are <see cref="Streams.StreamAssembler"/>'s.
/// <para>Threads: one at a time.</para>
/// </summary>
public sealed class ReceiveQueue
{
    /// <summary>Out-of-order ranges remembered at most; a range beyond that is forgotten, as a receiver short of memory prunes it.</summary>
    public const int MaximumRanges = 1024;

    private List<SackBlock>? _outOfOrder;
    private SequenceNumber? _fin;

    /// <summary>Is told when <see cref="MemoryBytes"/> may have changed.</summary>
    internal TcpConnection? Owner { get; init; }

    /// <summary>Next sequence number expected from the peer.</summary>
    public SequenceNumber RcvNxt { get; private set; }

    /// <summary>Next sequence number that the application reads; never after <see cref="RcvNxt"/>.</summary>
    public SequenceNumber CopiedSeq { get; private set; }

    /// <summary>The peer's FIN is part of <see cref="RcvNxt"/>.</summary>
    public bool FinReceived { get; private set; }

    /// <summary>Bytes behind a gap.</summary>
    public int OutOfOrderBytes { get; private set; }

    /// <summary>The ranges behind a gap, in order, none touching another.</summary>
    public IReadOnlyList<SackBlock> OutOfOrder => (IReadOnlyList<SackBlock>?)_outOfOrder ?? [];

    /// <summary>Bytes it takes beyond the bare object, about.</summary>
    internal long MemoryBytes => _outOfOrder is null ? 0 : 48 + (Unsafe.SizeOf<SackBlock>() * (long)_outOfOrder.Capacity);

    /// <summary>Forgets everything; <paramref name="next"/> is the next number expected.</summary>
    public void Reset(SequenceNumber next)
    {
        RcvNxt = next;
        CopiedSeq = next;
        _outOfOrder?.Clear();
        OutOfOrderBytes = 0;
        _fin = null;
        FinReceived = false;
    }

    /// <summary>Takes the text of a segment; returns how far RcvNxt moved.</summary>
    /// <param name="start">Number of the first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="fin">A FIN follows the bytes.</param>
    public int Add(SequenceNumber start, int length, bool fin)
    {
        if (FinReceived)
        {
            return 0;
        }

        SequenceNumber before = RcvNxt;
        SequenceNumber end = start + length;
        if (fin && _fin is null && end >= RcvNxt)
        {
            _fin = end;
        }

        if (start <= RcvNxt)
        {
            AdvanceTo(end);
        }
        else if (length > 0)
        {
            Insert(new SackBlock(start, end));
        }

        return RcvNxt - before;
    }

    /// <summary>Everything before <paramref name="next"/> arrived: by its data, or because this end acknowledged it though the observer missed it.</summary>
    public void AdvanceTo(SequenceNumber next)
    {
        if (next > RcvNxt)
        {
            RcvNxt = next;
        }

        if (_outOfOrder is { Count: > 0 })
        {
            JoinReached(_outOfOrder);
        }

        if (_fin is { } fin && !FinReceived && RcvNxt >= fin)
        {
            FinReceived = true;
            RcvNxt = SequenceNumber.Max(RcvNxt, fin + 1);
        }
    }

    private void JoinReached(List<SackBlock> ranges)
    {
        int joined = 0;
        while (joined < ranges.Count && ranges[joined].Left <= RcvNxt)
        {
            SackBlock range = ranges[joined++];
            OutOfOrderBytes -= range.Right - range.Left;
            RcvNxt = SequenceNumber.Max(RcvNxt, range.Right);
        }

        ranges.RemoveRange(0, joined);
    }

    /// <summary>
    /// The end gave up what it had behind its gap, and waits for <paramref name="next"/> again though its peer knew of more (tcp_prune_ofo_queue). Not once the FIN
    /// is part of what was received.
    /// </summary>
    internal void Renege(SequenceNumber next)
    {
        if (FinReceived)
        {
            return;
        }

        _outOfOrder?.Clear();
        OutOfOrderBytes = 0;
        _fin = null;
        RcvNxt = SequenceNumber.Min(RcvNxt, next);
        CopiedSeq = SequenceNumber.Min(CopiedSeq, RcvNxt);
    }

    /// <summary>The application read <paramref name="count"/> bytes; at most those that are there.</summary>
    public int Consume(int count)
    {
        int available = RcvNxt - CopiedSeq - (FinReceived ? 1 : 0);
        int taken = Math.Clamp(count, 0, Math.Max(0, available));
        CopiedSeq += taken;
        return taken;
    }

    private void Insert(SackBlock range)
    {
        _outOfOrder ??= [];
        Owner?.NoteMemoryChange();
        int index = 0;
        while (index < _outOfOrder.Count && _outOfOrder[index].Right < range.Left)
        {
            index++;
        }

        int last = index;
        while (last < _outOfOrder.Count && _outOfOrder[last].Left <= range.Right)
        {
            SackBlock other = _outOfOrder[last++];
            OutOfOrderBytes -= other.Right - other.Left;
            range = new SackBlock(SequenceNumber.Min(range.Left, other.Left), SequenceNumber.Max(range.Right, other.Right));
        }

        if (last > index)
        {
            _outOfOrder.RemoveRange(index, last - index);
        }
        else if (_outOfOrder.Count >= MaximumRanges)
        {
            return;
        }

        _outOfOrder.Insert(index, range);
        OutOfOrderBytes += range.Right - range.Left;
    }
}
