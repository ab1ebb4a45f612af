using System.Globalization;
using System.Text;
using Interceptor.Tcp.Graph;

namespace Interceptor.Cli.Graph;

/// <summary>One direction of a time-sequence picture as SVG elements. Pixels are those of the picture's view box.</summary>
internal sealed class TimeSequencePanel
{
    /// <summary>Left, right and height of the plot, pixels.</summary>
    internal const double Left = 92;
    internal const double Right = 1376;
    internal const double Height = 318;

    // How far above the data the window's edge may be, in their height, so that it does not press them flat.
    private const double WindowRoom = 0.6;
    private const double ShortestSegment = 2;

    private readonly TimeSequenceDirection _direction;
    private readonly double _top;

    internal TimeSequencePanel(TimeSequenceDirection direction, double top, double firstTime, double lastTime)
    {
        _direction = direction;
        _top = top;
        double pad = (lastTime - firstTime) * 0.012;
        Time = new Axis(firstTime - pad, lastTime + pad, Left, Right);
        (double low, double high) = DataRange(direction);
        double span = Math.Max(high - low, 16);
        double room = high + (WindowRoom * span);
        double[] windows = [.. direction.Edges.Where(edges => edges.HighestWindowEdge is not null).Select(edges => (double)edges.HighestWindowEdge!)];
        HighestWindow = windows.DefaultIfEmpty().Max();
        IsWindowOutside = HighestWindow > room;
        high = Math.Max(low + span, windows.Where(edge => edge <= room).DefaultIfEmpty().Max());
        Sequence = new Axis(low - (span * 0.04), high + ((high - low) * 0.06), top + Height, top);
    }

    internal Axis Time { get; }

    internal Axis Sequence { get; }

    /// <summary>The window's edge runs above the plot.</summary>
    internal bool IsWindowOutside { get; }

    internal double HighestWindow { get; }

