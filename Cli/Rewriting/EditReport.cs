using System.Globalization;
using System.Text.Json;
using Interceptor.Cli.Output;
using Interceptor.Replay.Rewriting;

namespace Interceptor.Cli.Rewriting;

/// <summary>What the edits did, as part of a summary: in <c>rewrite</c> and in <c>replay</c>.</summary>
internal static class EditReport
{
    /// <summary>The line of what was edited, and one for each reason for which packets were not.</summary>
    internal static void Write(RewriteReport report, TextWriter text)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string cut = report.Cut > 0 ? string.Create(culture, $", {report.Cut} cut into {report.Pieces}") : "";
        string truncated = report.DroppedAsTruncated > 0 ? string.Create(culture, $", {report.DroppedAsTruncated} left out as they are cut") : "";
        text.WriteLine($"Edited: {Counted.Of(report.Edited, "packet")}{cut}{truncated}");
        foreach (RewriteReasonCount reason in report.Reasons)
        {
            string more = reason.Packets > RewriteReasonCount.MostNamed ? ", ..." : "";
            string fate = reason.IsDropped ? "Left out" : "Not edited";
            text.WriteLine($"{fate}: {Counted.Of(reason.Packets, "packet")}: {InWords(reason.Reason)} (number {string.Join(", ", reason.First.ToArray())}{more})");
        }
    }

    /// <summary>The same as keys of an object.</summary>
    internal static void Write(RewriteReport report, Utf8JsonWriter json)
    {
        json.WriteNumber("edited", report.Edited);
        json.WriteNumber("cut", report.Cut);
        json.WriteNumber("pieces", report.Pieces);
        json.WriteNumber("dropped_truncated", report.DroppedAsTruncated);
        json.WriteNumber("not_edited", report.NotEditable);
        json.WriteNumber("dropped_not_editable", report.DroppedAsNotEditable);
        json.WriteStartArray("reasons");
        foreach (RewriteReasonCount reason in report.Reasons)
        {
            json.WriteStartObject();
            json.WriteString("reason", NameOf(reason.Reason));
            json.WriteNumber("packets", reason.Packets);
            json.WriteBoolean("dropped", reason.IsDropped);
            json.WriteStartArray("first");
            foreach (long number in reason.First)
            {
                json.WriteNumberValue(number);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string NameOf(RewriteReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());

    private static string InWords(RewriteReason reason) => reason switch
    {
        RewriteReason.Truncated => "the capture ends before what was to be edited",
        RewriteReason.Malformed => "a header contradicts itself or what is around it",
        RewriteReason.LinkType => "the link type has no such field, or is not known here",
        RewriteReason.UnknownProtocol => "a protocol that is not known here, and may hold addresses",
        RewriteReason.Encrypted => "what was to be edited is encrypted",
        RewriteReason.Authenticated => "under an authentication header, which can't be computed without its key",
        RewriteReason.TooComplex => "more headers or fields than are followed",
        RewriteReason.DontFragment => "longer than the MTU, and not to be fragmented",
        RewriteReason.NotDivisible => "longer than the MTU, and of a kind that can't be cut",
        RewriteReason.WrongChecksum => "longer than the MTU, with a wrong checksum that cutting would hide (--repair makes it right first)",
        _ => "too long to be padded",
    };
}
