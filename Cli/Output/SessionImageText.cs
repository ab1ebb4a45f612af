using System.Globalization;
using System.Text.Json.Nodes;
using Interceptor.Checkpoint;

namespace Interceptor.Cli.Output;

/// <summary>A session image for people, from its session.json and, where they could be read, its bytes.</summary>
internal static class SessionImageText
{
    private const int LabelWidth = 16;

    internal static void Write(TextWriter text, JsonObject document, SessionImage? image, string? restored, IReadOnlyList<string> newer)
    {
        JsonObject connection = document["connection"]!.AsObject();
        text.Write($"session {document["id"]}: {connection["local"]}-{connection["peer"]} {connection["state"]}, taken {document["clock"]!["wall"]}\n");
        if (document["base"] is { } before)
        {
            Line(text, "based on", $"{before["id"]} at {before["path"]}, which has {before["receive_queue_bytes"]} of the bytes unread and {before["send_queue_bytes"]} of those unacknowledged");
        }

        bool isOfKernel = (string?)document["source"] != "capture";
        Line(text, "source", isOfKernel ? "the kernel's socket" : $"a capture; assumed: {string.Join(", ", document["assumed"]!.AsArray())}");
        JsonObject sequences = document["sequences"]!.AsObject();
        Line(text, "unread", $"{Distance(sequences, "copied_seq", "rcv_nxt")} bytes (copied_seq {sequences["copied_seq"]}, rcv_nxt {sequences["rcv_nxt"]})");
        Line(text, "unacknowledged", $"{Distance(sequences, "snd_una", "snd_nxt")} bytes (snd_una {sequences["snd_una"]}, snd_nxt {sequences["snd_nxt"]})");
        Line(text, "unsent", $"{Distance(sequences, "snd_nxt", "write_seq")} bytes (write_seq {sequences["write_seq"]})");
        Line(text, "windows", $"snd_wnd {sequences["snd_wnd"]}, rcv_wnd {sequences["rcv_wnd"]}, max_window {sequences["max_window"]}");
        Line(text, "options", Options(document["options"]!.AsObject()));
        JsonObject counters = document["counters"]!.AsObject();
        Line(text, "path", !isOfKernel ? $"rtt {Milliseconds(counters["rtt_microseconds"])} ms" : $"rtt {Milliseconds(counters["rtt_microseconds"])} ms, rto {Milliseconds(counters["rto_microseconds"])} ms, window {counters["congestion_window"]} segments of {counters["send_mss"]} bytes");
        Line(text, "streams", $"{counters["bytes_received"]} bytes received, {counters["bytes_acked"]} acknowledged, {counters["retransmissions"]} segments sent again");
        JsonObject socket = document["socket"]!.AsObject();
        Line(text, "socket", $"{(isOfKernel ? socket["congestion_control"] : "the machine's congestion control")}, buffers {socket["receive_buffer"]} and {socket["send_buffer"]} bytes");
        Line(text, "", string.Join(", ", socket["options"]!.AsObject().Select(static option => $"{option.Key} {string.Join('/', option.Value!.AsArray())}")));
        Held(text, image);
        Line(text, "lock", document["lock"] is { } held ? $"{held["comment"]} ({held["kind"]})" : "none");
        if (document["encryption"] is { } encryption)
        {
            Line(text, "encrypted", $"{encryption["cipher"]}, key {encryption["key_fingerprint"]}{(image is null ? "; its bytes were not read: give the key file with --key" : "")}");
        }

        foreach (string path in newer)
        {
            Line(text, "base of", path);
        }

        Line(text, "restored", restored is null ? "never" : restored);
        foreach (JsonNode? warning in document["warnings"]!.AsArray())
        {
            Line(text, "warning", warning!.ToString());
        }
    }

    private static void Held(TextWriter text, SessionImage? image)
    {
        if (image is not null)
        {
            int inbound = image.HeldPackets.Count(static packet => packet.IsInbound);
            Line(text, "held packets", $"{inbound} from the peer, {image.HeldPackets.Count - inbound} to it");
        }
    }

    private static string Options(JsonObject options)
    {
        var words = new List<string> { $"mss {options["mss"]}" };
        if (options["window_scaling"]!.GetValue<bool>())
        {
            words.Add($"window scale {options["snd_window_scale"]} (peer's) and {options["rcv_window_scale"]}");
        }

        if (options["sack_permitted"]!.GetValue<bool>())
        {
            words.Add("sack");
        }

        if (options["timestamps"]!.GetValue<bool>())
        {
            words.Add("timestamps");
        }

        return string.Join(", ", words);
    }

    private static uint Distance(JsonObject sequences, string from, string to) => unchecked(sequences[to]!.GetValue<uint>() - sequences[from]!.GetValue<uint>());

    private static string Milliseconds(JsonNode? microseconds) => (microseconds!.GetValue<uint>() / 1e3).ToString("0.###", CultureInfo.InvariantCulture);

    private static void Line(TextWriter text, string label, string value) => text.Write($"  {label.PadRight(LabelWidth)}{Printable.Escape(value)}\n");
}
