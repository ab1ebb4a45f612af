using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <content>The table of steps and their bodies.</content>
public sealed partial class SessionCheckpoint
{
    private const string GoesOn = "The connection goes on with its owner.";
    private const string Taken = "The connection is in the image, and a lock in the firewall keeps its peer waiting.";

    private static readonly SessionStep<SessionCheckpoint>[] Table =
    [
        new("read base", false, "reads and checks the chain of images that the new one adds to", static it => it.OpenBase(), "", null, GoesOn,
            static it => it._options.BaseDirectory is not null),
        new("find", false, "finds the socket, duplicates it and checks that its state can be taken whole, and that the image can be written",
            static it => it.Find(), "the duplicate is closed", static it => it._socket?.Dispose(), GoesOn),
        new("start guard", false, "starts the process that puts things right should this one be killed",
            static it => it._guard = SessionGuard.Start(it._options.GuardCommand!), "it is sent away", static it => it._guard?.Dispose(), GoesOn,
            static it => it._options.GuardCommand is not null && it._options.Pid != Environment.ProcessId),
        new("warm up", false, "runs the whole dump and restore once on a connection of its own", static _ => CheckpointWarmup.Run(), "", null, GoesOn),
        new("open queues", false, "opens a queue for each direction, passing",
            static it => it.OpenQueues(), "the queues are closed, what they have passes", static it => it._hold?.Close(), GoesOn, static it => it.IsHeld),
        new("arm guard", false, "gives the guard duplicates of the owner's pidfd, the socket and both queues",
            static it => it._guard!.Arm(SessionGuardOrder.For(it._socket!, it._hold, it._id, it._options.Directory)),
            "it is sent away", static it => it._guard?.Dismiss(), GoesOn, static it => it._guard is not null),
        new("install rules", false, "sends the connection's packets through the queues: the peer's at PREROUTING, the owner's at OUTPUT",
            static it => it._hold!.InstallRules(), "the rules are removed", static it => it._hold?.RemoveRules(), GoesOn, static it => it.IsHeld),

        new("lock", true, "drops the connection's packets in both directions",
            static it => it.InstallLock(), "the rules are removed, unless the original is closed", static it => it.RemoveLock(), GoesOn,
            static it => it.IsLocked),
        new("hold", true, "holds the peer's packets, then the owner's",
            static it => it._hold!.Hold(), "they are released (dropped once the original is closed: nobody is there to take them)",
            static it => it.UndoHold(), GoesOn, static it => it.IsHeld),
        new("stop owner", true, "stops every thread of the owner",
            static it => it._owner = it._socket!.StopOwner(), "it goes on", static it => it._owner?.Dispose(), GoesOn,
            static it => it._options.Pid != Environment.ProcessId),
        new("pause socket", true, "saves the socket's options and puts it into repair",
            static it => it._socket!.Pause(), "repair is left without a packet, its options are set again", static it => it._socket?.Dispose(), GoesOn),
        new("dump", true, "reads sequence numbers, queues, windows and options",
            static it => it.Dump(), "", null, GoesOn),

        new("keep frozen", true, "waits, where a longer freeze was asked for",
            static it => it.KeepFrozen(), "", null, GoesOn, static it => it._options.LeaveRunning && it._options.FreezeFor > TimeSpan.Zero),

        // Left running: the connection first. Writing to disk takes longer than everything else, and the image is complete in memory.
        new("resume", true, "leaves repair, releases what was held or removes the lock, and lets the owner go on",
            static it => it.Resume(), "", null, GoesOn, static it => it._options.LeaveRunning),
        new("remove rules", false, "removes the rules to the queues and closes them",
            static it => it.EndHold(), "", null, GoesOn, static it => it._options.LeaveRunning && it.IsHeld),
        new("write image", false, "writes the image to disk",
            static it => it.Write(it._image!), "", null, GoesOn, static it => it._options.LeaveRunning),

        // Taken away: the disk first. Until the image is there, the original is the only one.
        new("lock", true, "drops from here on what comes, so that what is held is complete",
            static it => it.InstallLock(), "the rules are removed, unless the original is closed", static it => it.RemoveLock(), GoesOn,
            static it => !it._options.LeaveRunning && it.IsHeld),
        new("write image", true, "writes the image to disk, with copies of what is held",
            static it => it.WriteTaken(), "it is deleted, unless the original is closed", static it => it.DeleteImage(), GoesOn, static it => !it._options.LeaveRunning),
        new("close original", true, "dissolves the original's association without a packet",
            static it => it._socket!.CloseSilently(), "", null, GoesOn, static it => !it._options.LeaveRunning),
        new("remove rules", false, "drops what is held, removes the rules to the queues and closes them",
            static it => it.EndHold(), "", null, Taken, static it => !it._options.LeaveRunning && it.IsHeld),
        new("end owner", false, "ends the owner (SIGKILL)",
            static it => it._owner?.Kill(TimeSpan.FromSeconds(2)), "", null, Taken, static it => it._options.KillOwner),
        new("leave owner", false, "lets the owner go on, without its connection, or leaves it stopped where that is asked for, and closes the duplicate",
            static it => it.LeaveOwner(), "", null, Taken, static it => !it._options.LeaveRunning),
        new("keep peer", false, "takes the peer's packets through a queue, from where they are answered",
            static it => it._keeper = PeerKeeper.Start(it._image!, it._namespace!), "the queue is closed", static it => it._keeper?.Dispose(), Taken,
            static it => it._options.KeepPeerAlive && !it._options.LeaveRunning && it._image!.Snapshot.State.IsSynchronized()),
        new("dismiss guard", false, "sends the guard away",
            static it => it._guard!.Dismiss(), "", null, Taken, static it => it._guard is not null),
    ];

