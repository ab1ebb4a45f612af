using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Packets that wait for a person or a program: given to an interception (<see cref="InterceptOptions.Hold"/>), it holds what comes, and lets it go on by command, in order of arrival.
/// <para><b>Order</b>: while a packet is held, what comes later in the same direction of its connection is held too, so that nothing overtakes it but by command. A direction goes on by itself
/// when its last held packet is gone.</para>
/// <para><b>Copies</b>: a retransmission of what is held is no packet of its own; it is dropped and counted (<see cref="HeldItem.Copies"/>), and the first copy goes on at the release. One
/// that covers more than what is held takes its place.</para>
/// <para>Threads: every member is for any thread. Decisions are carried out, in order, by the interception's own threads, at once; an event is raised on the thread that caused it, and its
/// handlers call no member.</para>
/// </summary>
public sealed partial class HoldQueue
{
    private readonly Lock _gate = new();
    private readonly LinkedList<HeldEntry> _order = new();
    private readonly Dictionary<long, HeldEntry> _byId = [];
    private readonly Dictionary<FlowKey, HeldLane> _lanes = [];
    private readonly HoldOptions _options;
    private HoldLimits _limits;
    private long _bytes;
    private long _lastId;
    private long _firstHeldAt = -1;
    private bool _isHolding = true;
    private bool _isOver;
    private bool _hasEnded;
    private HoldCounters _counters;

    /// <summary>A queue that holds from its first packet on.</summary>
    /// <param name="options">What it holds; null for everything, within the usual limits.</param>
    public HoldQueue(HoldOptions? options = null)
    {
        _options = options ?? new HoldOptions();
        _options.Limits.Validate();
        _limits = _options.Limits;
    }

    /// <summary>Raised for each thing that happens to a held packet, in order. The handler is quick and calls no member of the queue.</summary>
    public event Action<HoldEvent>? Happened;

    /// <summary>Packets that wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _order.Count;
            }
        }
    }

    /// <summary>New packets are held; false after <see cref="Pause"/>, and when <see cref="HoldOptions.For"/> or <see cref="HoldOptions.Until"/> has ended it.</summary>
    public bool IsHolding
    {
        get
        {
            lock (_gate)
            {
                return _isHolding && !_isOver;
            }
        }
    }

    /// <summary>The limits in force; whoever sets others changes what comes from now on, and what is too much already.</summary>
    /// <exception cref="ArgumentOutOfRangeException">As <see cref="HoldLimits.Validate"/>.</exception>
    public HoldLimits Limits
    {
        get
        {
            lock (_gate)
            {
                return _limits;
            }
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            value.Validate();
            lock (_gate)
            {
                _limits = value;
                WakeLocked();
            }
        }
    }

    /// <summary>What was counted till now.</summary>
    public HoldCounters Counters
    {
        get
        {
            lock (_gate)
            {
                return _counters with { Waiting = _order.Count, WaitingBytes = _bytes };
            }
        }
    }

    /// <summary>What is held now, in order of arrival.</summary>
    public IReadOnlyList<HeldItem> Snapshot()
    {
        lock (_gate)
        {
            return [.. _order.Select(static entry => entry.Item)];
        }
    }

    /// <summary>One of them; false where it is held no longer.</summary>
    public bool TryFind(long id, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out HeldItem? item)
    {
        lock (_gate)
        {
            item = _byId.TryGetValue(id, out HeldEntry? entry) ? entry.Item : null;
            return item is not null;
        }
    }

    /// <summary>When to call <see cref="Expire"/> next, monotonic ns.</summary>
    internal long NextDue
    {
        get
        {
            lock (_gate)
            {
                long due = _order.First is { } oldest ? oldest.Value.Item.Since + MaxAgeNanoseconds : long.MaxValue;
                return Math.Min(due, EndsAtLocked());
            }
        }
    }

    private long MaxAgeNanoseconds => Math.Min(_limits.MaxAge.Ticks, long.MaxValue / 400) * 100;

    /// <summary>Lets go on, or drops, what was held for too long. On the thread of an exit.</summary>
    internal void Expire(long now)
    {
        lock (_gate)
        {
            if (now >= EndsAtLocked())
            {
                FinishLocked(HoldReason.Time);
            }

            ExpireAgedLocked(now);
            ShrinkLocked(incoming: 0, incomingPackets: 0);
        }
    }

    /// <summary>
    /// The interception ends: what belongs to this exit is decided by the policy, and nothing is held any more.
    /// </summary>
    internal void End(HoldExit exit)
    {
        lock (_gate)
        {
            _hasEnded = true;
            for (LinkedListNode<HeldEntry>? node = _order.First; node is not null;)
            {
                HeldEntry entry = node.Value;
                node = node.Next;
                if (ReferenceEquals(entry.Exit, exit))
                {
                    LeaveLocked(entry, _options.DropsAtEnd, HoldReason.End);
                }
            }
        }
    }

    private long EndsAtLocked() =>
        _options.For is { } time && _firstHeldAt >= 0 && !_isOver ? _firstHeldAt + (time.Ticks * 100) : long.MaxValue;

    private void FinishLocked(HoldReason reason)
    {
        _isOver = true;
        while (_order.First is { } oldest)
        {
            LeaveLocked(oldest.Value, isDropped: false, reason);
        }
    }

    private void ExpireAgedLocked(long now)
    {
        while (_order.First is { } oldest && now - oldest.Value.Item.Since >= MaxAgeNanoseconds)
        {
            LeaveLocked(oldest.Value, _limits.OnAge == HoldOverflow.DropOldest, HoldReason.Age);
        }
    }

    /// <summary>Makes room; false where what comes is to be dropped instead.</summary>
    private bool ShrinkLocked(long incoming, int incomingPackets)
    {
        while (_order.First is { } oldest)
        {
            bool isTooMany = _order.Count + incomingPackets > _limits.MaxPackets;
            if (!isTooMany && _bytes + incoming <= _limits.MaxBytes)
            {
                break;
            }

            HoldOverflow overflow = isTooMany ? _limits.OnPackets : _limits.OnBytes;
            if (overflow == HoldOverflow.DropNewest)
            {
                return false;
            }

            LeaveLocked(oldest.Value, overflow == HoldOverflow.DropOldest, isTooMany ? HoldReason.Packets : HoldReason.Bytes);
        }

        return true;
    }

    // The packet is held no longer: its duty goes to its thread.
    private void LeaveLocked(HeldEntry entry, bool isDropped, HoldReason reason)
    {
        RemoveLocked(entry);
        if (isDropped)
        {
            _counters.Dropped++;
        }
        else
        {
            _counters.Released++;
        }

        entry.Exit.Decide(entry.Duty, entry.Item, isDropped, reason);
        Tell(isDropped ? HoldEventKind.Dropped : HoldEventKind.Released, entry.Item, reason);
    }

    private void RemoveLocked(HeldEntry entry)
    {
        _order.Remove(entry.Node);
        _byId.Remove(entry.Item.Id);
        _bytes -= entry.Item.Data.Length;
        HeldLane lane = _lanes[entry.Item.Flow];
        lane.Remove(entry);
        if (lane.Count == 0)
        {
            _lanes.Remove(entry.Item.Flow);
        }
    }

    // Something is due earlier than an interception's thread knows.
    private void WakeLocked()
    {
        foreach (HoldExit exit in _order.Select(static entry => entry.Exit).Distinct())
        {
            exit.Wake();
        }
    }

    private void Tell(HoldEventKind kind, HeldItem item, HoldReason reason) => Happened?.Invoke(new HoldEvent(kind, item, reason));
}