    internal void Write(StringBuilder svg, string id, (long From, long To)? frozen = null)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<g id=\"panel-{id}\">\n");
        WriteGrid(svg);
        svg.Append(CultureInfo.InvariantCulture, $"<clipPath id=\"clip-{id}\"><rect x=\"{Left}\" y=\"{_top}\" width=\"{Right - Left}\" height=\"{Height}\"/></clipPath>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<g clip-path=\"url(#clip-{id})\">\n");
        if (frozen is { } still)
        {
            WriteFrozen(svg, still.From, still.To);
        }

        WriteEdges(svg);
        WriteSegments(svg);
        WriteSacks(svg);
        WriteRetransmissions(svg);
        svg.Append("</g>\n");
        WriteMarks(svg);
        svg.Append("</g>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"frame\" x=\"{Left}\" y=\"{_top}\" width=\"{Right - Left}\" height=\"{Height}\"/>\n");
    }

    private void WriteFrozen(StringBuilder svg, long from, long to)
    {
        const double Thinnest = 2;
        double x = Time.At(from);
        double width = Math.Max(Time.At(to) - x, Thinnest);
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"frozen\" x=\"{x:0.#}\" y=\"{_top}\" width=\"{width:0.#}\" height=\"{Height}\"><title>frozen for {GraphWords.Duration(to - from)}</title></rect>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"frozen-text\" x=\"{x + width + 4:0.#}\" y=\"{_top + Height - 8}\">frozen {GraphWords.Duration(to - from)}</text>\n");
    }

    private static (double Low, double High) DataRange(TimeSequenceDirection direction)
    {
        double low = double.MaxValue;
        double high = double.MinValue;
        foreach (TimeSequenceSegment segment in direction.Segments.Concat(direction.Retransmissions))
        {
            low = Math.Min(low, segment.Left);
            high = Math.Max(high, segment.Right);
        }

        foreach (TimeSequenceEdges edges in direction.Edges)
        {
            low = Math.Min(low, edges.Acknowledged);
            high = Math.Max(high, edges.SendHead);
        }

        return low <= high ? (low, high) : (0, 1);
    }

    private void WriteGrid(StringBuilder svg)
    {
        svg.Append("<g class=\"axis\">\n");
        foreach ((double value, string text) in Time.TimeTicks())
        {
            double x = Time.At(value);
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{x:0.#} {_top}V{_top + Height}\"/><text x=\"{x:0.#}\" y=\"{_top + Height + 17}\" text-anchor=\"middle\">{text}</text>\n");
        }

        foreach ((double value, string text) in Sequence.ByteTicks())
        {
            double y = Sequence.At(value);
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{Left} {y:0.#}H{Right}\"/><text x=\"{Left - 8}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{text}</text>\n");
        }

        svg.Append("</g>\n");
    }

    private void WriteEdges(StringBuilder svg)
    {
        IReadOnlyList<TimeSequenceEdges> edges = _direction.Edges;
        if (edges.Count == 0)
        {
            return;
        }

        string acknowledged = Steps(edges, item => (item.Acknowledged, item.Acknowledged, item.Acknowledged));
        string head = Steps(edges, item => (item.SendHead, item.SendHead, item.SendHead));
        string back = StepsBack(edges);
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"queue\" d=\"{head}{back}Z\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"window\" d=\"{Steps(edges, item => (item.WindowEdge, item.LowestWindowEdge, item.HighestWindowEdge))}\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"head\" d=\"{head}\"/>\n<path class=\"acknowledged\" d=\"{acknowledged}\"/>\n");
    }

    // Each value holds till the next; where one stands for several, a stroke goes over all of them.
    private string Steps(IReadOnlyList<TimeSequenceEdges> edges, Func<TimeSequenceEdges, (long? Value, long? Low, long? High)> of)
    {
        var path = new StringBuilder();
        bool isDrawing = false;
        foreach (TimeSequenceEdges item in edges)
        {
            (long? value, long? low, long? high) = of(item);
            if (value is not { } now)
            {
                continue;
            }

            path.Append(CultureInfo.InvariantCulture, $"{(isDrawing ? 'H' : 'M')}{Time.At(item.Time):0.#}");
            if (!isDrawing)
            {
                path.Append(CultureInfo.InvariantCulture, $" {Sequence.At(now):0.#}");
            }

            if (low != high)
            {
                path.Append(CultureInfo.InvariantCulture, $"V{Sequence.At(low!.Value):0.#}V{Sequence.At(high!.Value):0.#}");
            }

            path.Append(CultureInfo.InvariantCulture, $"V{Sequence.At(now):0.#}");
            isDrawing = true;
        }

        return isDrawing ? path.Append(CultureInfo.InvariantCulture, $"H{Right}").ToString() : "";
    }

    private string StepsBack(IReadOnlyList<TimeSequenceEdges> edges)
    {
        var path = new StringBuilder();
        for (int i = edges.Count - 1; i >= 0; i--)
        {
            path.Append(CultureInfo.InvariantCulture, $"V{Sequence.At(edges[i].Acknowledged):0.#}H{Time.At(edges[i].Time):0.#}");
        }

        return path.ToString();
    }

    private void WriteSegments(StringBuilder svg)
    {
        WriteSegments(svg, "segment", _direction.Segments.Where(item => (item.Kinds & (TimeSequenceKinds.OutOfOrder | TimeSequenceKinds.KeepAlive)) == 0));
        WriteSegments(svg, "reordered", _direction.Segments.Where(item => (item.Kinds & TimeSequenceKinds.OutOfOrder) != 0));
        WriteSegments(svg, "probe", _direction.Segments.Where(item => (item.Kinds & (TimeSequenceKinds.OutOfOrder | TimeSequenceKinds.KeepAlive)) == TimeSequenceKinds.KeepAlive));
    }

    private void WriteSegments(StringBuilder svg, string name, IEnumerable<TimeSequenceSegment> segments)
    {
        var path = new StringBuilder();
        foreach (TimeSequenceSegment item in segments)
        {
            path.Append(Bar(item.Time, item.Left, item.Right));
        }

        if (path.Length > 0)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"{name}\" d=\"{path}\"/>\n");
        }
    }

    private void WriteSacks(StringBuilder svg)
    {
        foreach (bool isDuplicate in (bool[])[false, true])
        {
            var path = new StringBuilder();
            foreach (TimeSequenceRange item in _direction.Sacks.Where(item => item.IsDuplicate == isDuplicate))
            {
                path.Append(Bar(item.Time, item.Left, item.Right));
            }

            if (path.Length > 0)
            {
                svg.Append(CultureInfo.InvariantCulture, $"<path class=\"{(isDuplicate ? "dsack" : "sack")}\" d=\"{path}\"/>\n");
            }
        }
    }

    // One element each, with its own title: a viewer without scripts shows it too.
    private void WriteRetransmissions(StringBuilder svg)
    {
        foreach (TimeSequenceSegment item in _direction.Retransmissions)
        {
            double x = Time.At(item.Time);
            double foot = Math.Max(Sequence.At(item.Left), Sequence.At(item.Right) + ShortestSegment);
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"retransmission\" d=\"{Bar(item.Time, item.Left, item.Right)}M{x:0.#} {foot + 1:0.#}l-3.5 6h7z\"><title>");
            svg.Append(CultureInfo.InvariantCulture, $"packet {item.Number}, {GraphWords.Duration(item.Time)}: {GraphWords.Of(item.Kinds)} of {item.Left} to {item.Right}</title></path>\n");
        }
    }

    private void WriteMarks(StringBuilder svg)
    {
        WriteShapes(svg, TimeSequenceKinds.DuplicateAck, "duplicate", "m-3 -3l6 6m0 -6l-6 6");
        WriteShapes(svg, TimeSequenceKinds.ZeroWindow, "zero", "m0 -5l5 5l-5 5l-5 -5z");
        double lastX = double.NegativeInfinity;
        double lastY = 0;
        foreach (TimeSequenceMark item in _direction.Marks.Where(item => item.Kind is TimeSequenceKinds.Syn or TimeSequenceKinds.Fin or TimeSequenceKinds.Rst))
        {
            double x = Time.At(item.Time);
            double y = Sequence.At(item.Position);
            string name = item.Kind == TimeSequenceKinds.Rst ? "reset" : "flag";
            svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"{name}\" cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"3.2\"/>\n");
            if (Math.Abs(x - lastX) > 28 || Math.Abs(y - lastY) > 14)
            {
                double textX = Math.Clamp(x, Left + 16, Right - 16);
                double textY = y - 9 < _top + 12 ? y + 17 : y - 8;
                svg.Append(CultureInfo.InvariantCulture, $"<text class=\"{name}-text\" x=\"{textX:0.#}\" y=\"{textY:0.#}\" text-anchor=\"middle\">{item.Kind.ToString().ToUpperInvariant()}</text>\n");
                lastX = x;
                lastY = y;
            }
        }
    }

    private void WriteShapes(StringBuilder svg, TimeSequenceKinds kind, string name, string shape)
    {
        var path = new StringBuilder();
        foreach (TimeSequenceMark item in _direction.Marks.Where(item => item.Kind == kind))
        {
            path.Append(CultureInfo.InvariantCulture, $"M{Time.At(item.Time):0.#} {Sequence.At(item.Position):0.#}{shape}");
        }

        if (path.Length > 0)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"{name}\" d=\"{path}\"/>\n");
        }
    }

    private string Bar(long time, long left, long right)
    {
        double foot = Sequence.At(left);
        double head = Math.Min(Sequence.At(right), foot - ShortestSegment);
        return string.Create(CultureInfo.InvariantCulture, $"M{Time.At(time):0.#} {foot:0.#}V{head:0.#}");
    }
}
