namespace Interceptor.Tcp;

/// <summary>What a <see cref="TcpTracker"/> does besides following the connections.</summary>
public sealed record TcpTrackerOptions
{
    /// <summary>Hash each stream with SHA-256, as the contract of the command line has it. Without it and without a consumer no byte is copied. Default: true.</summary>
    public bool HashStreams { get; init; } = true;

    /// <summary>
    /// Bytes that the connections and their queues may take, as the tracker counts them; when there are more, connections are evicted
    /// (<see cref="TcpTracker"/> says which). Holds only where a sink takes what is evicted. Default: 384 MiB.
    /// </summary>
    public long MaximumBytes { get; init; } = 384L * 1024 * 1024;

    /// <summary>
    /// With a sink and without an observer: keep a connection of which one SYN was seen as a short note, in a tenth of the room; it is in
    /// <see cref="TcpTracker.Connections"/> once more of it came. Default: true.
    /// </summary>
    public bool NotesLoneSyns { get; init; } = true;
}
