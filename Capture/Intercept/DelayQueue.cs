using System.Diagnostics.CodeAnalysis;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Items that become due, earliest first; those due at the same instant in the order they came. Pure: time is an argument.
/// <para>Threads: one at a time.</para>
/// </summary>
/// <typeparam name="T">What waits.</typeparam>
public sealed class DelayQueue<T>
{
    private readonly PriorityQueue<(T Item, long Order), (long Due, long Order)> _heap = new();
    private long _next;
    private long _newestReleased = -1;

    /// <summary>How many wait.</summary>
    public int Count => _heap.Count;

    /// <summary>Items taken out behind one that had come later: overtaken on account of different delays.</summary>
    public long Reordered { get; private set; }

    /// <summary>When the earliest is due (nanoseconds, monotonic); <see cref="long.MaxValue"/> where none waits.</summary>
    public long NextDue => _heap.TryPeek(out _, out (long Due, long Order) key) ? key.Due : long.MaxValue;

    /// <summary>Adds an item.</summary>
    /// <param name="item">What waits.</param>
    /// <param name="due">Until when (nanoseconds, monotonic).</param>
    public void Add(T item, long due)
    {
        long order = _next++;
        _heap.Enqueue((item, order), (due, order));
    }

    /// <summary>Takes out the earliest item if it is due at <paramref name="now"/>.</summary>
    public bool TryTake(long now, [MaybeNullWhen(false)] out T item)
    {
        item = default;
        if (NextDue > now || !_heap.TryDequeue(out (T Item, long Order) taken, out _))
        {
            return false;
        }

        if (taken.Order < _newestReleased)
        {
            Reordered++;
        }

        _newestReleased = Math.Max(_newestReleased, taken.Order);
        item = taken.Item;
        return true;
    }
}
