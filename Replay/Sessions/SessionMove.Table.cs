using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <content>The table of steps and their bodies.</content>
public sealed partial class SessionMove
{
    private const string GoesOn = "The connection goes on with its old owner.";
    private const string Rescued = "The connection is in an image on disk, and a lock in the firewall keeps its peer waiting.";
    private const string Alive = "The connection is with its new owner.";

    private static readonly SessionStep<SessionMove>[] Table =
    [
        new("find", false, "finds the socket, duplicates it and checks that its state can be taken whole",
            static move => move.Find(),
            "the duplicate is closed", static move => move.CloseDuplicate(), GoesOn),
        new("start guard", false, "starts the process that puts things right should this one be killed",
            static move => move._guard = SessionGuard.Start(move._options.GuardCommand!), "it is sent away", static move => move._guard?.Dispose(), GoesOn,
            static move => move._options.GuardCommand is not null),
        new("open queues", false, "opens a queue for each direction, passing, and warms it",
            static move => move.OpenQueues(), "the queues are closed, what they have passes", static move => move.CloseQueues(), GoesOn),
        new("arm guard", false, "gives the guard duplicates of the owner's pidfd, the socket and both queues",
            static move => move.ArmGuard(), "it is sent away", static move => move._guard?.Dismiss(), GoesOn, static move => move._guard is not null),
        new("install rules", false, "sends the connection's packets through the queues: the peer's at PREROUTING, the owner's at OUTPUT",
            static move => move._hold!.InstallRules(), "the rules are removed", static move => move._hold?.RemoveRules(), GoesOn),
        new("warm up", false, "runs the whole dump and restore once on a connection of its own",
            static move => move.WarmUp(), "", null, GoesOn),
        new("await the moment", false, "waits until the caller wants the freeze",
            static move => move._options.BeforeFreeze?.Invoke(), "", null, GoesOn),

        new("hold inbound", true, "holds the peer's packets", static move => move._inbound!.Hold(),
            "they are released (dropped once the original is closed: nobody is there to take them)", static move => move.UndoHold(move._inbound), GoesOn),
        new("hold outbound", true, "holds the owner's packets", static move => move._outbound!.Hold(),
            "they are released (dropped once the original is closed)", static move => move.UndoHold(move._outbound), GoesOn),
        new("stop owner", true, "stops every thread of the owner",
            static move => move._owner = move._socket!.StopOwner(), "it goes on", static move => move._owner?.Dispose(), GoesOn),
        new("pause socket", true, "saves the socket's options and puts it into repair",
            static move => move._socket!.Pause(), "repair is left without a packet, its options are set again", static move => move.CloseDuplicate(), GoesOn),
        new("dump", true, "reads sequence numbers, queues, windows and options",
            static move => move._image = move._socket!.Dump(), "", null, GoesOn),
        new("entrust image", true, "copies the image to memory that outlives this process with the guard",
            static move => move.EntrustImage(), "", null, GoesOn, static move => move._guard is not null),
        new("close original", true, "dissolves the original's association without a packet",
            static move => move._socket!.CloseSilently(), "the image is written to disk and a lock of DROP rules keeps the peer waiting",
            static move => move.Rescue(), GoesOn),
        new("patch image", true, "brings the image up to what the original sent behind the cut",
            static move => move.PatchImage(), "", null, Rescued),
        new("end owner", true, "ends the old owner", static move => move.EndOwner(), "", null, Rescued),
        new("restore", true, "builds the new socket from the image, in repair",
            static move => move._restored = SessionRestorer.Restore(move._image!, FirewallMatch.OwnMark), "it is closed without a packet", static move => move.CloseRestored(), Rescued),
        new("entrust restored", true, "gives the guard a duplicate of the new socket",
            static move => move._guard!.Entrust(move._restored!.Descriptor.Number), "", null, Rescued, static move => move._guard is not null),
        new("release outbound", true, "lets go on what says nothing that the image does not know, drops the rest",
            static move => move._outboundCount = Count(move._outbound!.Release(move.JudgeOutbound)), "", null, Rescued),
        new("resume", true, "leaves repair with a window probe, writes the unsent tail, sets the options",
            static move => move._restored!.Resume(move._options.Probe), "", null, Rescued),
        new("deliver", true, "hands the descriptor to the new owner",
            static move => move.Deliver(), "", null, Rescued),
        new("release inbound", true, "reinjects the peer's packets in order of arrival",
            static move => move._inboundCount = Count(move._inbound!.Release(move.JudgeInbound)), "", null, Alive),

        new("remove rules", false, "removes the rules", static move => move._hold!.RemoveRules(), "", null,
            Alive + " Rules of ours are still in the firewall: interceptor cleanup removes them."),
        new("close queues", false, "closes the queues and keeps copies of what was held",
            static move => move.Finish(), "", null, Alive),
        new("dismiss guard", false, "sends the guard away", static move => move._guard!.Dismiss(), "", null, Alive, static move => move._guard is not null),
        new("write image", false, "writes the image and the held packets to disk, where that is asked for",
            static move => move.WriteImage(), "", null, Alive),
    ];

