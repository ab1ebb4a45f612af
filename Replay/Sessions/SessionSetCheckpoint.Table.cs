using System.Diagnostics;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <content>The table of steps and their bodies.</content>
public sealed partial class SessionSetCheckpoint
{
    private const string GoOn = "The connections go on with their owner.";
    private const string AreTaken = "The connections are in the set, and a lock in the firewall keeps their peers waiting.";

    private static readonly SessionStep<SessionSetCheckpoint>[] Table =
    [
        new("read base", false, "reads the index of the earlier set", static it => it.OpenBase(), "", null, GoOn, static it => it._options.BaseDirectory is not null),
        new("find", false, "finds every connection and listening socket, duplicates it and checks that its state can be taken whole, and that the set can be written",
            static it => it.Find(), "the duplicates are closed", static it => it._connections?.Dispose(), GoOn),
        new("start guard", false, "starts the process that puts things right should this one be killed",
            static it => it._guard = SessionGuard.Start(it._options.GuardCommand!), "it is sent away", static it => it._guard?.Dispose(), GoOn,
            static it => it._options.GuardCommand is not null),
        new("warm up", false, "runs the whole dump and restore once on a connection of its own", static _ => CheckpointWarmup.Run(), "", null, GoOn),
        new("open queues", false, "opens a queue for each direction, passing, for all connections",
            static it => it.OpenQueues(), "the queues are closed, what they have passes, and a lock is removed", static it => it.CloseQueues(), GoOn, static it => it.IsHeld),
        new("arm guard", false, "gives the guard duplicates of the owner's pidfd, the sockets and both queues",
            static it => it._guard!.Arm(SessionGuardOrder.For(it._connections!, it._hold, it._id, it._options.Directory)),
            "it is sent away", static it => it._guard?.Dismiss(), GoOn, static it => it._guard is not null),
        new("lock listeners", false, "drops who calls from here on, so that nobody waits to be accepted when a listening socket is dumped",
            static it => it.LockListeners(), "the rules are removed, unless the originals are closed", static it => it.RemoveLock(), GoOn,
            static it => it is { _options: { LeaveRunning: false, Lock: not SessionLockKind.None } } && it._taken.Exists(static one => one.Socket.IsListening)),
        new("install rules", false, "sends the connections' packets through the queues: the peers' at PREROUTING, the owner's at OUTPUT",
            static it => it._hold!.InstallRules(), "the rules are removed", static it => it._hold?.RemoveRules(), GoOn, static it => it.IsHeld),

        new("lock", true, "drops the connections' packets in both directions",
            static it => it.InstallLock(), "the rules are removed, unless the originals are closed", static it => it.RemoveLock(), GoOn,
            static it => it._options.Lock == SessionLockKind.Drop),
        new("hold", true, "holds the peers' packets, then the owner's",
            static it => it._hold!.Hold(), "they are released (those of closed originals are dropped: nobody is there to take them)",
            static it => it.Release(), GoOn, static it => it.IsHeld),
        new("stop owner", true, "stops every thread of the owner",
            static it => it._owner = it._connections!.StopOwner(), "it goes on", static it => it._owner?.Dispose(), GoOn),
        new("compare", true, "asks which connections saw a packet since the earlier set", static it => it.Compare(), "", null, GoOn, static it => it._before is not null),
        new("dump", true, "puts each connection into repair and reads its sequence numbers, queues, windows and options",
            static it => it.DumpAll(), "repair is left without a packet, the options are set again", static it => it._connections!.Dispose(), GoOn),

        // Left running: the connections first. The images are complete in memory.
        new("resume", true, "leaves repair, releases what was held or removes the lock, and lets the owner go on",
            static it => it.Resume(), "", null, GoOn, static it => it._options.LeaveRunning),
        new("remove rules", false, "removes the rules to the queues and closes them",
            static it => it.EndHold(), "", null, GoOn, static it => it._options.LeaveRunning && it.IsHeld),
        new("write images", false, "writes the set to disk", static it => it.WriteAll(), "", null, GoOn, static it => it._options.LeaveRunning),

        // Taken away: the disk first. Until the set is there, the originals are the only ones.
        new("lock", true, "drops from here on what comes, so that what is held is complete",
            static it => it.InstallLock(), "the rules are removed with the queues, unless the originals are closed", null, GoOn,
            static it => !it._options.LeaveRunning && it.IsHeld),
        new("write images", true, "writes the set to disk, with copies of what is held",
            static it => it.WriteTaken(), "it is deleted, unless the originals are closed", static it => it.DeleteSet(), GoOn, static it => !it._options.LeaveRunning),
        new("close originals", true, "dissolves the originals' associations without a packet",
            static it => it.CloseAll(), "", null, AreTaken, static it => !it._options.LeaveRunning),
        new("remove rules", false, "drops what is held, removes the rules to the queues and closes them",
            static it => it.EndHold(), "", null, AreTaken, static it => !it._options.LeaveRunning && it.IsHeld),
        new("end owner", false, "ends the owner (SIGKILL)",
            static it => it._owner?.Kill(TimeSpan.FromSeconds(2)), "", null, AreTaken, static it => it._options.KillOwner),
        new("leave owner", false, "lets the owner go on, without its connections, and closes the duplicates",
            static it => it.LeaveOwner(), "", null, AreTaken, static it => !it._options.LeaveRunning),
        new("dismiss guard", false, "sends the guard away", static it => it._guard!.Dismiss(), "", null, AreTaken, static it => it._guard is not null),
    ];

