using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>
/// A connection that goes on from an image: its socket, and what the restore did. Disposing closes the socket, which ends the connection unless its descriptor was handed on
/// before; <see cref="TakeBack"/> is the way not to end it where nobody took it.
/// <para>Threads: one at a time, in the connection's network namespace.</para>
/// </summary>
public sealed class RestoredSession : IDisposable
{
    private readonly SessionKey? _key;

    internal RestoredSession(string directory, SessionKey? key, SessionImage image, RestoredSocket socket)
    {
        Directory = directory;
        _key = key;
        Image = image;
        Socket = socket;
    }

    /// <summary>Where the image is, as the caller named it.</summary>
    public string Directory { get; }

    /// <summary>The image as it was read.</summary>
    public SessionImage Image { get; }

    /// <summary>The connection, resumed; disposed with this object.</summary>
    public RestoredSocket Socket { get; }

    /// <summary>True if a lock was in place and is gone now; false with an image that has one means that it is in another network namespace, or was removed.</summary>
    public bool LockRemoved { get; internal init; }

    /// <summary>What became of the packets that were kept for it.</summary>
    public ReinjectionCount Reinjected { get; internal init; }

    /// <summary>True if connection tracking did not know the connection and was told of it.</summary>
    public bool TrackingInserted { get; internal init; }

    /// <summary>How long each step took, in order.</summary>
    public IReadOnlyList<SessionCheckpointTiming> Steps { get; internal init; } = [];

    /// <summary>The interfaces on which its address was announced.</summary>
    public IReadOnlyList<string> AnnouncedOn { get; internal init; } = [];

    /// <summary>
    /// Undoes the restore: the connection is locked and closed without a packet under every descriptor of it, and is in the image alone again, which can be restored once more. What it
    /// sent and received meanwhile is not lost: where that is anything, the image is replaced by a new one of the same name and id.
    /// </summary>
    /// <exception cref="CheckpointException">It could not be taken back; it goes on, or was reset by its peer.</exception>
    /// <exception cref="IOException">The firewall could not be changed; the connection goes on.</exception>
    public void TakeBack()
    {
        if (Image.Snapshot.State == TcpState.Listen)
        {
            // Nothing is lost that the image says, and no peer waits.
            Socket.CloseSilently();
            SessionRestoreMark.Remove(Directory);
            return;
        }

        SessionLock sessionLock = Image.Lock ?? SessionLockRules.For(Image);
        FirewallRules locked = SessionLockRules.Install(Image.Snapshot.Local, Image.Snapshot.Peer, SessionLockRules.IdOf(sessionLock), networkNamespace: null);
        PausedSocket? paused = null;
        try
        {
            paused = Socket.Attach();
            paused.Pause();
            SessionImage now = GoingOn(Image, paused.Dump()) with { Lock = sessionLock };
            if (Image.Lock is null || !IsSame(Image.Snapshot, now.Snapshot))
            {
                SessionFiles.Replace(Directory, now, _key, paused.CloseSilently);
            }
            else
            {
                paused.CloseSilently();
            }
        }
        catch when (paused is not { IsClosed: true })
        {
            // It goes on: out of repair before its packets come again.
            paused?.Dispose();
            locked.Remove();
            throw;
        }
        finally
        {
            paused?.Dispose();
        }

        SessionRestoreMark.Remove(Directory);
        Socket.Dispose();
    }

    /// <summary>Closes this process's descriptor.</summary>
    public void Dispose() => Socket.Dispose();

    /// <summary>The socket's present state under the image's name. The kernel began to count with the restore; the streams' offsets go on from the image's.</summary>
    internal static SessionImage GoingOn(SessionImage image, SessionImage now)
    {
        TcpSnapshot before = image.Snapshot;
        int read = Math.Max(now.Snapshot.CopiedSeq - before.CopiedSeq, 0);
        int written = Math.Max(now.Snapshot.WriteSeq - before.WriteSeq - (now.Snapshot.FinQueued && !before.FinQueued ? 1 : 0), 0);
        SessionCounters counters = image.Counters with
        {
            BytesReceived = image.Counters.BytesReceived - (ulong)before.UnreadBytes + (ulong)read + (ulong)now.Snapshot.UnreadBytes
                + (now.Snapshot.FinReceived && !before.FinReceived ? 1UL : 0),
            BytesAcked = image.Counters.BytesAcked + (ulong)before.QueuedBytes + (ulong)written - (ulong)now.Snapshot.QueuedBytes
                + (now.Snapshot.IsFinAcknowledged && !before.IsFinAcknowledged ? 1UL : 0),
        };
        return now with { Id = image.Id, Counters = counters, Warnings = image.Warnings };
    }

    /// <summary>True if the old image still says it all: nothing was sent for the first time, acknowledged, received, read or written.</summary>
    private static bool IsSame(TcpSnapshot before, TcpSnapshot now) =>
        (before.State, before.SndUna, before.SndNxt, before.WriteSeq, before.RcvNxt, before.CopiedSeq)
        == (now.State, now.SndUna, now.SndNxt, now.WriteSeq, now.RcvNxt, now.CopiedSeq);
}
