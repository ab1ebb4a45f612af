using Interceptor.Capture.Injection;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <content>The table of steps and their bodies.</content>
public sealed partial class SessionSetRestore
{
    private const string InImages = "The connections are in their images, under their lock: the restore can be tried again.";
    private const string TakenBack = "The connections are in a new set, under a lock.";
    private const string Live = "The connections go on.";

    private static readonly SessionStep<SessionSetRestore>[] Table =
    [
        new("read images", false, "reads all images, and the packets that are given to them besides",
            static restore => restore.ReadAll(), "", null, InImages),
        new("claim", false, "marks the set and each of its images as restored",
            static restore => restore.Claim(), "the marks are removed", static restore => restore._claims.ForEach(static claim => claim.Dispose()), InImages),
        new("open announcers", false, "opens the sockets that addresses are announced by, which takes the kernel milliseconds",
            static restore => restore.OpenAnnouncers(), "", null, InImages, static restore => restore._options.Announce),

        new("restore", true, "builds each socket from its image, in repair",
            static restore => restore.RestoreAll(), "they are closed without a packet",
            static restore => restore._sockets.ForEach(static socket => socket.Dispose()), InImages),
        new("open injectors", true, "opens the sockets that their packets are sent by",
            static restore => restore.OpenInjectors(), "", null, InImages),
        new("track", true, "tells connection tracking of the connections that it does not know",
            static restore => restore.TrackAll(), "", null, InImages, static restore => restore._options.Track),
        new("remove lock", true, "removes the rules that kept the peers waiting",
            static restore => restore._isUnlocked = SessionLockRules.Remove(restore._set.Lock!),
            "they are installed again, before the sockets are closed: from then on a peer's next packet would be answered with a reset",
            static restore => restore.LockAgain(), InImages, static restore => restore._set.Lock is not null),
        new("announce", true, "tells the neighbours that the connections' addresses are here",
            static restore => restore.Announce(), "", null, InImages, static restore => restore._announcers.Count > 0),
        new("resume", true, "lets each leave repair with a window probe, writes its unsent tail, sets its options",
            static restore => restore.ResumeAll(), "all are locked, closed without a packet, and taken back into a new set with what they received meanwhile",
            static restore => restore.TakeBack(), TakenBack),

        new("reinject", false, "gives each the packets that were held for it, cut down to what it lacks",
            static restore => restore.Reinject(), "", null, TakenBack),
        new("keep marks", false, "leaves the images marked as restored, on disk",
            static restore => restore.MakeMarksDurable(), "", null, Live),
    ];

    private void ReadAll()
    {
        foreach (SessionSetMember member in _set.Members)
        {
            SessionImage image = SessionFiles.Read(_set, member, _options.Key);
            _images.Add(IsConnection(image) ? SessionRestore.WithPackets(image, _options.PacketsFrom) : image);
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

    private void OpenAnnouncers() => _announcers.AddRange(_images.Where(IsConnection).Select(static image => image.Snapshot.Local.Address).Distinct().Select(AddressAnnouncer.Open));

    /// <summary>One for each IP version that is needed.</summary>
    private void OpenInjectors() =>
        _injectors.AddRange(_images.Where(static image => image.HeldPackets.Count > 0).Select(static image => image.Snapshot.Local.Address.Version).Distinct()
            .Select(static version => RawIpInjector.Open(version, FirewallMatch.OwnMark)));

    /// <summary>What one address has to say goes with the first of its connections.</summary>
    private void Announce() =>
        _announcers.ForEach(announcer => SessionRestore.Announce(announcer, _sockets[_images.FindIndex(image => IsConnection(image) && image.Snapshot.Local.Address == announcer.Address)]));

    private void TrackAll()
    {
        for (int i = 0; i < _images.Count; i++)
        {
            if (IsConnection(_images[i]))
            {
                _ = SessionRestore.Track(_images[i], _sockets[i]);
            }
        }
    }

    /// <summary>What listens has no peer, and often no address.</summary>
    private static bool IsConnection(SessionImage image) => image.Snapshot.State != TcpState.Listen;

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
        }
    }

    private void Reinject()
    {
        for (int i = 0; i < _images.Count; i++)
        {
            if (_sockets[i].IsResumed && _images[i].HeldPackets.Count > 0)
            {
                ReinjectionCount reinjected = SessionReinjection.Run(_images[i], _injectors.Find(injector => injector.IpVersion == _images[i].Snapshot.Local.Address.Version)!);
                if (reinjected.Failed > 0)
                {
                    _sockets[i].AddWarning(
                        $"{reinjected.Failed} of {reinjected.Kept} held packets of {_images[i].Snapshot.Local}-{_images[i].Snapshot.Peer} could not be delivered: their senders send them again.");
                }
            }
        }
    }

    /// <summary>While the sockets are still there, in repair; those that had gone on were taken back, with a lock of their own.</summary>
    private void LockAgain()
    {
        if (_isUnlocked && _takenBack is null && !_sockets.Exists(static socket => socket.IsResumed))
        {
            _ = SessionLockRules.InstallAll(_images.Select(static image => (image.Snapshot.Local, image.Snapshot.Peer)), SessionLockRules.IdOf(_set.Lock!), networkNamespace: null);
        }
    }

    /// <summary>All that go on; the old set stays marked, as it is what they were before.</summary>
    private void TakeBack()
    {
        int[] going = [.. Enumerable.Range(0, _sockets.Count).Where(i => _sockets[i].IsResumed)];
        if (going.Length > 0)
        {
            var restored = new SessionSetRestored(_set, [.. going.Select(i => _sockets[i])], [.. going.Select(i => _images[i])]) { Steps = [] };
            _takenBack = restored.TakeBack(_options.Key).Directory;
            KeepMarks();
        }
    }

    private void KeepMarks() => _claims.ForEach(static claim => claim.Keep());

    private void MakeMarksDurable()
    {
        KeepMarks();
        try
        {
            DurableFile.FlushFileSystem(_set.Directory);
        }
        catch (IOException exception)
        {
            // They go on, which a mark that a crash of the machine loses does not change.
            _sockets[0].AddWarning($"the marks that the images were restored are not on disk yet: {exception.Message}");
        }
    }
}
