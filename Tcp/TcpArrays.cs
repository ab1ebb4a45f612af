namespace Interceptor.Tcp;

/// <summary>The arrays that go from one connection of a tracker to the next. Threads: one at a time.</summary>
internal sealed class TcpArrays
{
    /// <summary>Segments of write queues.</summary>
    internal ArrayStock<QueuedSegment> Segments { get; } = new();

    /// <summary>Round-trip times, ns.</summary>
    internal ArrayStock<long> Times { get; } = new();
}
