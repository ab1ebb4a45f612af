using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>A step that was executed.</summary>
/// <param name="Name">Its name in the table.</param>
/// <param name="IsFrozen">True if the connection was frozen meanwhile.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record SessionMoveTiming(string Name, bool IsFrozen, TimeSpan Elapsed);

/// <summary>Packets of one direction.</summary>
/// <param name="Held">Held during the freeze: the sum of the others.</param>
/// <param name="Reinjected">Let go on.</param>
/// <param name="Dropped">Dropped by choice: the new socket sends them again if need be.</param>
/// <param name="Lost">No longer in the kernel when they were to go on.</param>
public readonly record struct SessionMoveCount(int Held, int Reinjected, int Dropped, int Lost);

/// <summary>What a move did.</summary>
public sealed record SessionMoveResult
{
    /// <summary>Every step, in order.</summary>
    public required IReadOnlyList<SessionMoveTiming> Steps { get; init; }

    /// <summary>From the first packet that could be held to the last one released.</summary>
    public required TimeSpan Freeze { get; init; }

    /// <summary>The peer's packets.</summary>
    public required SessionMoveCount Inbound { get; init; }

    /// <summary>The old owner's packets.</summary>
    public required SessionMoveCount Outbound { get; init; }

    /// <summary>The image, with copies of the held packets.</summary>
    public required SessionImage Image { get; init; }

    /// <summary>What could not be taken along; for people.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Why there was no guard, or not until the end, although one was asked for; null otherwise.</summary>
    public string? GuardProblem { get; init; }
}
