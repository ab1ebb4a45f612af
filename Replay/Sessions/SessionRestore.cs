using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Injection;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>
/// Goes on with a session image from disk, in the calling thread's network namespace: restores the socket, removes the lock that kept its peer waiting,
/// and only then lets it send. A failure before that leaves image and lock as they were. Any thread.
/// </summary>
public static class SessionRestore
{
    /// <summary>Does it.</summary>
    /// <param name="directory">The image.</param>
    /// <param name="options">What else to say; null for nothing.</param>
    /// <returns>The connection, resumed; the caller owns it.</returns>
    /// <exception cref="CheckpointException">The image is bad or was restored before, or a step failed.</exception>
    /// <exception cref="CaptureFileException">The held packets, or those of <see cref="SessionRestoreOptions.PacketsFrom"/>, are damaged; nothing was changed.</exception>
    public static RestoredSession Resume(string directory, SessionRestoreOptions? options = null)
    {
        options ??= new SessionRestoreOptions();
        SessionImage image = WithPackets(SessionFiles.Read(directory, options.Key), options.PacketsFrom);
        using SessionRestoreMark.Claim claim = SessionRestoreMark.Take(directory, options.Force);

        // Its sockets take the kernel milliseconds.
        using AddressAnnouncer? announcer = options.Announce ? AddressAnnouncer.Open(image.Snapshot.Local.Address) : null;
        RestoredSocket restored = SessionRestorer.Restore(image, FirewallMatch.OwnMark);
        bool isUnlocked = false;
        try
        {
            bool isTracked = options.Track && Track(image, restored);
            isUnlocked = SessionLockRules.Remove(image, directory);
            Announce(announcer, restored);
            restored.Resume(probe: true);
            claim.Keep();
            ReinjectionCount reinjected = SessionReinjection.Run(image);
            if (reinjected.Failed > 0)
            {
                restored.AddWarning($"{reinjected.Failed} of {reinjected.Kept} held packets could not be delivered: their senders send them again.");
            }

            OfferWindow(image);
            return new RestoredSession(directory, options.Key, image, restored)
            {
                LockRemoved = isUnlocked,
                Reinjected = reinjected,
                TrackingInserted = isTracked,
                AnnouncedOn = announcer?.Interfaces ?? [],
            };
        }
        catch (Exception exception)
        {
            if (!restored.IsResumed && isUnlocked)
            {
                LockAgain(image, exception);
            }

            restored.Dispose();
            throw;
        }
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

    internal static void Announce(AddressAnnouncer? announcer, RestoredSocket restored)
    {
        if (announcer is not null && announcer.Announce() == 0)
        {
            restored.AddWarning($"{announcer.Address} was not announced: no Ethernet interface here carries it.");
        }
    }

    /// <summary>
    /// Tells the peer of the window: one that was answered with a window of zero meanwhile would learn of it by its next probe only, which may be minutes away, as the socket's own probe
    /// is too old to count as an update (net/ipv4/tcp_input.c, tcp_may_update_window). To a peer that knows, it is a repetition.
    /// </summary>
    private static void OfferWindow(SessionImage image)
    {
        TcpSnapshot snapshot = image.Snapshot;
        int window = snapshot.RcvWup + (int)snapshot.RcvWnd - snapshot.RcvNxt;
        if (window > 0 && snapshot.State is TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2)
        {
            using RawIpInjector injector = RawIpInjector.Open(snapshot.Local.Address.Version, FirewallMatch.OwnMark);
            injector.Send(WindowAnswer.Build(snapshot, (uint)window, SessionRestorer.RunningTimestamp(image), timestampEcho: 0));
        }
    }

    /// <summary>While the socket is still there, in repair: from its close on, the peer's next packet would be answered with a reset.</summary>
    private static void LockAgain(SessionImage image, Exception cause)
    {
        try
        {
            _ = SessionLockRules.Install(image.Snapshot.Local, image.Snapshot.Peer, SessionLockRules.IdOf(image.Lock!), networkNamespace: null);
        }
        catch (IOException exception)
        {
            throw new CheckpointException(
                "restore", $"{cause.Message} And the lock could not be put back: {exception.Message}",
                "The image is unchanged; without its lock the connection lasts until its peer sends something.", cause: cause);
        }
    }
}
