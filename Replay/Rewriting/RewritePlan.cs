using Interceptor.Capture;
using Interceptor.Filters;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// What becomes of the packets of a capture: which ones, which edits, at what times. Immutable but for the filter's cache. The order is always the same: the filter
/// sees packets as they were captured, and what it selects is what comes out.
/// </summary>
public sealed record RewritePlan
{
    /// <summary>Only packets that match come out; null for all.</summary>
    public LinkTypeFilter? Filter { get; init; }

    /// <summary>What is edited in each packet; null for nothing.</summary>
    public PacketEdits? Edits { get; init; }

    /// <summary>Joins the stages behind a source, in their order. What is returned owns the source.</summary>
    /// <param name="source">The packets as captured.</param>
    /// <param name="report">Where the stages count.</param>
    public IPacketSource Over(IPacketSource source, RewriteReport report)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(report);
        IPacketSource stages = source;
        if (Filter is not null)
        {
            stages = new FilterStage(stages, Filter, report);
        }

        if (Edits is { AreNone: false })
        {
            stages = new EditStage(stages, Edits, report);
        }

        return stages;
    }
}
