using System.Diagnostics;
using Interceptor.Capture.Injection;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Goes on with all connections of a set, in the calling thread's network namespace. All or none: until every socket is there in repair, nothing was sent, and a failure leaves images and lock as they
/// were. One object, one restore; one thread.
/// </summary>
public sealed class SessionSetRestore
{
    private readonly SessionRestoreOptions _options;
    private readonly SessionSet _set;
    private readonly List<SessionImage> _images = [];
    private readonly List<RestoredSocket> _sockets = [];
    private readonly List<SessionRestoreMark.Claim> _claims = [];
    private readonly List<SessionCheckpointTiming> _steps = [];
    private readonly List<AddressAnnouncer> _announcers = [];
    private bool _isUnlocked;

    private SessionSetRestore(SessionSet set, SessionRestoreOptions options)
    {
        _set = set;
        _options = options;
    }

    /// <summary>Does it.</summary>
    /// <param name="directory">The set.</param>
    /// <param name="options">What else to say; null for nothing.</param>
    /// <returns>The connections, resumed; the caller owns them.</returns>
    /// <exception cref="CheckpointException">An image is bad or was restored before, or a step failed; the message names which.</exception>
    public static SessionSetRestored Resume(string directory, SessionRestoreOptions? options = null)
    {
        var restore = new SessionSetRestore(SessionSet.Read(directory), options ?? new SessionRestoreOptions());
        try
        {
            return restore.Execute();
        }
        catch (Exception exception)
        {
            restore.Undo(exception);
            throw;
        }
        finally
        {
            restore._claims.ForEach(static claim => claim.Dispose());
            restore._announcers.ForEach(static announcer => announcer.Dispose());
        }
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

    private SessionSetRestored Execute()
    {
        Timed("read", ReadAll);
        Timed("claim", Claim);
        if (_options.Announce)
        {
            Timed("open announcers", OpenAnnouncers);
        }

        Timed("restore", RestoreAll);
        if (_options.Track)
        {
            Timed("track", TrackAll);
        }

        if (_set.Lock is { } sessionLock)
        {
            Timed("remove lock", () => _isUnlocked = SessionLockRules.Remove(sessionLock));
        }

        // Each address once, and what it has to say with the first of its connections.
        _announcers.ForEach(announcer => SessionRestore.Announce(announcer, _sockets[_images.FindIndex(image => image.Snapshot.Local.Address == announcer.Address)]));
        Timed("resume", ResumeAll);
        Timed("deliver", Reinject);
        Timed("mark", () => DurableFile.FlushFileSystem(_set.Directory));
        return new SessionSetRestored(_set, _sockets, _images) { LockRemoved = _isUnlocked, Steps = _steps };
    }

    private void ReadAll()
    {
        foreach (SessionSetMember member in _set.Members)
        {
            _images.Add(SessionRestore.WithPackets(SessionFiles.Read(_set, member, _options.Key), _options.PacketsFrom));
        }
    }

    /// <summary>The set, and each of its images, so that none is restored by itself besides.</summary>
    private void Claim()
    {
        _claims.Add(SessionRestoreMark.Take(_set.Directory, _options.Force));
        foreach (SessionSetMember member in _set.Members)
        {
            // One that was carried over stands in an earlier set, which is older for its other connections only.
            bool isForced = _options.Force || (member.CarriedOver && SessionRestoreMark.ReadFrom(_set.PathOf(member)) is null);
            _claims.Add(SessionRestoreMark.Take(_set.PathOf(member), isForced, isDurable: false));
        }
    }

    /// <summary>Their sockets take the kernel milliseconds.</summary>
    private void OpenAnnouncers()
    {
        foreach (IpAddress address in _images.Select(static image => image.Snapshot.Local.Address).Distinct())
        {
            _announcers.Add(AddressAnnouncer.Open(address));
        }
    }

    private void TrackAll()
    {
        for (int i = 0; i < _images.Count; i++)
        {
            _ = SessionRestore.Track(_images[i], _sockets[i]);
        }
    }

    private void RestoreAll()
    {
        foreach (SessionImage image in _images)
        {
            try
            {
                _sockets.Add(SessionRestorer.Restore(image, FirewallMatch.OwnMark));
            }
            catch (CheckpointException exception)
            {
                throw new CheckpointException(
                    exception.Step, $"{image.Snapshot.Local}-{image.Snapshot.Peer}: {exception.Message}", "None of the set was restored.", exception.Failure, exception);
            }
        }
    }

    /// <summary>From the first that goes on there is no way back: one that fails later does not end the others. It is said, and its descriptor is one of a connection that does not go on.</summary>
    private void ResumeAll()
    {
        for (int i = 0; i < _sockets.Count; i++)
        {
            try
            {
                _sockets[i].Resume(probe: true);
            }
            catch (CheckpointException exception) when (i > 0)
            {
                _sockets[i].AddWarning($"{_images[i].Snapshot.Local}-{_images[i].Snapshot.Peer} does not go on: {exception.Message}");
            }

            if (i == 0)
            {
                _claims.ForEach(static claim => claim.Keep());
            }
        }
    }

    private void Reinject()
    {
        for (int i = 0; i < _images.Count; i++)
        {
            if (_sockets[i].IsResumed && _images[i].HeldPackets.Count > 0)
            {
                ReinjectionCount reinjected = SessionReinjection.Run(_images[i]);
                if (reinjected.Failed > 0)
                {
                    _sockets[i].AddWarning(
                        $"{reinjected.Failed} of {reinjected.Kept} held packets of {_images[i].Snapshot.Local}-{_images[i].Snapshot.Peer} could not be delivered: their senders send them again.");
                }
            }
        }
    }

    /// <summary>While the sockets are still there, in repair: from their close on, the peers' next packets would be answered with resets.</summary>
    private void Undo(Exception cause)
    {
        bool isResumed = _sockets.Exists(static socket => socket.IsResumed);
        try
        {
            if (_isUnlocked && !isResumed)
            {
                IReadOnlyList<(FlowEndpoint, FlowEndpoint)> ends = [.. _images.Select(static image => (image.Snapshot.Local, image.Snapshot.Peer))];
                _ = SessionLockRules.Install(ends, SessionLockRules.IdOf(_set.Lock!), networkNamespace: null);
            }
        }
        catch (IOException exception)
        {
            throw new CheckpointException(
                "restore", $"{cause.Message} And the lock could not be put back: {exception.Message}",
                "The images are unchanged; without their lock the connections last until their peers send something.", cause: cause);
        }
        finally
        {
            _sockets.ForEach(static socket => socket.Dispose());
        }
    }

    private void Timed(string name, Action step)
    {
        long start = Stopwatch.GetTimestamp();
        step();
        _steps.Add(new SessionCheckpointTiming(name, Stopwatch.GetElapsedTime(start)));
    }
}
