using System.Globalization;
using System.Text;
using Interceptor.Cli.Output;
using Interceptor.Tcp;
using Interceptor.Tcp.Graph;

namespace Interceptor.Cli.Graph;

/// <summary>The time-sequence picture of a connection: both directions over one axis of time. Self-contained, for light and dark.</summary>
internal sealed class TimeSequenceSvg
{
    internal const double Width = 1400;
    internal const double Height = 900;

    // Characters of the source's name that leave room for the rest of its line.
    private const int LongestName = 46;
    private const double FirstTop = 126;
    private const double SecondTop = 534;

    private const string Style = """
        .page{fill:#fff}text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#1f2933}
        .title{font-size:21px;font-weight:600}.sub,.axis text,.legend text{fill:#52606d}.heading{font-size:14px;font-weight:600}.note{fill:#52606d}
        .plot{fill:#fbfcfd}.grid{stroke:#e4e8ec;fill:none}.frame{fill:none;stroke:#cbd2d9}
        path{fill:none}.queue{fill:#3b82f6;fill-opacity:.13}.head{stroke:#60a5fa;stroke-width:1}.acknowledged{stroke:#15803d;stroke-width:1.4}
        .window{stroke:#b07d12;stroke-width:1.3;stroke-dasharray:5 3}.segment{stroke:#1d4ed8;stroke-width:2}.reordered{stroke:#0e9aa7;stroke-width:3}
        .probe{stroke:#64748b;stroke-width:4}.retransmission{stroke:#dc2626;stroke-width:2.6;fill:#dc2626}.sack{stroke:#9333ea;stroke-width:1.8}
        .dsack{stroke:#db2777;stroke-width:2.4}.duplicate{stroke:#15803d;stroke-width:1.3}.zero{fill:#f59e0b;stroke:#7c4a03;stroke-width:.8}
        .flag{fill:#1f2933}.reset{fill:#dc2626}.flag-text,.reset-text{font-size:11px;font-weight:600}.reset-text{fill:#b91c1c}
        .cross{stroke:#52606d;stroke-dasharray:2 3}.frozen{fill:#38bdf8;fill-opacity:.28}.frozen-text{font-size:11px;fill:#0369a1}
        @media (prefers-color-scheme:dark){.page{fill:#14171c}text{fill:#e6e9ed}.sub,.axis text,.legend text,.note{fill:#9aa5b1}.plot{fill:#191d23}
        .grid{stroke:#2a3038}.frame{stroke:#414a55}.queue{fill:#60a5fa;fill-opacity:.16}.head{stroke:#3f7fd0}.acknowledged,.duplicate{stroke:#4ade80}
        .window{stroke:#e0b04a}.segment{stroke:#8ab8ff}.reordered{stroke:#4dd6e0}.probe{stroke:#94a3b8}.retransmission{stroke:#ff6b6b;fill:#ff6b6b}
        .sack{stroke:#c792ff}.dsack{stroke:#f472b6}.zero{fill:#fbbf24;stroke:#14171c}.flag{fill:#e6e9ed}.reset{fill:#ff6b6b}.reset-text{fill:#ff8f8f}
        .cross{stroke:#9aa5b1}.frozen-text{fill:#7dd3fc}}
        """;

    private static readonly (string Class, string Shape, string Text)[] Legend =
    [
        ("segment", "M5 -6V6M11 -2V6", "segment sent"),
        ("retransmission", "M7 -7V2M7 3l-3.5 5h7z", "retransmission"),
        ("reordered", "M7 -6V6", "out of order"),
        ("head", "M0 4H7V-4H16", "send head (SndNxt)"),
        ("acknowledged", "M0 4H7V-4H16", "acknowledged (SndUna)"),
        ("queue", "M0 -6H16V6H0Z", "write queue"),
        ("window", "M0 0H18", "window edge"),
        ("sack", "M7 -6V6", "SACK"),
        ("dsack", "M7 -6V6", "D-SACK"),
        ("duplicate", "M4 -3l6 6m0 -6l-6 6", "duplicate ACK"),
        ("zero", "M8 -5l5 5l-5 5l-5 -5z", "zero window"),
        ("probe", "M7 -3V3", "probe"),
    ];

    private readonly TimeSequenceRecorder _recorder;
    private readonly string _source;
    private readonly (long From, long To)? _frozen;

    /// <param name="recorder">What was recorded.</param>
    /// <param name="source">Where.</param>
    /// <param name="frozen">A time in which the connection stood still, ns from its first packet; null for none.</param>
    internal TimeSequenceSvg(TimeSequenceRecorder recorder, string source, (long From, long To)? frozen = null)
    {
        _frozen = frozen;
        _recorder = recorder;
        _source = source;
        (long first, long last) = Times(recorder);
        FromClient = new TimeSequencePanel(recorder.FromClient!, FirstTop, first, Math.Max(last, first + 1000));
        FromServer = new TimeSequencePanel(recorder.FromServer!, SecondTop, first, Math.Max(last, first + 1000));
    }

