using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Filters;
using Interceptor.Replay;
using Interceptor.Replay.Rewriting;

namespace Interceptor.Cli.Rewriting;

/// <summary>A replay whose packets are edited on their way: the filter and the sides see them as they were captured, the wire as they became.</summary>
/// <param name="edits">What to edit.</param>
/// <param name="filter">Which packets are sent; null for all.</param>
internal sealed class EditedReplay(PacketEdits edits, LinkTypeFilter? filter)
{
    private readonly RewriteReport _report = new();

    /// <summary>Between the capture and the wire; owns the source.</summary>
    internal IPacketSource Around(IPacketSource source) => new RewritePlan { Edits = edits, Filter = filter }.Over(source, _report);

    /// <summary>Puts what did not come as far as the replay into its report; once, at the end.</summary>
    internal void CountInto(ReplayReport report)
    {
        report.NotMatching += _report.NotMatching;
        report.LeftOut += _report.DroppedAsNotEditable + _report.DroppedAsTruncated;
    }

    /// <summary>The lines for people.</summary>
    internal void Write(TextWriter text) => EditReport.Write(_report, text);

    /// <summary>The keys of the summary.</summary>
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("edits");
        EditReport.Write(_report, json);
        json.WriteEndObject();
    }
}
