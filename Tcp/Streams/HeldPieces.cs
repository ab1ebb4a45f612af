namespace Interceptor.Tcp.Streams;

/// <summary>
/// What waits behind a gap, and which of two segments with different bytes for one place a Linux receiver keeps (tcp_data_queue_ofo and tcp_ofo_queue,
/// net/ipv4/tcp_input.c, 6.12): a segment that lies inside an older one is dropped, one that covers older ones wholly replaces them, and where two overlap in
/// part the one that starts first is read. Data that arrives in order is read before anything that waits.
/// <para>The visible parts of the pieces never overlap and lie in the order of the pieces' starts; neither end nor start of a piece lies inside another.</para>
/// </summary>
internal sealed class HeldPieces
{
    // What one piece costs besides its bytes: many tiny pieces must not pass a bound either.
    private const int PieceOverhead = 128;

    private readonly SortedSet<HeldPiece> _pieces = new(Comparer<HeldPiece>.Create((left, right) => left.Start.CompareTo(right.Start)));

    internal int Count => _pieces.Count;

    /// <summary>Bytes that count.</summary>
    internal long Bytes { get; private set; }

    /// <summary>Memory, about.</summary>
    internal long Cost { get; private set; }

    /// <summary>The lowest piece; there is one.</summary>
    internal HeldPiece First => _pieces.Min!;

    internal HeldPiece TakeFirst()
    {
        HeldPiece first = First;
        Remove(first);
        return first;
    }

    /// <summary>A segment behind the receiver's gap.</summary>
    internal void AddOutOfOrder(long start, long end, ReadOnlySpan<byte> captured)
    {
        DisplaceDoubtful(start, end);
        HeldPiece? before = LastStartingUpTo(start);
        long visibleStart = start;
        if (before is { IsDoubtful: false } && before.End >= start)
        {
            if (end <= before.End)
            {
                return;
            }

            if (before.End == start && TryJoin(before, end, captured))
            {
                YieldTo(before.Start, end);
                return;
            }

            visibleStart = before.Start < start ? before.End : before.VisibleStart;
            if (before.Start == start)
            {
                Remove(before);
            }
        }

        YieldTo(start, end);
        Insert(new HeldPiece(start, end, captured) { VisibleStart = visibleStart });
    }

    /// <summary>A segment that begins where the receiver waits: it counts before anything that arrived earlier behind the gap.</summary>
    internal void AddInOrder(long start, long end, ReadOnlySpan<byte> captured)
    {
        DisplaceDoubtful(start, end);
        long reached = end;
        List<HeldPiece> overtaken = [];
        while (FirstStartingFrom(start) is { } after && after.Start < reached)
        {
            Remove(after);
            overtaken.Add(after);
            reached = Math.Max(reached, after.End);
        }

        // The receiver is past all of them now: what is not read of them no longer counts.
        overtaken.ForEach(piece => InsertPart(piece, Math.Max(piece.VisibleStart, end), piece.End));
        FillHoles(start, end, captured, isDoubtful: false);
    }

    /// <summary>A segment whose place is taken keeps what nothing else has: where the receiver is past it, or had no reason to take it.</summary>
    internal void FillHoles(long start, long end, ReadOnlySpan<byte> captured, bool isDoubtful)
    {
        long from = start;
        while (from < end)
        {
            HeldPiece? covering = Covering(from);
            if (covering is not null)
            {
                from = covering.End;
                continue;
            }

            long stop = Math.Min(end, NextVisible(from)?.VisibleStart ?? end);
            int skipped = (int)Math.Min(from - start, captured.Length);
            Insert(new HeldPiece(from, stop, captured[skipped..]) { IsDoubtful = isDoubtful });
            from = stop;
        }
    }

