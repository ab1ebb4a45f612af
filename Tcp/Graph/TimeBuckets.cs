namespace Interceptor.Tcp.Graph;

/// <summary>
/// A series over time that stays bounded: as long as it is short it holds everything, and when it is full its items are joined by buckets of time,
/// whose width only grows. Threads: one at a time.
/// </summary>
/// <param name="buckets">Buckets over the whole time, above 0.</param>
/// <param name="itemsInBucket">Items of one bucket that are kept apart because they don't fit, above 0.</param>
internal sealed class TimeBuckets<T>(int buckets, int itemsInBucket)
    where T : struct, ITimeBucketed<T>
{
    private readonly List<T> _items = [];
    private long _width;

    /// <summary>In order of arrival; at most <see cref="Limit"/>.</summary>
    internal IReadOnlyList<T> Items => _items;

    /// <summary>The most items it holds.</summary>
    internal int Limit => buckets * itemsInBucket * 2;

    /// <summary>Items were joined.</summary>
    internal bool IsJoined => _width > 0;

    internal void Add(in T item)
    {
        if (_items.Count >= Limit)
        {
            Compact();
        }

        Place(_items, in item);
    }

    private void Compact()
    {
        long first = long.MaxValue;
        long last = long.MinValue;
        foreach (T item in _items)
        {
            first = Math.Min(first, item.Time);
            last = Math.Max(last, item.Time);
        }

        _width = Math.Max(_width + 1, (long)(((Int128)last - first) / buckets) + 1);
        T[] before = [.. _items];
        _items.Clear();
        foreach (T item in before)
        {
            Place(_items, in item);
        }

        if (_items.Count >= Limit)
        {
            // Times that jump back and forth: neighbours in the source, then.
            JoinPairs();
        }
    }

    private void JoinPairs()
    {
        int kept = 0;
        for (int i = 0; i + 1 < _items.Count; i += 2)
        {
            _items[kept++] = _items[i].Join(_items[i + 1]);
        }

        _items.RemoveRange(kept, _items.Count - kept);
    }

    private void Place(List<T> items, in T item)
    {
        if (_width == 0)
        {
            items.Add(item);
            return;
        }

        long bucket = Bucket(item.Time);
        int inBucket = 0;
        for (int i = items.Count - 1; i >= 0 && Bucket(items[i].Time) == bucket; i--)
        {
            inBucket++;
            if (items[i].Fits(in item) || inBucket == itemsInBucket)
            {
                items[i] = items[i].Join(in item);
                return;
            }
        }

        items.Add(item);
    }

    private long Bucket(long time) => time >= 0 ? time / _width : ((time + 1) / _width) - 1;
}