    internal TimeSequencePanel FromClient { get; }

    internal TimeSequencePanel FromServer { get; }

    /// <summary>The endpoints, as the title has them.</summary>
    internal string Title => $"{_recorder.Connection!.Client.Address} → {_recorder.Connection.Server.Address}";

    internal string Write()
    {
        TcpConnection connection = _recorder.Connection!;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" role=\"img\" aria-labelledby=\"title\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<style>{Style.ReplaceLineEndings("\n")}</style>\n<rect class=\"page\" width=\"{Width}\" height=\"{Height}\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text id=\"title\" class=\"title\" x=\"24\" y=\"36\">{GraphWords.Xml(Title)}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"sub\" x=\"24\" y=\"57\">{GraphWords.Xml(Subtitle(connection))}</text>\n");
        WriteLegend(svg);
        WriteDirection(svg, FromClient, _recorder.FromClient!, FirstTop, "client");
        WriteDirection(svg, FromServer, _recorder.FromServer!, SecondTop, "server");
        return svg.Append("</svg>\n").ToString();
    }

    private static (long First, long Last) Times(TimeSequenceRecorder recorder)
    {
        long first = 0;
        long last = recorder.Connection!.LastPacketAt - recorder.Connection.FirstPacketAt;
        foreach (TimeSequenceDirection direction in (TimeSequenceDirection[])[recorder.FromClient!, recorder.FromServer!])
        {
            foreach (long time in direction.Segments.Concat(direction.Retransmissions).Select(item => item.Time)
                .Concat(direction.Edges.Select(item => item.Time)).Concat(direction.Marks.Select(item => item.Time)))
            {
                first = Math.Min(first, time);
                last = Math.Max(last, time);
            }
        }

        return (first, last);
    }

    private string Subtitle(TcpConnection connection)
    {
        string opening = connection.Opening == TcpOpening.Handshake ? "" : " · no handshake seen: windows unscaled";
        string joined = _recorder.FromClient!.IsDownsampled || _recorder.FromServer!.IsDownsampled
            ? " · downsampled: neighbours in time drawn as one, each retransmission drawn" : "";
        string name = Printable.Escape(_source);
        name = name.Length <= LongestName ? name : $"{name[..(LongestName - 1)]}…";
        long duration = connection.LastPacketAt - connection.FirstPacketAt;
        return string.Create(CultureInfo.InvariantCulture,
            $"{name}, connection {connection.Id} · {GraphWords.Count(connection.Packets, "segment")} in {GraphWords.Duration(duration)}{opening}{joined}");
    }

    private static void WriteLegend(StringBuilder svg)
    {
        const double GlyphWidth = 6.9;
        double x = 24;
        svg.Append("<g class=\"legend\">\n");
        foreach ((string name, string shape, string text) in Legend)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate({x:0.#} 80)\"><path class=\"{name}\" d=\"{shape}\"/><text x=\"22\" y=\"4\">{text}</text></g>\n");
            x += 22 + (text.Length * GlyphWidth) + 10;
        }

        svg.Append("</g>\n");
    }

    private void WriteDirection(StringBuilder svg, TimeSequencePanel panel, TimeSequenceDirection direction, double top, string id)
    {
        TcpEndpoint sender = direction.Sender;
        TcpDirectionCounters sent = sender.Counters;
        TcpDirectionCounters answered = sender.Peer.Counters;
        string other = id == "client" ? "server" : "client";
        string numbers = string.Join(", ",
            GraphWords.Count(sent.Packets, "segment"), GraphWords.Bytes(sender.Stream.StreamBytes), GraphWords.Count(sent.Retransmissions, "retransmission"),
            $"{GraphWords.Count(answered.DuplicateAcks, "duplicate ACK")} back", $"{GraphWords.Count(answered.ZeroWindows, "zero window")} back");
        string window = panel.IsWindowOutside ? $" · the window edge goes above the picture, up to {GraphWords.Bytes(panel.HighestWindow)}" : "";
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{TimeSequencePanel.Left}\" y=\"{top - 10}\"><tspan class=\"heading\">{GraphWords.Xml($"{id} {sender.Address} → {other}")}</tspan>");
        svg.Append(CultureInfo.InvariantCulture, $"<tspan class=\"note\" dx=\"12\">{GraphWords.Xml(numbers + window)}</tspan></text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"plot\" x=\"{TimeSequencePanel.Left}\" y=\"{top}\" width=\"{TimeSequencePanel.Right - TimeSequencePanel.Left}\" height=\"{TimeSequencePanel.Height}\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"sub\" transform=\"translate(20 {top + (TimeSequencePanel.Height / 2)}) rotate(-90)\" text-anchor=\"middle\">sequence number, relative</text>\n");
        panel.Write(svg, id, _frozen);
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"sub\" x=\"{(TimeSequencePanel.Left + TimeSequencePanel.Right) / 2}\" y=\"{top + TimeSequencePanel.Height + 36}\" text-anchor=\"middle\">time since the connection's first packet</text>\n");
    }
}
