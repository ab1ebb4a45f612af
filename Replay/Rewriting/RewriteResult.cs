namespace Interceptor.Replay.Rewriting;

/// <summary>What <see cref="PacketRewriter"/> did with a packet.</summary>
internal enum RewriteResult
{
    /// <summary>It stays as it was: no edit concerns it, or it was listed.</summary>
    Unchanged,

    /// <summary>Bytes changed.</summary>
    Edited,

    /// <summary>It is left out.</summary>
    Dropped,

    /// <summary>It becomes several, which are asked for one by one.</summary>
    Cut,
}
