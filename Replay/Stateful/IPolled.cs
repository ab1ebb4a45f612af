namespace Interceptor.Replay.Stateful;

/// <summary>Something that an <see cref="EventLoop"/> wakes. Its thread is the loop's.</summary>
internal interface IPolled
{
    /// <summary>When it wants to be woken next, ns of the monotonic clock; <see cref="long.MaxValue"/> for never. Looked at after each wake-up.</summary>
    long Wake { get; }

    /// <summary>Its descriptor has something, or its time has come.</summary>
    /// <param name="events">What the descriptor has; 0 for the time.</param>
    /// <param name="now">The time.</param>
    void Run(uint events, long now);
}
