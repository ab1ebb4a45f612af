using Interceptor.Capture.Injection;
using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>
/// Goes on with all connections of a set, in the calling thread's network namespace. All or none: until every socket is there in repair, nothing was sent, and a failure leaves images and lock as they
/// were; one behind that takes them back into a new set. One table (<see cref="Steps"/>) says what is done, what undoes it, and what a failure leaves. One object, one restore; one thread.
/// </summary>
public sealed partial class SessionSetRestore : IDisposable
{
    private readonly SessionRestoreOptions _options;
    private readonly SessionSet _set;
    private readonly List<SessionImage> _images = [];
    private readonly List<RestoredSocket> _sockets = [];
    private readonly List<SessionRestoreMark.Claim> _claims = [];
    private readonly List<AddressAnnouncer> _announcers = [];
    private readonly List<RawIpInjector> _injectors = [];
    private bool _isUnlocked;
    private string? _takenBack;

    private SessionSetRestore(SessionSet set, SessionRestoreOptions options)
    {
        _set = set;
        _options = options;
    }

    /// <summary>The table: every step there is, in order; which of them apply depends on the set and the options.</summary>
    public static IReadOnlyList<SessionStep> Steps => Table;

    /// <summary>Does it.</summary>
    /// <param name="directory">The set.</param>
    /// <param name="options">What else to say; null for nothing.</param>
    /// <returns>The connections, resumed; the caller owns them.</returns>
    /// <exception cref="CheckpointException">An image is bad or was restored before, or a step failed; the message names which.</exception>
    public static SessionSetRestored Resume(string directory, SessionRestoreOptions? options = null)
    {
        using var restore = new SessionSetRestore(SessionSet.Read(directory), options ?? new SessionRestoreOptions());
        var runner = new SessionStepRunner<SessionSetRestore>(Table, restore) { Observer = restore._options.StepObserver };
        if (runner.Run() is { } failure)
        {
            string? back = restore._takenBack;
            throw failure.ToException(
                "restore", isUndone: back is null, back is null ? SessionRestore.NotUndone : $"The connections are in the set {back}, under their lock: it can be restored.");
        }

        return new SessionSetRestored(restore._set, restore._sockets, restore._images) { LockRemoved = restore._isUnlocked, Steps = SessionCheckpointTiming.Of(runner.Times) };
    }

    /// <summary>What the restore itself needed; the connections are its caller's.</summary>
    public void Dispose()
    {
        _claims.ForEach(static claim => claim.Dispose());
        _announcers.ForEach(static announcer => announcer.Dispose());
        _injectors.ForEach(static injector => injector.Dispose());
    }

    /// <summary>Everything that would keep the set from being restored in the calling thread's network namespace, with the connection; touches nothing.</summary>
    /// <exception cref="CheckpointException">An image is bad.</exception>
    public static IReadOnlyList<CheckpointObstacle> Inspect(string directory, SessionRestoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        SessionSet set = SessionSet.Read(directory);
        var obstacles = new List<CheckpointObstacle>();
        foreach (SessionSetMember member in set.Members)
        {
            obstacles.AddRange(SessionRestore.Inspect(set.PathOf(member), options).Where(obstacle => obstacle.Code != "newer" || !member.CarriedOver)
                .Select(obstacle => obstacle with { Reason = $"{member.Local}-{member.Peer}: {obstacle.Reason}" }));
        }

        return !options.Force && SessionRestoreMark.ReadFrom(directory) is { } mark
            ? [.. obstacles, new CheckpointObstacle("restored", $"it was restored before ({mark})", "If those sockets are gone: --force.")]
            : obstacles;
    }
}
