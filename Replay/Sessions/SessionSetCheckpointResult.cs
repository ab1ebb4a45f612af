using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>What a checkpoint of all connections of a process did.</summary>
public sealed record SessionSetCheckpointResult
{
    /// <summary>The set as written.</summary>
    public required SessionSet Set { get; init; }

    /// <summary>Bytes of all files in its directory; what was carried over is not among them.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>How many connections were carried over from the earlier set.</summary>
    public required int CarriedOver { get; init; }

    /// <summary>As <see cref="SessionCheckpointResult.Freeze"/>, for all of them.</summary>
    public required TimeSpan Freeze { get; init; }

    /// <summary>How long the connections took that were paused and dumped, each.</summary>
    public required IReadOnlyList<TimeSpan> DumpTimes { get; init; }

    /// <summary>Packets that were held during the freeze, of all connections.</summary>
    public required int HeldPackets { get; init; }

    /// <summary>Every step, in order.</summary>
    public required IReadOnlyList<SessionCheckpointTiming> Steps { get; init; }

    /// <summary>The rules of ours that stay in the firewall until the restore; empty where none do.</summary>
    public required IReadOnlyList<string> LockPlaces { get; init; }

    /// <inheritdoc cref="SessionCheckpointResult.GuardProblem"/>
    public string? GuardProblem { get; init; }
}
