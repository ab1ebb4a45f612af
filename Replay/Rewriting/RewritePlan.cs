using Interceptor.Capture;
using Interceptor.Filters;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// What becomes of the packets of a capture: which ones, which edits, at what times. Immutable but for the filter's cache. The order is always the same: slice and
/// filter see packets as they were captured, duplicates are looked for among what they select, then come the edits and at last the times.
/// </summary>
public sealed record RewritePlan
{
    /// <summary>Only packets of this part come out; null for all.</summary>
    public PacketSlice? Slice { get; init; }

    /// <summary>Is shown every packet of the capture before anything else, to tell the connection of the one that comes out; null where nobody asks.</summary>
    public ConnectionIds? Connections { get; init; }

    /// <summary>Only packets that match come out; null for all.</summary>
    public LinkTypeFilter? Filter { get; init; }

    /// <summary>Packets that were there shortly before are left out; null to keep them.</summary>
    public DuplicateWindow? Duplicates { get; init; }

    /// <summary>What is edited in each packet; null for nothing.</summary>
    public PacketEdits? Edits { get; init; }

    /// <summary>What becomes of the instants; null for nothing.</summary>
    public TimeChange? Times { get; init; }

    /// <summary>Joins the stages behind a source, in their order. What is returned owns the source.</summary>
    /// <param name="source">The packets as captured.</param>
    /// <param name="report">Where the stages count.</param>
    public IPacketSource Over(IPacketSource source, RewriteReport report)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(report);
        IPacketSource stages = source;
        if (Slice is { IsWhole: false } || Connections is not null)
        {
            stages = new SliceStage(stages, Slice ?? new PacketSlice(), report, Connections);
        }

        if (Filter is not null)
        {
            stages = new FilterStage(stages, Filter, report);
        }

        if (Duplicates is not null)
        {
            stages = new DuplicateStage(stages, Duplicates, report);
        }

        if (Edits is { AreNone: false })
        {
            stages = new EditStage(stages, Edits, report);
        }

        if (Times is { IsNone: false })
        {
            stages = new TimeStage(stages, Times);
        }

        return stages;
    }
}