    /// <summary>Compares a segment with what is here.</summary>
    /// <returns>How many bytes both have, and how many of them differ.</returns>
    internal (long Compared, long Differing) Compare(long start, ReadOnlySpan<byte> captured)
    {
        long compared = 0;
        long differing = 0;
        long end = start + captured.Length;
        for (HeldPiece? piece = Covering(start) ?? NextVisible(start); piece is not null && piece.VisibleStart < end; piece = NextVisible(piece.VisibleStart))
        {
            long from = Math.Max(start, piece.VisibleStart);
            ReadOnlySpan<byte> kept = piece.From(from);
            ReadOnlySpan<byte> other = captured[(int)(from - start)..];
            int length = Math.Min(kept.Length, other.Length);
            compared += length;
            differing += ByteComparison.CountDifferent(kept[..length], other[..length]);
        }

        return (compared, differing);
    }

    // Pieces that start behind this number and before the end: those inside go, one that reaches farther keeps its rest.
    private void YieldTo(long start, long end)
    {
        while (FirstStartingFrom(start + 1) is { } after && after.Start < end)
        {
            if (after.End > end)
            {
                long kept = Math.Max(after.VisibleStart, end);
                Bytes -= kept - after.VisibleStart;
                after.VisibleStart = kept;
                return;
            }

            Remove(after);
        }
    }

    private void DisplaceDoubtful(long start, long end)
    {
        HeldPiece? piece = Covering(start) ?? NextVisible(start);
        while (piece is not null && piece.VisibleStart < end)
        {
            HeldPiece? next = NextVisible(piece.VisibleStart);
            if (piece.IsDoubtful)
            {
                Remove(piece);
                InsertPart(piece, piece.VisibleStart, start);
                InsertPart(piece, end, piece.End);
            }

            piece = next;
        }
    }

    private void InsertPart(HeldPiece whole, long start, long end)
    {
        if (start < end)
        {
            Insert(new HeldPiece(start, end, whole.From(start)) { IsDoubtful = whole.IsDoubtful });
        }
    }

    private bool TryJoin(HeldPiece piece, long end, ReadOnlySpan<byte> captured)
    {
        int capacity = piece.Capacity;
        long length = piece.Length;
        if (!piece.TryJoin(end, captured))
        {
            return false;
        }

        Cost += piece.Capacity - capacity;
        Bytes += piece.Length - length;
        return true;
    }

    private void Insert(HeldPiece piece)
    {
        _pieces.Add(piece);
        Bytes += piece.Length;
        Cost += piece.Capacity + PieceOverhead;
    }

    private void Remove(HeldPiece piece)
    {
        _pieces.Remove(piece);
        Bytes -= piece.Length;
        Cost -= piece.Capacity + PieceOverhead;
    }

    // The piece that has the byte at this offset.
    private HeldPiece? Covering(long offset)
    {
        HeldPiece? piece = LastStartingUpTo(offset);
        while (piece is not null && piece.VisibleStart > offset)
        {
            piece = LastStartingUpTo(piece.Start - 1);
        }

        return piece is not null && piece.End > offset ? piece : null;
    }

    // The first piece whose visible part begins behind this offset.
    private HeldPiece? NextVisible(long offset)
    {
        HeldPiece? piece = LastStartingUpTo(offset);
        while (piece is not null && piece.VisibleStart > offset && LastStartingUpTo(piece.Start - 1) is { } before && before.VisibleStart > offset)
        {
            piece = before;
        }

        return piece is not null && piece.VisibleStart > offset ? piece : FirstStartingFrom((piece?.Start ?? offset) + 1);
    }

    private HeldPiece? LastStartingUpTo(long offset) => Count == 0 ? null
        : _pieces.Max!.Start <= offset ? _pieces.Max
        : _pieces.Min!.Start > offset ? null
        : _pieces.GetViewBetween(_pieces.Min!, At(offset)).Max;

    private HeldPiece? FirstStartingFrom(long offset) => Count == 0 || _pieces.Max!.Start < offset ? null
        : _pieces.Min!.Start >= offset ? _pieces.Min
        : _pieces.GetViewBetween(At(offset), _pieces.Max!).Min;

    private static HeldPiece At(long offset) => new(offset, offset, []);
}
