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
        @media (prefers-color-scheme:dark){body{background:#14171c}#tip{background:#22272ef2;color:#e6e9ed;border-color:#414a55}}
        """;

    // The numbers come from JSON.parse and reach the page as text only.
    private const string Script = """
        "use strict";
        const data = JSON.parse(document.getElementById("data").textContent);
        const svg = document.querySelector("svg");
        const tip = document.getElementById("tip");
        const cross = document.createElementNS(svg.namespaceURI, "path");
        cross.setAttribute("class", "cross");
        svg.append(cross);
        const reach = 14;
        const scale = (axis, value) => axis[2] + (Math.min(Math.max(value, axis[0]), axis[1]) - axis[0]) / (axis[1] - axis[0]) * (axis[3] - axis[2]);
        const back = (axis, pixel) => axis[0] + (pixel - axis[2]) / (axis[3] - axis[2]) * (axis[1] - axis[0]);
        const seconds = ns => (ns / 1e9).toFixed(6) + " s";
        const times = count => count > 1 ? ", " + count + " in one" : "";

        function nearest(panel, x, y) {
          let best = null, least = reach;
          const test = (time, left, right, text) => {
            const low = scale(panel.y, left), high = scale(panel.y, right);
            const dy = y > low ? y - low : y < high ? high - y : 0;
            const distance = Math.hypot(x - scale(panel.x, time), dy);
            if (distance < least) { least = distance; best = text; }
          };
          for (const [t, n, left, right, count, words] of panel.segments)
            test(t, left, right, () => `packet ${n}  ${seconds(t)}\n${words || "segment"}\n${left} to ${right} (${right - left})${times(count)}`);
          for (const [t, n, left, right, count, words] of panel.sacks)
            test(t, left, right, () => `packet ${n}  ${seconds(t)}\n${words}\n${left} to ${right} (${right - left})${times(count)}`);
          for (const [t, n, at, count, words] of panel.marks)
            test(t, at, at, () => `packet ${n}  ${seconds(t)}\n${words} at ${at}${times(count)}`);
          return best;
        }

        function edgesAt(panel, time) {
          let low = 0, high = panel.edges.length;
          while (low < high) {
            const middle = (low + high) >> 1;
            if (panel.edges[middle][0] <= time) low = middle + 1; else high = middle;
          }
          if (low === 0) return "";
          const [, una, next, edge] = panel.edges[low - 1];
          const window = edge === null ? "unknown" : `${edge} (${edge - una} open)`;
          return `acknowledged  ${una}\nsend head     ${next} (${next - una} in flight)\nwindow edge   ${window}`;
        }

        svg.addEventListener("pointermove", event => {
          const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
          const panel = data.panels.find(p => point.x >= p.x[2] && point.x <= p.x[3] && point.y >= p.y[3] && point.y <= p.y[2]);
          if (!panel) { leave(); return; }
          const time = back(panel.x, point.x);
          const found = nearest(panel, point.x, point.y);
          tip.textContent = (found ? found() + "\n\n" : "") + `${seconds(time)}\n${edgesAt(panel, time)}`;
          tip.style.display = "block";
          const box = tip.getBoundingClientRect();
          tip.style.left = (event.clientX + 16 + box.width > innerWidth ? event.clientX - box.width - 12 : event.clientX + 16) + "px";
          tip.style.top = Math.max(4, Math.min(event.clientY + 16, innerHeight - box.height - 4)) + "px";
          cross.setAttribute("d", `M${point.x} ${panel.y[3]}V${panel.y[2]}M${panel.x[2]} ${point.y}H${panel.x[3]}`);
        });
        function leave() { tip.style.display = "none"; cross.setAttribute("d", ""); }
        svg.addEventListener("pointerleave", leave);
        """;

    internal static string Write(TimeSequenceRecorder recorder, string source)
    {
        var picture = new TimeSequenceSvg(recorder, source);
        var page = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<title>{GraphWords.Xml(picture.Title)}</title>\n<style>{Style}</style>\n</head>\n<body>\n");
        page.Append(picture.Write());
        page.Append("<div id=\"tip\"></div>\n<script type=\"application/json\" id=\"data\">");
        page.Append(Data(recorder, picture));
        page.Append(CultureInfo.InvariantCulture, $"</script>\n<script>\n{Script}\n</script>\n</body>\n</html>\n");
        return page.ToString().ReplaceLineEndings("\n");
    }

    // The writer's own encoder escapes <, > and &: the numbers can't end their element.
    private static string Data(TimeSequenceRecorder recorder, TimeSequenceSvg picture)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("panels");
            WritePanel(json, recorder.FromClient!, picture.FromClient);
            WritePanel(json, recorder.FromServer!, picture.FromServer);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WritePanel(Utf8JsonWriter json, TimeSequenceDirection direction, TimeSequencePanel panel)
    {
        json.WriteStartObject();
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
