using Interceptor.Checkpoint;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>A step of a checkpoint or of a restore.</summary>
/// <param name="Name">What was done.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record SessionCheckpointTiming(string Name, TimeSpan Elapsed)
{
    internal static IReadOnlyList<SessionCheckpointTiming> Of(IEnumerable<SessionStepTime> times) =>
        [.. times.Select(static time => new SessionCheckpointTiming(time.Step.Name, time.Elapsed))];
}

/// <summary>What a checkpoint did.</summary>
public sealed record SessionCheckpointResult
{
    /// <summary>The image as written.</summary>
    public required SessionImage Image { get; init; }

    /// <summary>Where it is.</summary>
    public required string Directory { get; init; }

    /// <summary>Bytes of all its files.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>The earlier image that it adds to; null for one that is whole by itself.</summary>
    public string? BaseDirectory { get; init; }

    /// <summary>
    /// From the lock (or, without one, the owner's stop) until the connection goes on; where it was taken away, until it was closed, and it
    /// stays frozen until the restore.
    /// </summary>
    public required TimeSpan Freeze { get; init; }

    /// <summary>Packets that were held during the freeze: released to a connection that goes on, or kept in the image of one that was taken away.</summary>
    public required int HeldPackets { get; init; }

    /// <summary>Every step, in order.</summary>
    public required IReadOnlyList<SessionCheckpointTiming> Steps { get; init; }

    /// <summary>The rules of ours that stay in the firewall until the restore, as <c>mangle/OUTPUT -> CHAIN</c>; empty where none do.</summary>
    public required IReadOnlyList<string> LockPlaces { get; init; }

    /// <summary>How long the peer waits for a connection that stays frozen; null where it sends nothing any more that needs an answer.</summary>
    public PeerPatience? PeerPatience { get; init; }

    /// <summary>Where the peer is to be kept: what does it, the caller's to run and to dispose. Null otherwise.</summary>
    public PeerKeeper? PeerKeeper { get; init; }

    /// <summary>Why there was no guard, or not until the end, although one was asked for; null otherwise.</summary>
    public string? GuardProblem { get; init; }
}
