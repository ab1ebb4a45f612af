using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Interceptor.Tcp.Graph;

namespace Interceptor.Cli.Graph;

/// <summary>The picture as one page that loads nothing: the SVG, its numbers as JSON, and a script that shows what is under the pointer.</summary>
internal static class TimeSequenceHtml
{
    private const string Style = """
        :root{color-scheme:light dark}body{margin:0;background:#fff}svg{display:block;width:100%;height:auto;max-height:100vh}
        #tip{position:fixed;display:none;pointer-events:none;white-space:pre;font:12px ui-monospace,"DejaVu Sans Mono",monospace;line-height:1.45;
        padding:7px 10px;border-radius:6px;border:1px solid #cbd2d9;background:#fffffff2;color:#1f2933;box-shadow:0 3px 12px #0003}
        #hint{position:absolute;top:14px;right:24px;margin:0;font:12px system-ui,sans-serif;color:#52606d}.selection{fill:#3b82f6;fill-opacity:.15;stroke:#3b82f6}
        @media (prefers-color-scheme:dark){body{background:#14171c}#hint{color:#9aa5b1}#tip{background:#22272ef2;color:#e6e9ed;border-color:#414a55}}
        """;

    internal static string Write(TimeSequenceRecorder recorder, string source, (long From, long To)? frozen = null)
    {
        var picture = new TimeSequenceSvg(recorder, source, frozen);
        var page = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<title>{GraphWords.Xml(picture.Title)}</title>\n<style>{Style}</style>\n</head>\n<body>\n");
        page.Append(picture.Write());
        page.Append("<p id=\"hint\">drag or turn the wheel to zoom into a time, double click for all of it</p>\n");
        page.Append("<div id=\"tip\"></div>\n<script type=\"application/json\" id=\"data\">");
        page.Append(Data(recorder, picture, frozen));
        page.Append(CultureInfo.InvariantCulture, $"</script>\n<script>\n{TimeSequenceScript.Details}\n{TimeSequenceScript.Zoom}\n</script>\n</body>\n</html>\n");
        return page.ToString().ReplaceLineEndings("\n");
    }

    // The writer's own encoder escapes <, > and &: the numbers can't end their element.
    private static string Data(TimeSequenceRecorder recorder, TimeSequenceSvg picture, (long From, long To)? frozen)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("panels");
            WritePanel(json, "client", recorder.FromClient!, picture.FromClient);
            WritePanel(json, "server", recorder.FromServer!, picture.FromServer);
            json.WriteEndArray();
            if (frozen is { } still)
            {
                json.WriteStartArray("frozen");
                WriteNumbers(json, still.From, still.To);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WritePanel(Utf8JsonWriter json, string id, TimeSequenceDirection direction, TimeSequencePanel panel)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        WriteAxis(json, "x", panel.Time);
        WriteAxis(json, "y", panel.Sequence);
        WriteRows(json, "segments", direction.Segments.Concat(direction.Retransmissions), (in TimeSequenceSegment item) =>
        {
            WriteNumbers(json, item.Time, item.Number, item.Left, item.Right, item.Count);
            json.WriteStringValue(GraphWords.Of(item.Kinds));
        });
        WriteRows(json, "sacks", direction.Sacks, (in TimeSequenceRange item) =>
        {
            WriteNumbers(json, item.Time, item.Number, item.Left, item.Right, item.Count);
            json.WriteStringValue(item.IsDuplicate ? "D-SACK" : "SACK");
        });
        WriteRows(json, "marks", direction.Marks, (in TimeSequenceMark item) =>
        {
            WriteNumbers(json, item.Time, item.Number, item.Position, item.Count);
            json.WriteStringValue(GraphWords.Of(item.Kind));
        });
        WriteRows(json, "edges", direction.Edges, (in TimeSequenceEdges item) =>
        {
            WriteNumbers(json, item.Time, item.Acknowledged, item.SendHead);
            if (item.WindowEdge is { } edge)
            {
                json.WriteNumberValue(edge);
            }
            else
            {
                json.WriteNullValue();
            }
        });
        json.WriteEndObject();
    }

    private delegate void RowWriter<T>(in T item);

    private static void WriteRows<T>(Utf8JsonWriter json, string key, IEnumerable<T> items, RowWriter<T> write)
    {
        json.WriteStartArray(key);
        foreach (T item in items)
        {
            json.WriteStartArray();
            write(in item);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void WriteAxis(Utf8JsonWriter json, string key, Axis axis)
    {
        json.WriteStartArray(key);
        json.WriteNumberValue(axis.Low);
        json.WriteNumberValue(axis.High);
        json.WriteNumberValue(axis.Start);
        json.WriteNumberValue(axis.End);
        json.WriteEndArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, params ReadOnlySpan<long> values)
    {
        foreach (long value in values)
        {
            json.WriteNumberValue(value);
        }
    }
}
