using System.Globalization;
using Interceptor.Cli.Output;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>What a replay did, for people and for programs.</summary>
internal static class ReplaySummary
{
    /// <summary>The counters while it runs.</summary>
    internal static string Counters(ReplayReport report) =>
        string.Create(CultureInfo.InvariantCulture, $"{report.Packets} packets ({report.Bytes} bytes) sent, {report.Skipped} skipped");

    /// <summary>The summary: lines, or the last NDJSON object.</summary>
    /// <param name="report">What was done.</param>
    /// <param name="text">Where lines go: standard output, or error where a capture is written there.</param>
    /// <param name="output">Where JSON goes.</param>
    /// <param name="dry">It was a rehearsal.</param>
    /// <param name="sides">Tells what left on which side; null for a replay of one.</param>
    internal static void Write(ReplayReport report, TextWriter text, CommandOutput output, bool dry, TwoSidedReplay? sides)
    {
        if (output.Json)
        {
            WriteJson(report, output, sides);
            return;
        }

        CultureInfo culture = CultureInfo.InvariantCulture;
        text.WriteLine(string.Create(culture,
            $"{(dry ? "Dry run" : "Actual")}: {report.Packets} packets ({report.Bytes} bytes) {(dry ? "would be sent" : "sent")} in {report.ElapsedNanoseconds / 1e9:F6} seconds"));
        text.WriteLine(string.Create(culture, $"Rated: {report.PacketsPerSecond:F2} packets/s, {report.DataRate}"));
        sides?.Write(text);
        if (report.Failed + report.Skipped > 0)
        {
            text.WriteLine(string.Create(culture,
                $"Not sent: {report.Failed} failed, {report.NotMatching} did not match, {report.OtherLinkType} of another link type"));
        }

        if (report.Timing.Count > 0 && !dry)
        {
            text.WriteLine(string.Create(culture,
                $"Timing error: p50 {Milliseconds(report.Timing.Percentile(0.5)):F3} ms, p99 {Milliseconds(report.Timing.Percentile(0.99)):F3} ms, max {Milliseconds(report.Timing.Maximum):F3} ms"));
        }
    }

    private static void WriteJson(ReplayReport report, CommandOutput output, TwoSidedReplay? sides) => output.WriteJson("summary", json =>
    {
        json.WriteNumber("packets", report.Packets);
        json.WriteNumber("bytes", report.Bytes);
        json.WriteNumber("elapsed_ms", Milliseconds(report.ElapsedNanoseconds));
        json.WriteNumber("packets_per_second", report.PacketsPerSecond);
        json.WriteNumber("bits_per_second", report.DataRate.BitsPerSecond);
        json.WriteNumber("failed", report.Failed);
        json.WriteNumber("skipped", report.Skipped);
        json.WriteNumber("truncated", report.Truncated);
        sides?.Write(json);
        json.WriteBoolean("interrupted", report.Interrupted);
        json.WriteStartObject("timing_error_ms");
        json.WriteNumber("p50", Milliseconds(report.Timing.Percentile(0.5)));
        json.WriteNumber("p99", Milliseconds(report.Timing.Percentile(0.99)));
        json.WriteNumber("max", Milliseconds(report.Timing.Maximum));
        json.WriteEndObject();
    });

    private static double Milliseconds(long nanoseconds) => nanoseconds / 1e6;
}
