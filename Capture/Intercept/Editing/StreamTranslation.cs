namespace Interceptor.Capture.Intercept;

/// <summary>
/// Where the bytes of one direction's stream went: positions as its sender counts them and as its receiver does, and the bytes that stand for those replaced. Position 0 is
/// the first byte behind the SYN; 64 bits, so that it never wraps.
/// <para>An edit puts its new bytes in the place of [start, start + old). The i-th old byte stands for the i-th new one, as far as both go; the last old byte stands for all the
/// new ones that are left, and old bytes without a new one for nothing. So every boundary of a segment has one place in the new stream, and a segment that is sent again, cut
/// in another way, is made of the same bytes.</para>
/// <para>Pure. Threads: one at a time. Once it has room an edit costs no allocation.</para>
/// </summary>
internal sealed class StreamTranslation(ReplacementSet rules)
{
    private Edit[] _edits = [];
    private int _first;
    private int _end;
    private long _foldedShift;

    /// <summary>Edits that are kept.</summary>
    internal int Count => _end - _first;

    /// <summary>Every position before is acknowledged, and what stood there is forgotten (original).</summary>
    internal long FoldedTo { get; private set; }

    /// <summary>How much longer the new stream is behind the last edit; negative for shorter.</summary>
    internal long Shift { get; private set; }

    /// <summary>Each position kept is where it was, and no byte is another.</summary>
    internal bool IsIdentity => Count == 0 && _foldedShift == 0;

    /// <summary>Adds an edit behind all others.</summary>
    /// <param name="start">Original position.</param>
    /// <param name="pair">Which pair.</param>
    internal void Add(long start, int pair)
    {
        if (_end == _edits.Length)
        {
            MakeRoom();
        }

        _edits[_end++] = new Edit(start, start + Shift, pair);
        Shift += rules.New(pair).Length - rules.Old(pair).Length;
    }

    /// <summary>The place of an original position in the new stream.</summary>
    internal long ToMapped(long position)
    {
        int index = LastBefore(position, mapped: false);
        if (index < _first)
        {
            return position + _foldedShift;
        }

        ref readonly Edit edit = ref _edits[index];
        long offset = position - edit.Start;
        int oldLength = rules.Old(edit.Pair).Length;
        int newLength = rules.New(edit.Pair).Length;
        return edit.Mapped + (offset >= oldLength ? newLength + offset - oldLength : Math.Min(offset, newLength));
    }

    /// <summary>The largest original position whose place is not behind <paramref name="mapped"/>: what an acknowledgment of it covers.</summary>
    internal long ToOriginal(long mapped)
    {
        int index = LastBefore(mapped, mapped: true);
        if (index < _first)
        {
            return mapped - _foldedShift;
        }

        ref readonly Edit edit = ref _edits[index];
        long offset = mapped - edit.Mapped;
        int oldLength = rules.Old(edit.Pair).Length;
        int newLength = rules.New(edit.Pair).Length;
        return edit.Start + (offset >= newLength ? oldLength + offset - newLength : Math.Min(offset, oldLength - 1));
    }

    /// <summary>The smallest original position whose place is not before <paramref name="mapped"/>: where a block that begins there begins.</summary>
    internal long ToOriginalStart(long mapped) => ToOriginal(mapped - 1) + 1;

    /// <summary>True if a byte of the original range belongs to an edit.</summary>
    internal bool Touches(long from, long to)
    {
        int index = FirstEndingBehind(from);
        return index < _end && _edits[index].Start < to;
    }

    /// <summary>Edits that begin in the original range.</summary>
    internal int CountStarting(long from, long to)
    {
        int count = 0;
        for (int i = FirstEndingBehind(from); i < _end && _edits[i].Start < to; i++)
        {
            count += _edits[i].Start >= from ? 1 : 0;
        }

        return count;
    }

    /// <summary>Writes what stands for an original range.</summary>
    /// <param name="from">Its first position; not before <see cref="FoldedTo"/>.</param>
    /// <param name="original">Its bytes.</param>
    /// <param name="destination">At least as long as the distance of the places of its two ends.</param>
    internal void Write(long from, ReadOnlySpan<byte> original, Span<byte> destination)
    {
        long to = from + original.Length;
        long at = from;
        for (int i = FirstEndingBehind(from); i < _end && _edits[i].Start < to; i++)
        {
            ref readonly Edit edit = ref _edits[i];
            int oldLength = rules.Old(edit.Pair).Length;
            ReadOnlySpan<byte> replacement = rules.New(edit.Pair);
            if (edit.Start > at)
            {
                Append(original[(int)(at - from)..(int)(edit.Start - from)], ref destination);
            }

            long end = edit.Start + oldLength;
            int first = (int)Math.Min(Math.Max(from - edit.Start, 0), replacement.Length);
            int last = to >= end ? replacement.Length : (int)Math.Min(to - edit.Start, replacement.Length);
            Append(replacement[first..last], ref destination);
            at = Math.Min(end, to);
        }

        Append(original[(int)(at - from)..], ref destination);
    }

    /// <summary>Forgets the edits that lie wholly before a place in the new stream: their receiver has acknowledged them and never asks for them again.</summary>
    internal void Fold(long mapped)
    {
        while (_first < _end)
        {
            ref readonly Edit edit = ref _edits[_first];
            long end = edit.Mapped + rules.New(edit.Pair).Length;
            if (end > mapped)
            {
                break;
            }

            FoldedTo = edit.Start + rules.Old(edit.Pair).Length;
            _foldedShift = end - FoldedTo;
            _first++;
        }
    }

    private static void Append(ReadOnlySpan<byte> bytes, ref Span<byte> destination)
    {
        bytes.CopyTo(destination);
        destination = destination[bytes.Length..];
    }

    private void MakeRoom()
    {
        int count = Count;
        Edit[] target = count > _edits.Length / 2 || _edits.Length == 0 ? new Edit[Math.Max(16, 2 * _edits.Length)] : _edits;
        Array.Copy(_edits, _first, target, 0, count);
        _edits = target;
        _first = 0;
        _end = count;
    }

    // The last edit that begins at or before a position, original or mapped; below _first for none.
    private int LastBefore(long position, bool mapped)
    {
        int low = _first;
        int high = _end;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if ((mapped ? _edits[middle].Mapped : _edits[middle].Start) <= position)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }

    private int FirstEndingBehind(long position)
    {
        int index = LastBefore(position, mapped: false);
        return index >= _first && _edits[index].Start + rules.Old(_edits[index].Pair).Length > position ? index : index + 1;
    }

    private readonly record struct Edit(long Start, long Mapped, int Pair);
}
