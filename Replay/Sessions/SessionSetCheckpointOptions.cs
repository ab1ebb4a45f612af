using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>How all connections of a process become one set of images.</summary>
public sealed record SessionSetCheckpointOptions
{
    /// <summary>The process; not this one.</summary>
    public required int Pid { get; init; }

    /// <summary>The directory to make; its parent must exist, itself not.</summary>
    public required string Directory { get; init; }

    /// <summary>An earlier set of the process: connections to which nothing happened since are carried over, of the others only what is new is written. Null writes everything.</summary>
    public string? BaseDirectory { get; init; }

    /// <summary>Leaves out what can't be checkpointed. Otherwise one such connection has all refused, before anything is touched.</summary>
    public bool Skip { get; init; }

    /// <inheritdoc cref="SessionCheckpointOptions.LeaveRunning"/>
    public bool LeaveRunning { get; init; }

    /// <inheritdoc cref="SessionCheckpointOptions.Lock"/>
    public SessionLockKind Lock { get; init; } = SessionLockKind.Hold;

    /// <summary>Ends the process once its connections are taken.</summary>
    public bool KillOwner { get; init; }

    /// <inheritdoc cref="SessionCheckpointOptions.LeaveOwnerStopped"/>
    public bool LeaveOwnerStopped { get; init; }

    /// <inheritdoc cref="SessionCheckpointOptions.Key"/>
    public SessionKey? Key { get; init; }

    /// <inheritdoc cref="SessionCheckpointOptions.GuardCommand"/>
    public IReadOnlyList<string>? GuardCommand { get; init; }

    /// <summary>Called before each original is closed, by tests: with the number of those that are.</summary>
    internal Action<int>? CloseObserver { get; init; }

    /// <summary>Called before each step (false) and after each that succeeded (true). Null: nobody.</summary>
    public Action<SessionStep, bool>? StepObserver { get; init; }
}
