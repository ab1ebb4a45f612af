using System.Globalization;
using System.Text.Json;
using Interceptor.Capture.Injection;
using Interceptor.Cli.Output;
using Interceptor.Cli.Rewriting;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>What a replay did, for people and for programs.</summary>
internal static class ReplaySummary
{
    private const int LongestBar = 40;

    /// <summary>Nanoseconds up to which errors are told together.</summary>
    private static readonly long[] Limits = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 10_000_000, 100_000_000];

    /// <summary>The summary: lines, or the last NDJSON object.</summary>
    /// <param name="report">What was done.</param>
    /// <param name="text">Where lines go: standard output, or error where a capture is written there.</param>
    /// <param name="output">Where JSON goes.</param>
    /// <param name="dry">It was a rehearsal.</param>
    /// <param name="sides">Tells what left on which side; null for a replay of one.</param>
    /// <param name="edited">Tells what was edited; null where packets were sent as captured.</param>
    internal static void Write(ReplayReport report, TextWriter text, CommandOutput output, bool dry, TwoSidedReplay? sides, EditedReplay? edited)
    {
        if (output.Json)
        {
            output.WriteJson("summary", json => WriteFields(json, report, sides, edited));
            return;
        }

        text.WriteLine(Line($"{(dry ? "Dry run" : "Actual")}: {report.Packets} packets ({report.Bytes} bytes) {(dry ? "would be sent" : "sent")} in {report.ElapsedNanoseconds / 1e9:F6} seconds"));
        double bytes = report.ElapsedNanoseconds <= 0 ? 0 : report.Bytes * 1e9 / report.ElapsedNanoseconds;
        text.WriteLine(Line($"Rated: {bytes:F1} Bps, {bytes * 8 / 1e6:F2} Mbps, {report.PacketsPerSecond:F2} pps"));
        text.WriteLine(Line($"Flows: {report.Flows} flows{(report.FlowsAreCapped ? " or more" : "")}, {report.FlowsPerSecond:F2} fps, {report.FlowPackets} flow packets, {report.Packets + report.Failed - report.FlowPackets} non-flow packets"));
        sides?.Write(text);
        edited?.Write(text);
        if (!dry)
        {
            text.WriteLine(Line($"Failed: {report.Failed} packets; waited for a full queue: {report.DeviceQueueWaits} times (ENOBUFS), {report.SocketBufferWaits} times (EAGAIN)"));
        }

        WriteSkipped(report, text);
        if (report.PausedNanoseconds > 0)
        {
            text.WriteLine(Line($"Paused: {report.PausedNanoseconds / 1e9:F3} seconds, in which nothing was due"));
        }

        if (report.Timing.Count > 0 && !dry)
        {
            WriteTiming(report, text);
        }
    }

    /// <summary>One <c>progress</c> object.</summary>
    internal static void WriteProgress(ReplayReport report, ReplayProgress progress, CommandOutput output) => output.WriteJson("progress", json =>
    {
        json.WriteNumber("packets", report.Packets);
        json.WriteNumber("bytes", report.Bytes);
        json.WriteNumber("skipped", report.Skipped);
        if (progress.Fraction() is { } part)
        {
            json.WriteNumber("done", Math.Round(part, 4));
        }
        else
        {
            json.WriteNull("done");
        }

        json.WriteBoolean("paused", progress.IsPaused);
    });

    private static void WriteSkipped(ReplayReport report, TextWriter text)
    {
        if (report.Skipped == 0)
        {
            return;
        }

        text.WriteLine(Line($"Not sent: {report.NotMatching} did not match, {report.OtherLinkType} of another link type, {report.CutSkipped} cut{(report.LeftOut > 0 ? $", {report.LeftOut} left out by the edits" : "")}"));
        foreach ((LinkType linkType, long packets) in report.OtherLinkTypes)
        {
            text.WriteLine(Line($"  {packets} of link type {linkType.GetName()}"));
        }
    }

    private static void WriteTiming(ReplayReport report, TextWriter text)
    {
        text.WriteLine(Line(
            $"Timing error: p50 {Milliseconds(report.Timing.Percentile(0.5)):F4} ms, p99 {Milliseconds(report.Timing.Percentile(0.99)):F4} ms, max {Milliseconds(report.Timing.Maximum):F4} ms; last packet {Milliseconds(report.LastErrorNanoseconds):F4} ms"));
        IReadOnlyList<long> counts = report.Timing.Distribution(Limits);
        long most = counts.Max();
        for (int index = 0; index < counts.Count; index++)
        {
            if (counts[index] > 0)
            {
                string limit = index < Limits.Length ? $"to {Duration(Limits[index])}" : $"over {Duration(Limits[^1])}";
                string bar = new('#', (int)Math.Max(1, counts[index] * LongestBar / most));
                text.WriteLine(Line($"  {limit,-12} {counts[index],10}  {bar}"));
            }
        }
    }

    private static void WriteFields(Utf8JsonWriter json, ReplayReport report, TwoSidedReplay? sides, EditedReplay? edited)
    {
        json.WriteNumber("packets", report.Packets);
        json.WriteNumber("bytes", report.Bytes);
        json.WriteNumber("elapsed_ms", Milliseconds(report.ElapsedNanoseconds));
        json.WriteNumber("paused_ms", Milliseconds(report.PausedNanoseconds));
        json.WriteNumber("packets_per_second", report.PacketsPerSecond);
        json.WriteNumber("bits_per_second", report.DataRate.BitsPerSecond);
        json.WriteNumber("flows", report.Flows);
        json.WriteBoolean("flows_capped", report.FlowsAreCapped);
        json.WriteNumber("flows_per_second", report.FlowsPerSecond);
        json.WriteNumber("flow_packets", report.FlowPackets);
        json.WriteNumber("failed", report.Failed);
        WriteFailures(json, report.Failures);
        json.WriteNumber("retried_enobufs", report.DeviceQueueWaits);
        json.WriteNumber("retried_eagain", report.SocketBufferWaits);
        json.WriteNumber("skipped", report.Skipped);
        json.WriteNumber("not_matching", report.NotMatching);
        json.WriteNumber("skipped_truncated", report.CutSkipped);
        json.WriteStartArray("other_link_types");
        foreach ((LinkType linkType, long packets) in report.OtherLinkTypes)
        {
            json.WriteStartObject();
            json.WriteString("link_type", linkType.GetName());
            json.WriteNumber("packets", packets);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("truncated", report.Truncated);
        sides?.Write(json);
        edited?.Write(json);
        json.WriteBoolean("interrupted", report.Interrupted);
        WriteTiming(json, report);
    }

    private static void WriteFailures(Utf8JsonWriter json, IReadOnlyList<InjectionFailure> failures)
    {
        json.WriteStartArray("failures");
        foreach (InjectionFailure failure in failures)
        {
            json.WriteStartObject();
            json.WriteString("reason", failure.Reason);
            json.WriteNumber("packets", failure.Packets);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTiming(Utf8JsonWriter json, ReplayReport report)
    {
        json.WriteStartObject("timing_error_ms");
        json.WriteNumber("p50", Milliseconds(report.Timing.Percentile(0.5)));
        json.WriteNumber("p99", Milliseconds(report.Timing.Percentile(0.99)));
        json.WriteNumber("max", Milliseconds(report.Timing.Maximum));
        json.WriteNumber("last", Milliseconds(report.LastErrorNanoseconds));
        json.WriteStartArray("distribution");
        IReadOnlyList<long> counts = report.Timing.Distribution(Limits);
        for (int index = 0; index < counts.Count; index++)
        {
            if (counts[index] > 0)
            {
                json.WriteStartObject();
                if (index < Limits.Length)
                {
                    json.WriteNumber("up_to", Milliseconds(Limits[index]));
                }
                else
                {
                    json.WriteNull("up_to");
                }

                json.WriteNumber("packets", counts[index]);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Duration(long nanoseconds) => nanoseconds < 1_000_000 ? $"{nanoseconds / 1000} us" : $"{nanoseconds / 1_000_000} ms";

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static double Milliseconds(long nanoseconds) => nanoseconds / 1e6;
}