    private void Find()
    {
        // The image is written last; that it can be is asked for first.
        if (_options.ImageDirectory is { } directory)
        {
            SessionImageDirectory.RequireCanCreate(directory);
        }

        _socket = PausedSocket.Attach(SocketFinder.Find(_options.OwnerPid, _options.Local, _options.Peer));
    }

    private void CloseDuplicate() => _socket?.Dispose();

    private void OpenQueues()
    {
        _hold = SessionHold.Open(
            _options.Namespace, _options.Local, _options.Peer, (_options.InboundQueue, _options.OutboundQueue), new InterceptionQueueOptions { Number = 0 }.Flags);
        (_inbound, _outbound) = (_hold.Inbound, _hold.Outbound);
    }

    private void CloseQueues() => _hold?.Close();

    private void WarmUp()
    {
        CheckpointWarmup.Run(image => _memory?.Write(image));
        _memory?.Set(SessionGuardMemory.Stage.Empty);
        CodeWarmup.PrepareAll(typeof(SessionMove), typeof(HeldPacketPolicy), typeof(SessionGuardMemory), typeof(TcpSnapshotPatch), typeof(SessionHold));
    }

    private void ArmGuard()
    {
        _memory = SessionGuardMemory.Create(_socket!.QueueRoomBytes);
        _guard!.Arm(SessionGuardOrder.For(_socket, _hold, imageId: null, _options.ImageDirectory) with { Memory = _memory.DescriptorNumber });
    }

    private void EntrustImage()
    {
        PatchImage();
        _memory!.Write(_image!);
    }

    private void PatchImage() => _image = _image! with { Snapshot = _hold!.Patch(_image.Snapshot) };

    private void UndoHold(PacketHold? hold)
    {
        if (hold is { IsHolding: true })
        {
            _ = _socket is { IsClosed: true } && !_isDelivered ? hold.DropAll() : hold.Release();
        }
    }

    private void EndOwner()
    {
        if (_options.EndOldOwner is { } end)
        {
            end();
        }
        else
        {
            // Not waited for: its socket is no connection any more, and giving back a large process's memory takes longer than the rest of the freeze.
            _ = _owner!.Kill(TimeSpan.Zero);
        }
    }

    private void Deliver()
    {
        _options.Deliver(_restored!.Handle, _image!);
        _memory?.Set(SessionGuardMemory.Stage.Delivered);
        _isDelivered = true;
    }

    /// <summary>Until the delivery the peer's packets are held, so the image is whole even where the new socket has begun to send.</summary>
    private void CloseRestored()
    {
        if (!_isDelivered)
        {
            _restored?.CloseSilently();
        }
    }

    /// <summary>
    /// After the original is closed the image is all there is of the connection: it goes to disk first, wherever that works, and then its peer, whose
    /// packets are still held here, is kept from a reset.
    /// </summary>
    private void Rescue()
    {
        if (_socket is not { IsClosed: true } || _isDelivered)
        {
            return;
        }

        _image = _image! with { Lock = SessionLockRules.For(_image) };
        try
        {
            _rescue = SessionRescue.Write(_image, _options.ImageDirectory);
        }
        finally
        {
            SessionLockRules.Install(_image, _options.Namespace);
            _isLocked = true;
        }
    }

    /// <summary>The queues are closed first: until then their thread may still pass packets that the rules had sent it.</summary>
    private void Finish()
    {
        CloseQueues();
        _socket!.Dispose();
        _owner!.Dispose();
        _image = _image! with
        {
            HeldPackets =
            [
                .. _recorded.OrderBy(packet => packet.Timestamp)
                    .Select(packet => new HeldSessionPacket(packet.IsInbound, packet.Timestamp, packet.ChecksumMissing, packet.Lease.Data.ToArray())),
            ],
        };
    }

    private void WriteImage()
    {
        if (_options.ImageDirectory is { } directory)
        {
            SessionFiles.Write(directory, _image!);
        }
    }
}
