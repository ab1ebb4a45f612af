using System.Globalization;
using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Live;
using Interceptor.Cli.Commands;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>What <c>interceptor capture</c> says of its packets besides the packets: what it listens on, the counts while it runs and at the end.</summary>
/// <param name="source">Where the packets come from.</param>
/// <param name="selector">What sorts them by their owner; null for nothing.</param>
/// <param name="recording">Where they are written; null for no file.</param>
/// <param name="output">Where the command writes.</param>
internal sealed class CaptureReport(LivePacketSource source, OwnerPacketSelector? selector, CaptureRecording? recording, CommandOutput output)
{
    private LiveCapture Capture => source.Capture;

    /// <summary>One line on standard error for each interface.</summary>
    internal void Announce()
    {
        foreach (LiveInterface at in Capture.Interfaces)
        {
            CaptureInterface described = at.Description;
            if (at.Warning is { } warning)
            {
                output.Warn($"{NameOf(at)}: {Printable.Escape(warning)}");
            }

            output.Tell($"listening on {NameOf(at)}, link-type {described.LinkType.GetName()}, snapshot length {described.SnapLength} bytes");
        }
    }

    /// <summary>The counts in one line, for a terminal.</summary>
    internal string Line()
    {
        LiveCaptureStatistics now = Capture.Statistics;
        long dropped = now.DroppedByKernel + now.DroppedByInterface + now.DroppedByUser;
        string lost = dropped == 0 ? "none dropped"
            : Text($"dropped: {now.DroppedByKernel} by kernel, {now.DroppedByInterface} by interface, {now.DroppedByUser} by us");
        return Text($"{Packets(source.PacketsRead, "captured")}, {lost}");
    }

    /// <summary>The counts on standard error.</summary>
    internal void Write()
    {
        LiveCaptureStatistics all = Capture.Statistics;
        output.Tell(Packets(source.PacketsRead, "captured"));
        if (selector is not null)
        {
            output.Tell(Packets(source.PacketsPassedOver, "of other sockets"));
            output.Tell(Packets(selector.Unattributed, "of no socket that was found"));
        }

        output.Tell(Packets(all.Received, "received by filter"));
        if (all.Filtered is { } filtered)
        {
            output.Tell(Packets(filtered, "filtered out"));
        }

        output.Tell(Packets(all.DroppedByKernel, "dropped by kernel"));
        output.Tell(Packets(all.DroppedByInterface, "dropped by interface"));
        output.Tell(Packets(all.DroppedByUser, "dropped by us (queue full)"));
        if (LeftUnread(all) is > 0 and var left)
        {
            output.Tell(Packets(left, "left unread at the end"));
        }

        if (Capture.Interfaces.Count == 1)
        {
            return;
        }

        foreach (LiveInterface at in Capture.Interfaces)
        {
            LiveCaptureStatistics one = at.Statistics;
            output.Tell(Text(
                $"  {NameOf(at)}: {one.Received} received by filter, dropped {one.DroppedByKernel} by kernel, {one.DroppedByInterface} by interface, {one.DroppedByUser} by us"));
        }
    }

    /// <summary>The end: the counts, and with <c>--json</c> the summary.</summary>
    internal void Summarize()
    {
        if (output.Json)
        {
            LiveCaptureStatistics all = Capture.Statistics;
            Utf8JsonWriter json = output.BeginJson("summary");
            json.WriteNumber("captured", source.PacketsRead);
            if (selector is not null)
            {
                json.WriteNumber("other", source.PacketsPassedOver);
                json.WriteNumber("unattributed", selector.Unattributed);
            }

            WriteCounts(json, all);
            json.WriteNumber("left_unread", LeftUnread(all));
            json.WriteNumber("not_written", NotWritten);
            json.WriteStartArray("interfaces");
            foreach (LiveInterface at in Capture.Interfaces)
            {
                json.WriteStartObject();
                json.WriteString("name", at.Options.Interface);
                json.WriteString("link_type", at.Description.LinkType.GetName());
                WriteCounts(json, at.Statistics);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            output.EndJson();
        }

        // The last packets' lines before the counts.
        output.Flush();
        Write();
        if (NotWritten is > 0 and var lost)
        {
            output.Tell(Packets(lost, "captured that could not be written"));
        }
    }

    /// <summary>At the end, packets that were captured and are in no file.</summary>
    private long NotWritten => recording is null ? 0 : source.PacketsRead - recording.PacketsWritten;

    private static void WriteCounts(Utf8JsonWriter json, in LiveCaptureStatistics counts)
    {
        json.WriteNumber("received", counts.Received);
        WriteKnown(json, "seen_by_interface", counts.Seen);
        WriteKnown(json, "filtered", counts.Filtered);
        json.WriteNumber("dropped_kernel", counts.DroppedByKernel);
        json.WriteNumber("dropped_interface", counts.DroppedByInterface);
        json.WriteNumber("dropped_user", counts.DroppedByUser);
    }

    private static void WriteKnown(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } known)
        {
            json.WriteNumber(name, known);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    /// <summary>Packets that were ours and nobody wanted any more, as after <c>-c</c>: in the queue, and in the kernel's ring.</summary>
    private long LeftUnread(in LiveCaptureStatistics counts) => counts.LeftBehind + Math.Max(0, counts.Captured - Capture.PacketsRead);

    private static string NameOf(LiveInterface at) => Printable.Escape(at.Options.Interface);

    private static string Packets(long count, string what) => $"{Counted.Of(count, "packet")} {what}";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
