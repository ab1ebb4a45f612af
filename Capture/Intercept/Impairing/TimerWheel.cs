using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Items that become due, earliest first; those due at the same instant in the order they came. A hierarchical wheel (Varghese and Lauck, 1987): an item goes into a
/// slot of the level that its distance has, and comes down a level when its slot is reached, so that a million of them cost memory and no time for each other. The
/// items of the slot that is reached last are sorted: the order and the instants are exact to the nanosecond, whatever the slots are.
/// <para>Pure: time is an argument. Threads: one at a time. Once it has room an item costs no allocation.</para>
/// </summary>
/// <typeparam name="T">What waits.</typeparam>
public sealed class TimerWheel<T>
{
    // A slot of the lowest level is 2^17 ns, 131 us; six levels of 256 slots reach beyond what 64 bits of nanoseconds can say.
    private const int TickShift = 17;
    private const int LevelShift = 8;
    private const int SlotsOfLevel = 1 << LevelShift;
    private const int Levels = 6;
    private const int WordsOfLevel = SlotsOfLevel / 64;
    private const int None = -1;

    private readonly int[] _slots = new int[Levels * SlotsOfLevel];
    private readonly ulong[] _occupied = new ulong[Levels * WordsOfLevel];
    private readonly PriorityQueue<int, (long Due, long Order)> _ready = new();
    private Node[] _nodes = new Node[16];
    private int _free = None;
    private int _used;
    private long _tick;
    private long _next;

    /// <summary>An empty wheel.</summary>
    public TimerWheel() => _slots.AsSpan().Fill(None);

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// When to ask next (nanoseconds, monotonic): the earliest item is due then or less than a slot's length later; <see cref="long.MaxValue"/> where none waits.
    /// </summary>
    public long NextDue =>
        _ready.TryPeek(out _, out (long Due, long Order) key) ? key.Due
        : TryFindSlot(out _, out long tick) ? tick << TickShift
        : long.MaxValue;

    /// <summary>Adds an item.</summary>
    /// <param name="item">What waits.</param>
    /// <param name="due">Until when (nanoseconds, monotonic, not negative).</param>
    public void Add(T item, long due)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(due);
        int index = _free;
        if (index == None)
        {
            if (_used == _nodes.Length)
            {
                Array.Resize(ref _nodes, 2 * _used);
            }

            index = _used++;
        }
        else
        {
            _free = _nodes[index].Next;
        }

        _nodes[index] = new Node { Item = item, Due = due, Order = _next++ };
        Count++;
        Place(index);
    }

    /// <summary>Takes out the earliest item if it is due at <paramref name="now"/>.</summary>
    public bool TryTake(long now, [MaybeNullWhen(false)] out T item) => TryTake(now, out item, out _);

    /// <summary>Takes out the earliest item if it is due at <paramref name="now"/>, and says since when it has been.</summary>
    public bool TryTake(long now, [MaybeNullWhen(false)] out T item, out long due)
    {
        Advance(now >> TickShift);
        if (!_ready.TryPeek(out int index, out (long Due, long Order) key) || key.Due > now)
        {
            item = default;
            due = 0;
            return false;
        }

        due = key.Due;
        _ready.Dequeue();
        item = _nodes[index].Item;
        _nodes[index] = new Node { Next = _free };
        _free = index;
        Count--;
        return true;
    }

    // Everything in a slot differs from the present tick first in the eight bits of the slot's level: the lowest level that has any has the earliest.
    private void Place(int index)
    {
        ref Node node = ref _nodes[index];
        long tick = node.Due >> TickShift;
        if (tick <= _tick)
        {
            _ready.Enqueue(index, (node.Due, node.Order));
            return;
        }

        int level = BitOperations.Log2((ulong)(tick ^ _tick)) / LevelShift;
        int place = (int)(tick >> (level * LevelShift)) & (SlotsOfLevel - 1);
        ref int slot = ref _slots[(level * SlotsOfLevel) + place];
        node.Next = slot;
        slot = index;
        _occupied[(level * WordsOfLevel) + (place / 64)] |= 1UL << (place % 64);
    }

    private void Advance(long target)
    {
        while (TryFindSlot(out int slot, out long tick) && tick <= target)
        {
            _tick = tick;
            int index = _slots[slot];
            _slots[slot] = None;
            _occupied[slot / 64] &= ~(1UL << (slot % 64));
            while (index != None)
            {
                int next = _nodes[index].Next;
                Place(index);
                index = next;
            }
        }

        _tick = Math.Max(_tick, target);
    }

    // The occupied slot that is reached first, and the tick at which it begins.
    private bool TryFindSlot(out int slot, out long tick)
    {
        for (int word = 0; word < _occupied.Length; word++)
        {
            if (_occupied[word] == 0)
            {
                continue;
            }

            slot = (word * 64) + BitOperations.TrailingZeroCount(_occupied[word]);
            int level = slot / SlotsOfLevel;
            int shift = level * LevelShift;
            long above = _tick >> (shift + LevelShift) << (shift + LevelShift);
            tick = above | ((long)(slot % SlotsOfLevel) << shift);
            return true;
        }

        slot = None;
        tick = 0;
        return false;
    }

    private struct Node
    {
        internal T Item;
        internal long Due;
        internal long Order;
        internal int Next;
    }
}
