using Interceptor.Capture.Injection;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <content>The table of steps and their bodies.</content>
public sealed partial class SessionRestore
{
    private const string InImage = "The connection is in its image, under its lock: the restore can be tried again.";
    private const string Lives = "The connection goes on.";

    /// <summary>Where an undo failed as well, nobody knows.</summary>
    internal const string NotUndone =
        "Not all of it could be undone: see whether the connection still stands (interceptor sessions) and is locked (interceptor cleanup) before the image is restored again.";

    private static readonly SessionStep<SessionRestore>[] Table =
    [
        new("read image", false, "reads the image, and the packets that are given to it besides",
            static restore => restore.Read(), "", null, InImage),
        new("claim", false, "marks the image as restored, so that nobody else restores it",
            static restore => restore._claim = SessionRestoreMark.Take(restore._directory, restore._options.Force),
            "the mark is removed", static restore => restore._claim?.Dispose(), InImage),
        new("open announcer", false, "opens the sockets that its address is announced by, which takes the kernel milliseconds",
            static restore => restore._announcer = AddressAnnouncer.Open(restore.Image.Snapshot.Local.Address), "", null, InImage, static restore => restore._options.Announce),

        new("restore", true, "builds the socket from the image, in repair",
            static restore => restore._socket = SessionRestorer.Restore(restore.Image, FirewallMatch.OwnMark),
            "it is closed without a packet", static restore => restore._socket?.Dispose(), InImage),
        new("open injector", true, "opens the socket that its packets are sent by",
            static restore => restore._injector = RawIpInjector.Open(restore.Image.Snapshot.Local.Address.Version, FirewallMatch.OwnMark), "", null, InImage,
            static restore => restore.HasPackets || restore.Window > 0),
        new("track", true, "tells connection tracking of the connection, where that does not know it",
            static restore => restore._isTracked = Track(restore.Image, restore.Socket), "", null, InImage, static restore => restore._options.Track),
        new("remove lock", true, "removes the rules that kept the peer waiting",
            static restore => restore._isUnlocked = SessionLockRules.Remove(restore.Image, restore._directory),
            "they are installed again, before the socket is closed: from then on the peer's next packet would be answered with a reset",
            static restore => restore.LockAgain(), InImage),
        new("announce", true, "tells the neighbours that the connection's address is here",
            static restore => Announce(restore._announcer!, restore.Socket), "", null, InImage, static restore => restore._announcer is not null),
        new("resume", true, "leaves repair with a window probe, writes the unsent tail, sets the options",
            static restore => restore.Resume(), "the connection is locked, closed without a packet, and taken back into its image with what it received meanwhile",
            static restore => restore.TakeBack(), InImage),

        new("reinject", false, "gives it the packets that were held for it, each cut down to what it lacks",
            static restore => restore.Reinject(), "", null, InImage, static restore => restore.HasPackets),
        new("offer window", false, "tells a peer that was answered with a window of zero meanwhile of the window",
            static restore => restore.OfferWindow(), "", null, InImage, static restore => restore.Window > 0),
        new("keep mark", false, "leaves the image marked as restored",
            static restore => restore._claim!.Keep(), "", null, Lives),
    ];

    private SessionImage Image => _image!;

    private RestoredSocket Socket => _socket!;

    private bool HasPackets => Image.HeldPackets.Count > 0;

    /// <summary>What the image's socket still takes, in bytes; 0 where its peer sends nothing any more.</summary>
    private int Window => Image.Snapshot is { State: TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2 } snapshot
        ? snapshot.RcvWup + (int)snapshot.RcvWnd - snapshot.RcvNxt
        : 0;

    private void Read() => _image = WithPackets(SessionFiles.Read(_directory, _options.Key), _options.PacketsFrom);

    /// <summary>While the socket is still there, in repair; one that had gone on was taken back, with a lock of its own.</summary>
    private void LockAgain()
    {
        if (_isUnlocked && !Socket.IsResumed)
        {
            _ = SessionLockRules.Install(Image.Snapshot.Local, Image.Snapshot.Peer, SessionLockRules.IdOf(Image.Lock!), networkNamespace: null);
        }
    }

    private void Resume()
    {
        Socket.Resume(probe: true);
        _session = new RestoredSession(_directory, _options.Key, Image, Socket);
    }

    private void TakeBack() => _session?.TakeBack();

    private void Reinject()
    {
        _reinjected = SessionReinjection.Run(Image, _injector!);
        if (_reinjected.Failed > 0)
        {
            Socket.AddWarning($"{_reinjected.Failed} of {_reinjected.Kept} held packets could not be delivered: their senders send them again.");
        }
    }

    /// <summary>
    /// It would learn of it by its next probe only, which may be minutes away, as the socket's own probe is too old to count as an update (net/ipv4/tcp_input.c,
    /// tcp_may_update_window). To a peer that knows, it is a repetition.
    /// </summary>
    private void OfferWindow() =>
        _injector!.Send(WindowAnswer.Build(Image.Snapshot, (uint)Window, SessionRestorer.RunningTimestamp(Image), timestampEcho: 0));
}
