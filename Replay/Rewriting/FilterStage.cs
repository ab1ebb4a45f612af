using Interceptor.Capture;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>Passes on the packets that match a filter, as they were captured.</summary>
/// <param name="source">What comes before.</param>
/// <param name="filter">Which packets.</param>
/// <param name="report">Counts the others.</param>
public sealed class FilterStage(IPacketSource source, LinkTypeFilter filter, RewriteReport report) : RewriteStage(source)
{
    /// <inheritdoc/>
    public override bool TryRead(out CapturedPacket packet)
    {
        while (Source.TryRead(out packet))
        {
            if (filter.Matches(packet))
            {
                return true;
            }

            report.NotMatching++;
        }

        return false;
    }
}