    private void OpenBase()
    {
        _base = SessionImageBase.Open(_options.BaseDirectory!, _options.Key);
        _base.RequireConnection(_options.Local, _options.Peer);
    }

    private void Find()
    {
        SessionImageDirectory.RequireCanCreate(_options.Directory);
        _socket = PausedSocket.Attach(SocketFinder.Find(_options.Pid, _options.Local, _options.Peer));
        _namespace = _socket.OpenNamespace();
    }

    /// <summary>What is held goes into the image, and from there to a socket: as single packets whose checksums are filled in.</summary>
    private void OpenQueues() => _hold = SessionHold.Open(_namespace!, _options.Local, _options.Peer, queues: null, InterceptionQueueFlags.None);

    private void InstallLock() => _lock = SessionLockRules.Install(_options.Local, _options.Peer, _id, _namespace);

    private void RemoveLock()
    {
        if (!IsClosed)
        {
            _lock?.Remove();
        }
    }

    private void UndoHold()
    {
        if (IsClosed)
        {
            _hold!.DropAll();
        }
        else
        {
            _hold!.ReleaseAll();
        }
    }

    private void Dump()
    {
        _image = _socket!.Dump() with { Id = _id };
        _base?.RequireEarlierThan(_image);
    }

    private void KeepFrozen()
    {
        using PeerAnswerer? answerer = _options.KeepPeerAlive ? PeerAnswerer.Open(_image!, _namespace!) : null;
        int seen = 0;
        while (_options.FreezeFor - _runner.FrozenSoFar is var left && left > TimeSpan.Zero && !_options.EndFreeze.IsCancellationRequested)
        {
            if (answerer is not null && _hold is not null)
            {
                left = left < AnswerInterval ? left : AnswerInterval;
                foreach (HeldPacket packet in _hold.ReadInbound().Skip(seen))
                {
                    seen++;
                    answerer.Observe(packet.Data, packet.OriginalLength);
                }

                answerer.Answer();
            }

            // In whole milliseconds, rounded up, and again if a timer is early: never too short.
            _ = _options.EndFreeze.WaitHandle.WaitOne((int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue));
        }
    }

    private void Resume()
    {
        _socket!.Dispose();
        _held = _hold?.ReleaseAll() ?? 0;
        _lock?.Remove();
        _owner?.Dispose();
        _guard?.Resumed();
    }

    private void EndHold()
    {
        if (IsClosed)
        {
            _hold!.DropAll();
        }

        _hold!.RemoveRules();
        _hold.Close();
    }

    private void WriteTaken()
    {
        _image = _image! with
        {
            Snapshot = _hold?.Patch(_image.Snapshot) ?? _image.Snapshot,
            Lock = _lock is null ? null : SessionLockRules.For(_image),
            HeldPackets = _hold?.CopyHeld() ?? [],
        };
        _held = _image.HeldPackets.Count;
        Write(_image);
    }

    private void Write(SessionImage image)
    {
        SessionFiles.Write(_options.Directory, image, _options.Key, _base);
        _isWritten = true;
    }

    /// <summary>The connection goes on, and an image that says otherwise would mislead.</summary>
    private void DeleteImage()
    {
        if (_isWritten && !IsClosed)
        {
            SessionImageDirectory.Delete(_options.Directory);
        }
    }

    private void LeaveOwner()
    {
        if (_options.LeaveOwnerStopped)
        {
            _owner?.LeaveStopped();
        }

        _owner?.Dispose();
        _socket!.Dispose();
    }
}
