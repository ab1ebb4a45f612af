namespace Interceptor.Replay.Rewriting;

/// <summary>What a packet that comes out of the stages is of the one that was read.</summary>
public enum RewriteOutcome
{
    /// <summary>Its bytes are those that were read.</summary>
    AsRead,

    /// <summary>Bytes were changed: a hash of it that the capture recorded no longer holds.</summary>
    Changed,

    /// <summary>It is the first of several that were made of one.</summary>
    FirstPiece,

    /// <summary>It is a later one of several that were made of one.</summary>
    LaterPiece,
}