    private void OpenBase()
    {
        _before = SessionSet.Read(_options.BaseDirectory!);
        if (_before.KeyFingerprint != _options.Key?.Fingerprint)
        {
            throw new CheckpointException(
                "base", _before.KeyFingerprint is { } key
                    ? $"{_before.Directory} is encrypted (key {key}), and what is new must be, too, with the same: --encrypt."
                    : $"{_before.Directory} is not encrypted, and most of the bytes would stand open in it. Take a whole set, without --base.",
                "Nothing was changed.", CheckpointFailure.Refused);
        }
    }

    private void Find()
    {
        SessionImageDirectory.RequireCanCreate(_options.Directory);
        _connections = ProcessConnections.Attach(_options.Pid);
        RefuseIneligible();
        _namespace = _connections.OpenNamespace();
        if (_before is not null)
        {
            // Once here, so that nothing of it is compiled in the freeze.
            _ = _namespace.Run(SessionActivity.ReadAll);
        }

        Dictionary<(string, string), SessionSetMember> earlier = _before is not null && _before.BootId == PausedSocket.CurrentBootId
            ? _before.Members.DistinctBy(static member => (member.Local, member.Peer)).ToDictionary(static member => (member.Local, member.Peer))
            : [];
        // What listens first: its port is bound before those of its connections.
        foreach (PausedSocket socket in _connections.Sockets.OrderByDescending(static socket => socket.IsListening))
        {
            ulong cookie = socket.ReadCookie();
            earlier.TryGetValue((socket.Owner.Local.ToString(), socket.Owner.Peer.ToString()), out SessionSetMember? member);
            _taken.Add(new Taken(socket, member is not null && member.Activity.Cookie == cookie ? member : null) { Cookie = cookie });
            _hasConnections |= !socket.IsListening;
        }
    }

    private void RefuseIneligible()
    {
        IReadOnlyList<SessionLeftOut> left = _connections!.Ineligible;
        if (left.Count > 0 && !_options.Skip)
        {
            throw new CheckpointException(
                "check", $"{left.Count} of the connections of process {_options.Pid} can't be checkpointed: "
                + string.Join("; ", left.Take(10).Select(static one => $"{one.Local}-{one.Peer}: {one.Reason}")) + (left.Count > 10 ? "; ..." : "") + ". With --skip they are left out.",
                "Nothing was changed.", CheckpointFailure.Refused);
        }

        if (_connections.Sockets.Count == 0)
        {
            throw new CheckpointException(
                "check", $"none of the connections of process {_options.Pid} can be checkpointed.", "Nothing was changed.", CheckpointFailure.Refused);
        }
    }

    private void OpenQueues() => _hold = SessionHold.Open(
        _namespace!, [.. Ends(listening: false)], queues: null, InterceptionQueueFlags.None);

    /// <summary>The lock behind the queues: while one of ours is open, nft leaves an empty rest of it.</summary>
    private void CloseQueues()
    {
        _hold?.Close();
        RemoveLock();
    }

    private IEnumerable<(FlowEndpoint Local, FlowEndpoint Peer)> Ends(bool listening) =>
        _taken.Where(one => one.Socket.IsListening == listening).Select(static one => (one.Socket.Owner.Local, one.Socket.Owner.Peer));

    private void LockListeners() => _lock.AddRange(SessionLockRules.InstallAll(Ends(listening: true), _id, _namespace));

    private void InstallLock() => _lock.AddRange(SessionLockRules.InstallAll(Ends(listening: false), _id, _namespace));

    private void RemoveLock()
    {
        if (!_isClosing)
        {
            _lock.ForEach(static rules => rules.Remove());
            _lock.Clear();
        }
    }

    private void Release()
    {
        HashSet<FlowKey> closed = [.. _taken.Where(static one => one.Socket.IsClosed).Select(static one => one.Flow)];
        _hold!.Release(flow => closed.Contains(flow) || closed.Contains(flow.Reversed));
    }

    /// <summary>One question for all, which touches no socket.</summary>
    private void Compare()
    {
        Dictionary<(FlowEndpoint, FlowEndpoint), SessionActivity> now = _namespace!.Run(SessionActivity.ReadAll);
        foreach (Taken one in _taken)
        {
            one.IsUnchanged = one.Earlier is { } earlier
                && now.TryGetValue((one.Socket.Owner.Local, one.Socket.Owner.Peer), out SessionActivity activity) && activity == earlier.Activity;
        }
    }

