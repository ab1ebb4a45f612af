using System.Globalization;
using System.Text.Json;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Demo;

/// <summary>Prints what the demo measured: a timeline and a verdict for people, or one line for each step and the summary as NDJSON.</summary>
internal static class RestoreDemoOutput
{
    /// <summary>An act that is over: for people all of it, as NDJSON its steps.</summary>
    internal static void WriteAct(RestoreDemoReport report, CommandOutput output)
    {
        if (!output.Json)
        {
            WriteText(report, output.Text);
            return;
        }

        foreach (DemoStep step in report.Steps)
        {
            output.WriteJson("step", json =>
            {
                json.WriteNumber("act", report.Act);
                json.WriteString("step", step.Name);
                json.WriteNumber("ms", Math.Round(step.Milliseconds, 3));
            });
        }
    }

    /// <summary>As NDJSON: the first act's keys, and all acts with the same keys each. The whole is intact where every act is.</summary>
    internal static void WriteSummary(IReadOnlyList<RestoreDemoReport> acts, CommandOutput output) => output.WriteJson("summary", json =>
    {
        json.WriteBoolean("intact", acts.All(static act => act.Intact));
        WriteFields(acts[0], json);
        json.WriteString("error", acts.Select(static act => act.Error).FirstOrDefault(static error => error is not null));
        json.WriteStartArray("acts");
        foreach (RestoreDemoReport act in acts)
        {
            json.WriteStartObject();
            json.WriteNumber("act", act.Act);
            json.WriteString("title", TitleOf(act.Act));
            json.WriteBoolean("intact", act.Intact);
            WriteFields(act, json);
            json.WriteString("error", act.Error);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    internal static string TitleOf(int act) => act switch
    {
        1 => "the same host, another process",
        2 => "another namespace takes over the address",
        _ => "from a capture alone, the server and its host being gone",
    };

    private static void WriteFields(RestoreDemoReport report, Utf8JsonWriter json)
    {
        json.WriteNumber("bytes", Math.Min(report.Upload.ReceivedBytes, report.Download.ReceivedBytes));
        json.WriteString("client_sha256", report.ClientSha256);
        json.WriteString("server_sha256", report.ServerSha256);
        json.WriteNumber("freeze_ms", Math.Round(report.FreezeMilliseconds, 3));
        json.WriteNumber("held_packets", report.Incoming.Held + report.Outgoing.Held);
        json.WriteNumber("reinjected_packets", report.Incoming.Reinjected + report.Outgoing.Reinjected);
        json.WriteNumber("resets_seen", report.ResetsSeen);
        json.WriteNumber("fins_seen_while_frozen", report.FinsSeenWhileFrozen);
        json.WriteNumber("retransmitted_segments", report.RetransmittedSegments);
        json.WriteNumber("image_bytes", report.ImageBytes);
        json.WriteStartArray("steps");
        foreach (DemoStep step in report.Steps)
        {
            json.WriteStartObject();
            json.WriteString("step", step.Name);
            json.WriteNumber("ms", Math.Round(step.Milliseconds, 3));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteHold(json, "incoming", report.Incoming);
        WriteHold(json, "outgoing", report.Outgoing);
        WriteStream(json, "upload", report.Upload);
        WriteStream(json, "download", report.Download);
        json.WriteNumber("moved_unread_bytes", report.Queues.Unread);
        json.WriteNumber("moved_in_flight_bytes", report.Queues.InFlight);
        json.WriteNumber("moved_unsent_bytes", report.Queues.Unsent);
    }

    private static void WriteHold(Utf8JsonWriter json, string name, DemoHold hold)
    {
        json.WriteStartObject(name);
        json.WriteNumber("held", hold.Held);
        json.WriteNumber("reinjected", hold.Reinjected);
        json.WriteNumber("dropped", hold.Dropped);
        json.WriteNumber("lost", hold.Lost);
        json.WriteEndObject();
    }

    private static void WriteStream(Utf8JsonWriter json, string name, DemoStream stream)
    {
        json.WriteStartObject(name);
        json.WriteNumber("sent_bytes", stream.SentBytes);
        json.WriteString("sent_sha256", stream.SentSha256);
        json.WriteNumber("received_bytes", stream.ReceivedBytes);
        json.WriteString("received_sha256", stream.ReceivedSha256);
        json.WriteEndObject();
    }

    private static void WriteText(RestoreDemoReport report, TextWriter text)
    {
        if (report.Steps.Count > 0)
        {
            text.WriteLine();
            text.WriteLine("  step                            ms");
            foreach (DemoStep step in report.Steps)
            {
                text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {step.Name,-24}{step.Milliseconds,10:0.000}{(step.IsFrozen ? "  frozen" : "")}"));
            }

            text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"frozen, altogether",-24}{report.FreezeMilliseconds,10:0.000}"));
            text.WriteLine();
        }

        if (report.ImageBytes > 0)
        {
            Line(text, report.Act == 3 ? "rebuilt from packets" : "moved with the socket", $"{report.Queues.Unread} bytes unread");
            Line(text, "", $"{report.Queues.InFlight} sent and unacknowledged, {report.Queues.Unsent} unsent");
            Line(text, "session image", $"{report.ImageBytes} bytes");
            Line(text, "went on at", $"byte {report.Offsets.Read} of the upload,");
            Line(text, "", $"byte {report.Offsets.Written} of the download");
            if (report.Act != 3)
            {
                WriteHold(text, "held to the server", report.Incoming);
                WriteHold(text, "held from the server", report.Outgoing);
            }
        }

        Line(text, "resets", $"{report.ResetsSeen}");
        Line(text, "FINs while frozen", $"{report.FinsSeenWhileFrozen}");
        Line(text, "retransmitted segments", $"{report.RetransmittedSegments} since the move began");
        WriteStream(text, "upload", report.Upload, report.Bytes);
        WriteStream(text, "download", report.Download, report.Bytes);
        text.WriteLine();
        text.WriteLine(Verdict(report));
    }

    private static void WriteHold(TextWriter text, string name, DemoHold hold)
    {
        string lost = hold.Lost == 0 ? "" : $", {hold.Lost} lost";
        Line(text, name, $"{hold.Held} packets: {hold.Reinjected} reinjected{lost},");
        Line(text, "", $"{hold.Dropped} dropped for the new socket to send anew");
    }

    private static void WriteStream(TextWriter text, string name, DemoStream stream, long bytes)
    {
        string verdict = stream.IsIntact(bytes) ? "intact" : "NOT INTACT";
        Line(text, name, $"{stream.ReceivedBytes} of {bytes} bytes, {verdict}");
        if (stream.SentSha256.Length > 0)
        {
            // Indented less than the rest: with their hash they fill 80 columns.
            text.WriteLine($"    sent      {stream.SentSha256}");
            text.WriteLine($"    received  {stream.ReceivedSha256}");
        }
    }

    private static string Verdict(RestoreDemoReport report)
    {
        if (report.Error is { } error)
        {
            return $"FAILED: {Printable.Escape(error)}";
        }

        if (!report.Intact)
        {
            return "FAILED: what arrived is not what was sent.";
        }

        if (report.ResetsSeen > 0)
        {
            return $"FAILED: all bytes arrived, but {report.ResetsSeen} resets were seen.";
        }

        return report.FinsSeenWhileFrozen > 0
            ? $"FAILED: all bytes arrived, but {report.FinsSeenWhileFrozen} FINs were seen while the connection was frozen."
            : string.Create(CultureInfo.InvariantCulture,
                $"INTACT: the connection went on {HowOf(report.Act)} after {report.FreezeMilliseconds:0.0} ms;\nevery byte of both directions arrived, and the client saw nothing but the pause.");
    }

    private static string HowOf(int act) => act switch
    {
        1 => "in another process",
        2 => "in another namespace",
        _ => "from its packets alone",
    };

    private static void Line(TextWriter text, string name, string value) => text.WriteLine($"  {name,-24}{value}");
}
