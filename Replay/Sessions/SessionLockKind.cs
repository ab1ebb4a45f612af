namespace Interceptor.Replay;

/// <summary>What becomes of a connection's packets while it is frozen.</summary>
public enum SessionLockKind
{
    /// <summary>
    /// They are held in the kernel. A connection that goes on gets them as if nothing had been; with one that is taken away the peer's go into the image and are delivered by
    /// the restore, and what comes after the image was written is dropped.
    /// </summary>
    Hold,

    /// <summary>They are dropped, and sent again by who sent them.</summary>
    Drop,

    /// <summary>They pass: the kernel answers them with a reset once the connection is taken away.</summary>
    None,
}
