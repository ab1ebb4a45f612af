namespace Interceptor.Tcp;

/// <summary>What a <see cref="TcpTracker"/> does besides following the connections.</summary>
public sealed record TcpTrackerOptions
{
    /// <summary>Hash each stream with SHA-256, as the contract of the command line has it. Without it and without a consumer no byte is copied. Default: true.</summary>
    public bool HashStreams { get; init; } = true;
}
