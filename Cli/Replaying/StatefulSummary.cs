using System.Globalization;
using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Cli.Output;
using Interceptor.Packets;
using Interceptor.Replay.Stateful;

namespace Interceptor.Cli.Replaying;

/// <summary>What a stateful replay did, at its end.</summary>
internal static class StatefulSummary
{
    /// <summary>For the progress line.</summary>
    internal static string Counters(StatefulReplayReport report) => string.Create(CultureInfo.InvariantCulture,
        $"{report.Connections - report.Open} of {report.Total} connections, {report.Open} open, {report.Matched} matched, {report.Diverged} diverged");

    /// <param name="report">What was done.</param>
    /// <param name="set">What could be.</param>
    /// <param name="asClient">Which side was played.</param>
    /// <param name="output">Takes it.</param>
    internal static void Write(StatefulReplayReport report, ConversationSet set, bool asClient, CommandOutput output)
    {
        if (output.Json)
        {
            output.WriteJson("summary", json => WriteJson(json, report, set));
            return;
        }

        string also = Also(report.Total - report.Connections, "not begun") + Also(report.Interrupted, "cut short") + Also(report.Unexpected, "not expected") + Also(set.Skipped.Count, "not playable");
        string masked = report.Masked > 0 ? $", {report.Masked} masked" : "";
        output.Text.WriteLine($"Played: {Counted.Of(report.Connections, "connection")}, {report.Matched} matched, {report.Diverged} diverged ({Counted.Of(report.Divergences, "difference")}{masked}){also}");
        output.Text.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Actual: {report.Packets} packets' data ({report.Bytes} bytes) sent, {report.ReceivedBytes} bytes received in {report.ElapsedNanoseconds / 1e9:F6} seconds, {report.MostOpen} open at most"));
        if (report.Answers.Count > 0)
        {
            output.Text.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{(asClient ? "Answers" : "Clients")}: p50 {Milliseconds(report.Answers, 0.5):F3} ms, p99 {Milliseconds(report.Answers, 0.99):F3} ms; in the capture p50 {Milliseconds(report.CapturedAnswers, 0.5):F3} ms, p99 {Milliseconds(report.CapturedAnswers, 0.99):F3} ms"));
        }
    }

    private static string Also(long count, string words) => count > 0 ? $", {count} {words}" : "";

    private static void WriteJson(Utf8JsonWriter json, StatefulReplayReport report, ConversationSet set)
    {
        json.WriteNumber("connections", report.Connections);
        json.WriteNumber("matched", report.Matched);
        json.WriteNumber("diverged", report.Diverged);
        json.WriteNumber("divergences", report.Divergences);
        json.WriteNumber("masked", report.Masked);
        json.WriteNumber("skipped", set.Skipped.Count);
        json.WriteNumber("failed", report.Connections - report.Opened);
        json.WriteNumber("not_begun", report.Total - report.Connections);
        json.WriteNumber("not_asked", report.NotAsked);
        json.WriteNumber("unexpected", report.Unexpected);
        json.WriteNumber("interrupted", report.Interrupted);
        json.WriteNumber("packets", report.Packets);
        json.WriteNumber("bytes", report.Bytes);
        json.WriteNumber("received_bytes", report.ReceivedBytes);
        json.WriteNumber("elapsed_ms", report.ElapsedNanoseconds / 1e6);
        json.WriteNumber("packets_per_second", report.ElapsedNanoseconds <= 0 ? 0 : report.Packets * 1e9 / report.ElapsedNanoseconds);
        json.WriteNumber("bits_per_second", DataRate.Of(report.Bytes, report.ElapsedNanoseconds).BitsPerSecond);
        json.WriteNumber("open_at_most", report.MostOpen);
        json.WriteNumber("captured_sequences", report.CapturedSequences);
        json.WriteNumber("other_ports", report.OtherPorts);
        WriteTimes(json, "timing_error_ms", report.Timing);
        WriteTimes(json, "answer_ms", report.Answers);
        WriteTimes(json, "captured_answer_ms", report.CapturedAnswers);
        json.WriteString("error", set.Damage?.Message);
    }

    private static void WriteTimes(Utf8JsonWriter json, string key, TimingErrors times)
    {
        json.WriteStartObject(key);
        json.WriteNumber("p50", Milliseconds(times, 0.5));
        json.WriteNumber("p99", Milliseconds(times, 0.99));
        json.WriteNumber("max", times.Maximum / 1e6);
        json.WriteEndObject();
    }

    private static double Milliseconds(TimingErrors times, double share) => times.Percentile(share) / 1e6;
}
