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

    /// <summary>Queues that flows are spread over by a hash of the addresses, the same for both directions.</summary>
    public int QueueCount { get; private init; } = 1;

    /// <summary>True: packets pass unseen while nobody listens on the queue. False: they are dropped then.</summary>
    public bool Bypass { get; private init; }

    /// <summary>Sends to one queue, or spreads over <paramref name="count"/> queues from <paramref name="number"/> on.</summary>
    public static FirewallTarget ToQueue(ushort number, bool bypass, int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number + count - 1, ushort.MaxValue, nameof(count));
        return new() { Queue = number, QueueCount = count, Bypass = bypass };
    }
}
