using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Injection;
using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>
/// Goes on with a session image from disk, in the calling thread's network namespace: restores the socket, removes the lock that kept its peer waiting,
/// and only then lets it send. A failure leaves image and lock as they were; one behind the moment from which it sends takes the connection back into the image.
/// <para>One table (<see cref="Steps"/>) says what is done, what undoes it, and what a failure leaves.</para>
/// <para>Threads: any; one restore each.</para>
/// </summary>
public sealed partial class SessionRestore : IDisposable
{
    private readonly string _directory;
    private readonly SessionRestoreOptions _options;
    private SessionImage? _image;
    private SessionRestoreMark.Claim? _claim;
    private RawIpInjector? _injector;
    private AddressAnnouncer? _announcer;
    private RestoredSocket? _socket;
    private RestoredSession? _session;
    private ReinjectionCount _reinjected;
    private bool _isTracked;
    private bool _isUnlocked;

    private SessionRestore(string directory, SessionRestoreOptions options)
    {
        _directory = directory;
        _options = options;
    }

    /// <summary>The table: every step there is, in order; which of them apply depends on the image and the options.</summary>
    public static IReadOnlyList<SessionStep> Steps => Table;

    /// <summary>Does it.</summary>
    /// <param name="directory">The image.</param>
    /// <param name="options">What else to say; null for nothing.</param>
    /// <returns>The connection, resumed; the caller owns it.</returns>
    /// <exception cref="CheckpointException">The image is bad or was restored before, or a step failed.</exception>
    /// <exception cref="CaptureFileException">The held packets, or those of <see cref="SessionRestoreOptions.PacketsFrom"/>, are damaged; nothing was changed.</exception>
    public static RestoredSession Resume(string directory, SessionRestoreOptions? options = null)
    {
        using var restore = new SessionRestore(directory, options ?? new SessionRestoreOptions());
        var runner = new SessionStepRunner<SessionRestore>(Table, restore) { Observer = restore._options.StepObserver };
        if (runner.Run() is { } failure)
        {
            throw failure.ToException("restore", isUndone: true, NotUndone);
        }

        return new RestoredSession(directory, restore._options.Key, restore.Image, restore.Socket)
        {
            LockRemoved = restore._isUnlocked,
            Reinjected = restore._reinjected,
            TrackingInserted = restore._isTracked,
            AnnouncedOn = restore._announcer?.Interfaces ?? [],
            Steps = SessionCheckpointTiming.Of(runner.Times),
        };
    }

    /// <summary>What the restore itself needed; the connection is its caller's.</summary>
    public void Dispose()
    {
        _claim?.Dispose();
        _announcer?.Dispose();
        _injector?.Dispose();
    }

    /// <summary>Everything that would keep an image from being restored in the calling thread's network namespace; touches nothing.</summary>
    /// <exception cref="CheckpointException">The image is bad.</exception>
    public static IReadOnlyList<CheckpointObstacle> Inspect(string directory, SessionRestoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<CheckpointObstacle> obstacles = [.. RestorePreflight.Inspect(SessionFiles.Read(directory, options.Key))];
        if (!options.Force && SessionRestoreMark.ReadFrom(directory) is { } mark)
        {
            obstacles.Add(new CheckpointObstacle("restored", $"it was restored before ({mark})", "If that socket is gone: --force."));
        }

        if (!options.Force && SessionNewerImages.FindFrom(directory) is [.., { } newer])
        {
            obstacles.Add(new CheckpointObstacle(
                "newer", $"it is the base of a newer image ({newer}): the connection went on behind it", "Restore the newer one. If the connection has stood still since: --force."));
        }

        return obstacles;
    }

    /// <summary>First, as they come from before the freeze: what was held then only fills their gaps.</summary>
    internal static SessionImage WithPackets(SessionImage image, string? capture)
    {
        if (capture is null)
        {
            return image;
        }

        using CaptureFileReader reader = CaptureFile.OpenRead(capture);
        return image with { HeldPackets = [.. PeerPackets.Read(reader, image.Snapshot), .. image.HeldPackets] };
    }

    /// <summary>True if connection tracking was told of the connection.</summary>
    internal static bool Track(SessionImage image, RestoredSocket restored)
    {
        TrackingOutcome outcome = ConnectionTracking.Ensure(image.Snapshot, out string reason);
        if (outcome == TrackingOutcome.Refused && ConnectionTracking.IsStrict)
        {
            restored.AddWarning($"connection tracking does not know the connection and took no entry for it: {reason} Rules that drop what is INVALID will end it; net.netfilter.nf_conntrack_tcp_loose=1 helps.");
        }

        return outcome == TrackingOutcome.Inserted;
    }

    internal static void Announce(AddressAnnouncer announcer, RestoredSocket restored)
    {
        if (announcer.Announce() == 0)
        {
            restored.AddWarning($"{announcer.Address} was not announced: no Ethernet interface here carries it.");
        }
    }
}