    private void DumpAll()
    {
        _cutNanoseconds = Clock.RealtimeNanoseconds();
        int asked = _taken.Count;
        foreach (Taken one in _taken.ToList())
        {
            // A connection that goes on and saw nothing is not touched at all.
            if (one.IsUnchanged && _options.LeaveRunning)
            {
                continue;
            }

            long start = Stopwatch.GetTimestamp();
            try
            {
                one.Socket.Pause();
                one.Image = one.IsUnchanged ? null : one.Socket.Dump();
                _dumpTimes.Add(Stopwatch.GetElapsedTime(start));
            }
            catch (CheckpointException exception) when (_options.Skip || (_options.LeaveRunning && one.Socket.IsListening))
            {
                _connections!.LeaveOut(one.Socket, exception.Message);
                _taken.Remove(one);
            }
        }

        if (_lock.Count > 0 && _taken.Count < asked)
        {
            // What was left out since is not to be dropped any more. Of held connections there is no lock yet.
            FirewallRules[] old = [.. _lock];
            _lock.Clear();
            if (!_options.LeaveRunning)
            {
                LockListeners();
            }

            if (_options.Lock == SessionLockKind.Drop)
            {
                InstallLock();
            }

            Array.ForEach(old, static rules => rules.Remove());
        }
    }

    private void Resume()
    {
        foreach (Taken one in _taken)
        {
            one.Socket.Dispose();
        }

        _held = _hold?.ReleaseAll() ?? 0;
        RemoveLock();
        _owner?.Dispose();
        _guard?.Resumed();
    }

    private void EndHold()
    {
        Release();
        _hold!.RemoveRules();
        _hold.Close();
    }

    private void WriteTaken()
    {
        ILookup<FlowKey, HeldSessionPacket>? held = _hold?.CopyHeldByConnection();
        SessionLock? sessionLock = _lock.Count == 0 ? null : new SessionLock(FirewallOwner.Lock(_id).ToString(), "drop");
        foreach (Taken one in _taken)
        {
            IReadOnlyList<HeldSessionPacket> packets = held is null ? [] : [.. held[one.Flow]];
            if (one.Image is null && packets.Count > 0)
            {
                one.Image = one.Socket.Dump();
            }

            one.Image = one.Image is { } image ? Completed(image, packets) with { Lock = sessionLock } : null;
            _held += packets.Count;
        }

        WriteAll();
    }

    /// <summary>With what was held, and brought up to what its socket sent behind the cut.</summary>
    private static SessionImage Completed(SessionImage image, IReadOnlyList<HeldSessionPacket> packets)
    {
        TcpSnapshot snapshot = image.Snapshot;
        foreach (HeldSessionPacket packet in packets.Where(static packet => !packet.IsInbound))
        {
            snapshot = TcpSnapshotPatch.Apply(snapshot, packet.IpPacket.Span, packet.IpPacket.Length);
        }

        return image with { Snapshot = snapshot, HeldPackets = packets };
    }

    private void WriteAll()
    {
        using SessionSetWriter writer = SessionSetWriter.Create(_options.Directory, _options.Key, _before);
        foreach (Taken one in _taken)
        {
            if (one.Image is { } image)
            {
                SessionFiles.Add(writer, image, SessionActivity.Of(image, one.Cookie), one.Earlier);
            }
            else
            {
                writer.CarryOver(one.Earlier!);
            }
        }

        SessionLock? sessionLock = _lock.Count == 0 || _options.LeaveRunning ? null : new SessionLock(FirewallOwner.Lock(_id).ToString(), "drop");
        _set = writer.Commit(_id, _options.Pid, sessionLock, _connections!.Ineligible, _cutNanoseconds);
    }

    /// <summary>The connections go on, and images that say otherwise would mislead.</summary>
    private void DeleteSet()
    {
        if (_set is not null && !_isClosing)
        {
            SessionImageDirectory.Delete(_options.Directory);
        }
    }

    /// <summary>From the first on there is no way back: what fails to close is said, and goes on beside its image.</summary>
    private void CloseAll()
    {
        _isClosing = true;
        var failures = new List<CheckpointException>();
        for (int i = 0; i < _taken.Count; i++)
        {
            _options.CloseObserver?.Invoke(i);
            try
            {
                _taken[i].Socket.CloseSilently();
            }
            catch (CheckpointException exception)
            {
                failures.Add(exception);
            }
        }

        if (failures.Count > 0)
        {
            throw new CheckpointException(
                "close silently", $"{failures.Count} of {_taken.Count} connections could not be closed: {failures[0].Message}", AreTaken, cause: failures[0]);
        }
    }

    private void LeaveOwner()
    {
        if (_options.LeaveOwnerStopped)
        {
            _owner?.LeaveStopped();
        }

        _owner?.Dispose();
        _connections!.Dispose();
    }
}
