namespace Interceptor.Replay.Rewriting;

/// <summary>What the stages of a rewrite did. While they run, another thread may look at it; the numbers are then of slightly different instants.</summary>
public sealed class RewriteReport
{
    /// <summary>Packets that did not match the filter.</summary>
    public long NotMatching { get; internal set; }
}
