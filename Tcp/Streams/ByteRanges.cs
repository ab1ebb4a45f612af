namespace Interceptor.Tcp.Streams;

/// <summary>
/// Which offsets of a stream were seen: sorted ranges, none touching another. Exact up to <see cref="MaximumRanges"/>; beyond that the lowest
/// <see cref="JoinedAtOnce"/> join the next, so that a byte which fills one of those old gaps later no longer counts as new.
/// </summary>
internal sealed class ByteRanges
{
    internal const int MaximumRanges = 16384;

    // Many at once, so that an endless row of holes does not move the whole array for each of them.
    internal const int JoinedAtOnce = 1024;

    // Made with the first byte: most ends of a flood of SYNs never send one.
    private ByteRange[] _ranges = [];

    internal int Count { get; private set; }

    /// <summary>Bytes seen, each once.</summary>
    internal long Covered { get; private set; }

    /// <summary>Bytes it takes beyond the bare object, about.</summary>
    internal long MemoryBytes => 16L * _ranges.Length;

    /// <summary>Bytes between the first and the last one seen that were not seen.</summary>
    internal long Missing => Count == 0 ? 0 : _ranges[Count - 1].End - _ranges[0].Start - Covered;

    /// <summary>Adds [start, end); returns how many of its bytes are new.</summary>
    internal long Add(long start, long end)
    {
        if (end <= start)
        {
            return 0;
        }

        if (Count > 0 && start == _ranges[Count - 1].End)
        {
            _ranges[Count - 1].End = end;
            Covered += end - start;
            return end - start;
        }

        long added = Merge(start, end);
        Covered += added;
        return added;
    }

    private long Merge(long start, long end)
    {
        // The ranges that [start, end) overlaps or touches: from the first that ends at or after start.
        int first = FirstEndingAfter(start - 1);
        int last = first;
        long low = start;
        long high = end;
        long already = 0;
        while (last < Count && _ranges[last].Start <= end)
        {
            low = Math.Min(low, _ranges[last].Start);
            high = Math.Max(high, _ranges[last].End);
            already += Math.Max(0, Math.Min(end, _ranges[last].End) - Math.Max(start, _ranges[last].Start));
            last++;
        }

        Replace(first, last - first, new ByteRange(low, high));
        return end - start - already;
    }

    private void Replace(int index, int removed, ByteRange range)
    {
        if (removed == 0)
        {
            if (Count == _ranges.Length)
            {
                Array.Resize(ref _ranges, Math.Max(1, Count * 2));
            }

            Array.Copy(_ranges, index, _ranges, index + 1, Count - index);
            Count++;
        }
        else if (removed > 1)
        {
            Array.Copy(_ranges, index + removed, _ranges, index + 1, Count - index - removed);
            Count -= removed - 1;
        }

        _ranges[index] = range;
        if (Count > MaximumRanges)
        {
            _ranges[JoinedAtOnce].Start = _ranges[0].Start;
            Array.Copy(_ranges, JoinedAtOnce, _ranges, 0, Count - JoinedAtOnce);
            Count -= JoinedAtOnce;
        }
    }

    private int FirstEndingAfter(long offset)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_ranges[middle].End <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}

/// <summary>Offsets [Start, End) of a stream.</summary>
internal record struct ByteRange(long Start, long End);
