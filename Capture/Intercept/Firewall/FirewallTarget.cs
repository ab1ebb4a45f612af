namespace Interceptor.Capture.Intercept;

/// <summary>What a rule does with what it takes.</summary>
public sealed record FirewallTarget
{
    private FirewallTarget()
    {
    }

    /// <summary>Drops.</summary>
    public static FirewallTarget Drop { get; } = new();

    /// <summary>The first queue's number; null where the target drops.</summary>
    public ushort? Queue { get; private init; }

    /// <summary>
    /// Queues that packets are spread over by a hash of the two addresses and the protocol, not the ports (nfqueue_hash in the kernel's nf_queue.h): the same for both
    /// directions, so a connection stays in one queue, and so do all connections of two hosts.
    /// </summary>
    public int QueueCount { get; private init; } = 1;

    /// <summary>
    /// Spread by the processor that a packet is on instead. That is faster where each queue has a thread on its processor, but the two directions of a connection may meet
    /// different queues, and a sender that moves to another processor has its packets overtake each other: for looking on and counting, not for what follows connections.
    /// </summary>
    public bool FanOut { get; private init; }

    /// <summary>True: packets pass unseen while nobody listens on the queue. False: they are dropped then.</summary>
    public bool Bypass { get; private init; }

    /// <summary>The queues' numbers; none where the target drops.</summary>
    internal IEnumerable<ushort> Queues => Queue is { } first ? Enumerable.Range(first, QueueCount).Select(number => (ushort)number) : [];

    /// <summary>Sends to one queue, or spreads over <paramref name="count"/> queues from <paramref name="number"/> on.</summary>
    public static FirewallTarget ToQueue(ushort number, bool bypass, int count = 1, bool fanOut = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number + count - 1, ushort.MaxValue, nameof(count));
        return new() { Queue = number, QueueCount = count, Bypass = bypass, FanOut = fanOut };
    }
}
