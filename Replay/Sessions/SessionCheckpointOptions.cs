using Interceptor.Checkpoint;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>Which connection becomes an image on disk, and what is left of the original.</summary>
public sealed record SessionCheckpointOptions
{
    /// <summary>The process that has the connection.</summary>
    public required int Pid { get; init; }

    /// <summary>The process's end.</summary>
    public required FlowEndpoint Local { get; init; }

    /// <summary>The other end.</summary>
    public required FlowEndpoint Peer { get; init; }

    /// <summary>The directory to make; its parent must exist, itself not.</summary>
    public required string Directory { get; init; }

    /// <summary>An earlier image of the connection, of which the new one has only what is new since; null writes everything.</summary>
    public string? BaseDirectory { get; init; }

    /// <summary>True: the connection goes on with its process, and the image is a copy of that instant. False: the connection is taken away from it.</summary>
    public bool LeaveRunning { get; init; }

    /// <summary>
    /// With <see cref="LeaveRunning"/>: how long the freeze lasts at least, so that one sees what it does to the program; it ends sooner when <see cref="EndFreeze"/> is cancelled.
    /// </summary>
    public TimeSpan FreezeFor { get; init; }

    /// <summary>
    /// Answers the peer while nobody else does, so that it does not give up: within a <see cref="FreezeFor"/> (of <see cref="SessionLockKind.Hold"/>), or, where the connection is taken away, by
    /// <see cref="SessionCheckpointResult.PeerKeeper"/>.
    /// </summary>
    public bool KeepPeerAlive { get; init; }

    /// <summary>Cancelled to end a <see cref="FreezeFor"/> at once: the checkpoint then goes on to its end.</summary>
    public CancellationToken EndFreeze { get; init; }

    /// <summary>
    /// What becomes of the connection's packets during the dump. Where the connection is taken away, <see cref="SessionLockKind.Hold"/> and
    /// <see cref="SessionLockKind.Drop"/> both leave rules that drop them until the restore, as the kernel would answer the peer with a reset.
    /// <see cref="SessionLockKind.None"/> is for someone who sees to that by other means.
    /// </summary>
    public SessionLockKind Lock { get; init; } = SessionLockKind.Hold;

    /// <summary>Ends the process once its connection is taken. Otherwise it goes on and gets errors from its descriptor.</summary>
    public bool KillOwner { get; init; }

    /// <summary>Leaves the process stopped (SIGSTOP) once its connection is taken, so that it does not see its descriptor fail; SIGCONT lets it go on.</summary>
    public bool LeaveOwnerStopped { get; init; }

    /// <summary>What the image is encrypted with; null leaves it readable. Stays the caller's.</summary>
    public SessionKey? Key { get; init; }

    /// <summary>
    /// A program with its first arguments that runs <see cref="SessionGuardian.Run"/> on its standard streams (<c>interceptor guard-session</c> does, or a program of the caller's own):
    /// a second process, which puts things right if this one is killed in between. Null: there is none.
    /// </summary>
    public IReadOnlyList<string>? GuardCommand { get; init; }

    /// <summary>Called before each step (false) and after each that succeeded (true), by tests: what it throws is that step's failure.</summary>
    internal Action<SessionStep, bool>? StepObserver { get; init; }
}
