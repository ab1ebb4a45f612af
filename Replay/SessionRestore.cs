using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;

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
    /// <param name="image">The image as read.</param>
    /// <param name="lockRemoved">True if a lock was in place and is gone now; false with an image that has one means that it is in another namespace.</param>
    /// <returns>The connection, resumed; the caller owns it.</returns>
    /// <exception cref="CheckpointException">The image is bad or was restored before, or a step failed.</exception>
    public static RestoredSocket Resume(string directory, SessionRestoreOptions? options, out SessionImage image, out bool lockRemoved)
    {
        options ??= new SessionRestoreOptions();
        image = SessionFiles.Read(directory, options.Key);
        using SessionRestoreMark.Claim claim = SessionRestoreMark.Take(directory, options.Force);
        RestoredSocket restored = SessionRestorer.Restore(image, FirewallMatch.OwnMark);
        bool isUnlocked = false;
        try
        {
            isUnlocked = lockRemoved = SessionLockRules.Remove(image);
            restored.Resume(probe: true);
            claim.Keep();
            return restored;
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

    /// <summary>While the socket is still there, in repair: from its close on, the peer's next packet would be answered with a reset.</summary>
    private static void LockAgain(SessionImage image, Exception cause)
    {
        try
        {
            _ = SessionLockRules.Install(image.Snapshot.Local, image.Snapshot.Peer, image.Id, networkNamespace: null);
        }
        catch (IOException exception)
        {
            throw new CheckpointException(
                "restore", $"{cause.Message} And the lock could not be put back: {exception.Message}",
                "The image is unchanged; without its lock the connection lasts until its peer sends something.", cause: cause);
        }
    }
}
