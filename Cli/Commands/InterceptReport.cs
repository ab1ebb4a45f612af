using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Output;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary>What <c>intercept</c> says: at the start where it works and by which policy, a line for each packet, and the summary.</summary>
internal sealed class InterceptReport(CommandOutput output, bool showsPackets)
{
    private readonly PacketFormatter _formatter = new(new PacketFormatOptions { Colored = TerminalColors.AreWanted(null, output) });
    private readonly PacketTimes _times = new(TimeStyle.TimeOfDay, nanoseconds: false);
    private readonly PacketOrigins _origins = new();
    private long _number;

    internal static string VerdictText(in InterceptedFate fate)
    {
        ImpairmentDecision decision = fate.Decision;
        string note = fate.Note is { } text ? $"; {text}" : "";
        if (decision.Drop)
        {
            return (decision.Reset ? "drop, and reset both ends" : "drop") + note;
        }

        string delay = fate.HeldNanoseconds == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" after {fate.HeldNanoseconds / 1e6:0.000} ms");
        string verdict = decision.Corrupt ? "accept with a bit turned over" : "accept";
        return verdict + delay + (decision.Overtakes ? ", ahead of others" : "") + (decision.Duplicate ? ", twice" : "") + note;
    }

    /// <summary>The summary for people.</summary>
    internal static string Text(InterceptSummary summary)
    {
        var lines = new List<string>
        {
            Line($"received {summary.Received}: accepted {summary.Accepted}, dropped {summary.Dropped}, edited {summary.Edited}, lost in the kernel {summary.LostInKernel}"),
        };
        if (summary.Delayed > 0)
        {
            string released = summary.Held > 0 ? "" : Line($", released early at the end {summary.Released}");
            lines.Add(Line($"delayed {summary.Delayed} (late by {summary.DelayErrorMedian / 1e6:0.000} ms, 1 % by more than {summary.DelayErrorPercentile99 / 1e6:0.000} ms), reordered {summary.Reordered}{released}"));
        }

        if (summary.Held > 0)
        {
            lines.Add(Line($"held {summary.Held}, released {summary.Released}"));
        }

        if (summary.Duplicated + summary.DuplicatesFailed + summary.Corrupted + summary.OverRate > 0)
        {
            lines.Add(Line(
                $"duplicated {summary.Duplicated}, copies that could not be sent {summary.DuplicatesFailed}, corrupted {summary.Corrupted}, dropped as the rate's queue was full {summary.OverRate}"));
        }

        if (summary.Replacements + summary.MidstreamRefused + summary.EditsRefused > 0)
        {
            lines.Add(Line(
                $"replaced {summary.Replacements} times, {summary.EditDeltaBytes:+0;-0;+0} bytes; connections not edited: {summary.MidstreamRefused} seen from the middle, {summary.EditsRefused} for other reasons"));
        }

        if (summary.TranslatedAtEnd > 0)
        {
            lines.Add(Line($"{summary.TranslatedAtEnd} connections were still open and translated; only this run knew their numbers, so both ends got a reset"));
        }

        if (summary.Resets > 0)
        {
            lines.Add(Line($"connections reset at {summary.Resets} segments, {summary.Injected} packets of our own sent"));
        }

        if (summary.KernelQueueDropped + summary.KernelUserDropped + summary.Escaped > 0)
        {
            lines.Add(Line($"dropped by the kernel: queue full {summary.KernelQueueDropped}, receive buffer full {summary.KernelUserDropped}; passed unseen {summary.Escaped}"));
        }

        return string.Join('\n', lines);
    }

    /// <summary>After the rules are in place.</summary>
    internal void Started(InterceptSession session, InterceptOptions options, string? networkNamespace)
    {
        string policy = session.OnFailure == FailurePolicy.Open
            ? "open: if we are overloaded, traffic passes unseen"
            : "closed: if we are overloaded, matching traffic is dropped";
        if (session.FiltersInUserSpace)
        {
            output.Warn("the kernel can't run the whole filter (it takes 64 instructions, by iptables): "
                + (session.KernelFilter is { } part
                    ? $"what matches '{Printable.Escape(part)}' comes to us, and is filtered here."
                    : "every packet comes to us, and is filtered here."));
        }

        if (session.RefusedFlags != InterceptionQueueFlags.None)
        {
            output.Warn($"this kernel's queues do not have: {session.RefusedFlags}.");
        }

        if (options.Impairments.IsRandom)
        {
            output.Warn(Line($"seed {options.Impairments.Seed}"));
        }

        string queues = session.QueueCount == 1 ? Line($"queue {session.QueueNumber}") : Line($"queues {session.QueueNumber}-{session.QueueNumber + session.QueueCount - 1}");
        output.Warn($"{queues}, on failure {policy}.");
        string cleanup = networkNamespace is null ? "interceptor cleanup" : $"interceptor cleanup --netns {Printable.Escape(networkNamespace)}";
        output.Warn($"rules in place: {string.Join(", ", session.Places)} (should they stay after a crash: {cleanup}).");
    }

    internal void Packet(in InterceptedFate fate)
    {
        _number++;
        if (!showsPackets)
        {
            return;
        }

        if (output.Json)
        {
            WriteJson(in fate);
        }
        else
        {
            _times.Write(output.Text, fate.Packet.Metadata.Timestamp);
            output.Text.Write($" {FirewallHooks.NameOf(fate.Hook)} ");
            output.Text.Write(_formatter.Summarize(fate.Packet.Parse()));
            output.Text.Write($" [{VerdictText(in fate)}]\n");
        }

        // Somebody watches: lines must not wait for a full buffer.
        output.Flush();
    }

    /// <summary>A sentence of the session.</summary>
    internal void Noticed(string text) => output.Warn(text);

    /// <summary>The kernel dropped packets on its own.</summary>
    internal void KernelDropped(KernelLosses losses)
    {
        if (losses.QueueFull > 0)
        {
            output.Warn(Line($"the kernel dropped {losses.QueueFull} packets: the queue was full. Let more wait with --queue-length, or less with a narrower filter or a shorter delay."));
        }

        if (losses.BufferFull > 0)
        {
            output.Warn(Line($"the kernel dropped {losses.BufferFull} packets: we did not take them in time. Let fewer come with a narrower filter, or print less with --quiet or -w."));
        }

        if (losses.WhileHeld > 0)
        {
            output.Warn(Line($"the kernel dropped {losses.WhileHeld} packets that waited here: an interface went down, or a base chain of the firewall was removed by another program."));
        }
    }

    internal void Finished(InterceptSession session, InterceptSummary summary)
    {
        if (session.Leftovers.Count > 0)
        {
            output.Warn($"{string.Join(", ", session.Leftovers)} stays, empty: to remove it would make the kernel drop what other queues hold. Later: interceptor cleanup");
        }

        if (!output.Json)
        {
            output.Flush();
            output.Error.WriteLine(Text(summary));
            return;
        }

        // The keys are a contract.
        output.WriteJson("summary", json =>
        {
            json.WriteNumber("received", summary.Received);
            json.WriteNumber("accepted", summary.Accepted);
            json.WriteNumber("dropped", summary.Dropped);
            json.WriteNumber("edited", summary.Edited);
            json.WriteNumber("lost_in_kernel", summary.LostInKernel);
            json.WriteNumber("delayed", summary.Delayed);
            json.WriteNumber("duplicated", summary.Duplicated);
            json.WriteNumber("reordered", summary.Reordered);
            json.WriteNumber("corrupted", summary.Corrupted);
            json.WriteNumber("held", summary.Held);
            json.WriteNumber("released", summary.Released);
            json.WriteNumber("injected", summary.Injected);
            json.WritePropertyName("delay_error_ms");
            json.WriteStartObject();
            json.WriteNumber("p50", summary.DelayErrorMedian / 1e6);
            json.WriteNumber("p99", summary.DelayErrorPercentile99 / 1e6);
            json.WriteNumber("max", summary.DelayErrorMaximum / 1e6);
            json.WriteEndObject();
            json.WriteNumber("replacements", summary.Replacements);
            json.WriteNumber("edit_delta_bytes", summary.EditDeltaBytes);
            json.WriteNumber("midstream_refused", summary.MidstreamRefused);
            json.WriteNumber("edits_refused", summary.EditsRefused);
            json.WriteNumber("translated_at_end", summary.TranslatedAtEnd);
            json.WriteNumber("resets", summary.Resets);
            json.WriteNumber("over_rate", summary.OverRate);
            json.WriteNumber("duplicates_failed", summary.DuplicatesFailed);
            json.WriteNumber("unmatched", summary.Unmatched);
            json.WriteNumber("kernel_queue_dropped", summary.KernelQueueDropped);
            json.WriteNumber("kernel_user_dropped", summary.KernelUserDropped);
            json.WriteNumber("escaped", summary.Escaped);
        });
    }

    private void WriteJson(in InterceptedFate fate)
    {
        PacketMetadata metadata = fate.Packet.Metadata;
        ImpairmentDecision decision = fate.Decision;
        int captured = fate.Packet.Data.Length;
        string summary = _formatter.Summarize(fate.Packet.Parse()).ToString();
        string hook = FirewallHooks.NameOf(fate.Hook);
        ushort queue = fate.Queue;
        uint id = fate.Id;
        bool isEdited = !fate.Changed.IsEmpty;
        string? note = fate.Note;
        PacketOrigin origin = _origins.Read(in fate);
        output.WriteJson("packet", json =>
        {
            json.WriteNumber("number", _number);
            json.WriteNumber("timestamp_ns", metadata.Timestamp.Nanoseconds);
            json.WriteNumber("captured_length", captured);
            json.WriteNumber("original_length", metadata.OriginalLength);
            json.WriteString("hook", hook);
            json.WriteNumber("queue", queue);
            json.WriteNumber("queue_packet_id", id);
            origin.Write(json);
            json.WriteString("verdict", decision.Drop ? "drop" : "accept");
            json.WriteNumber("delay_ms", decision.DelayNanoseconds / 1e6);
            json.WriteBoolean("duplicated", decision.Duplicate);
            json.WriteBoolean("overtakes", decision.Overtakes);
            json.WriteBoolean("corrupted", decision.Corrupt);
            json.WriteBoolean("edited", isEdited);
            if (note is not null)
            {
                json.WriteString("note", note);
            }

            json.WriteString("summary", summary);
        });
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
