using System.Security.Cryptography;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>The connections of a set, all going on. Disposing closes this process's descriptors.</summary>
public sealed class SessionSetRestored : IDisposable
{
    internal SessionSetRestored(SessionSet set, IReadOnlyList<RestoredSocket> sockets, IReadOnlyList<SessionImage> images)
    {
        Set = set;
        Sockets = sockets;
        Images = images;
    }

    /// <summary>The set as read.</summary>
    public SessionSet Set { get; }

    /// <summary>The sockets, in the set's order.</summary>
    public IReadOnlyList<RestoredSocket> Sockets { get; }

    /// <summary>Their images.</summary>
    public IReadOnlyList<SessionImage> Images { get; }

    /// <summary>True if a lock was in place and is gone now.</summary>
    public bool LockRemoved { get; init; }

    /// <summary>How long each part took, in order.</summary>
    public required IReadOnlyList<SessionCheckpointTiming> Steps { get; init; }

    /// <summary>
    /// Undoes the restore where nobody took the connections: they are locked and closed without a packet, and are in a new set alone, with all they received since. The old one stays as it is, marked.
    /// </summary>
    /// <param name="key">What the new set is encrypted with; stays the caller's.</param>
    /// <returns>The new set, beside the old one.</returns>
    /// <exception cref="CheckpointException">They could not be taken back; they go on.</exception>
    /// <exception cref="IOException">The firewall could not be changed; they go on.</exception>
    public SessionSet TakeBack(SessionKey? key)
    {
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        var sessionLock = new SessionLock(FirewallOwner.Lock(id).ToString(), "drop");
        IReadOnlyList<FirewallRules> locked = SessionLockRules.InstallAll(Images.Select(static image => (image.Snapshot.Local, image.Snapshot.Peer)), id, networkNamespace: null);
        var paused = new List<PausedSocket>();
        bool isWritten = false;
        try
        {
            using SessionSetWriter writer = SessionSetWriter.Create($"{Path.TrimEndingDirectorySeparator(Set.Directory)}.back-{id}", key, before: null);
            for (int i = 0; i < Sockets.Count; i++)
            {
                PausedSocket socket = Sockets[i].Attach();
                paused.Add(socket);
                socket.Pause();
                SessionImage now = RestoredSession.GoingOn(Images[i], socket.Dump()) with { Lock = sessionLock };
                SessionFiles.Add(writer, now, SessionActivity.Of(now, socket.ReadCookie()), earlier: null);
            }

            SessionSet set = writer.Commit(id, Set.Pid, sessionLock, [], Clock.RealtimeNanoseconds());
            isWritten = true;
            paused.ForEach(static socket => socket.CloseSilently());
            return set;
        }
        finally
        {
            // Out of repair before their packets come again.
            paused.ForEach(static socket => socket.Dispose());
            if (!isWritten)
            {
                foreach (FirewallRules rules in locked)
                {
                    rules.Remove();
                }
            }
        }
    }

    /// <summary>Closes them.</summary>
    public void Dispose()
    {
        foreach (RestoredSocket socket in Sockets)
        {
            socket.Dispose();
        }
    }
}
