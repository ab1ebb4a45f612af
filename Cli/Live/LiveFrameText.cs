using System.Text;
using Spectre.Console;

namespace Interceptor.Cli.Live;

/// <summary>A frame as lines of a terminal of a given width. Texts are data and never markup.</summary>
internal static class LiveFrameText
{
    private const string PartGap = "  ";

    private static readonly Style Bar = new(decoration: Decoration.Bold);
    private static readonly Style Header = new(decoration: Decoration.Underline);
    private static readonly Style Sorted = new(decoration: Decoration.Underline | Decoration.Bold | Decoration.Invert);
    private static readonly Style Past = new(decoration: Decoration.Dim);
    private static readonly Style Selected = new(decoration: Decoration.Invert);
    private static readonly Style Help = new(foreground: Color.Grey);

    /// <summary>The lines, at most <paramref name="height"/>; the footer is the last line of the terminal.</summary>
    internal static IReadOnlyList<string> Lines(LiveFrame frame, int width, int height, bool hasColors)
    {
        var text = new StringWriter(new StringBuilder(), System.Globalization.CultureInfo.InvariantCulture) { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = hasColors ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(Line(frame.Title, width, Bar));
        console.WriteLine();
        console.Write(Table(frame.Table));
        IEnumerable<string> above = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        List<string> lines = [.. above.Concat(frame.Below.Select(line => line.Length <= width ? line : line[..width])).Take(height)];
        text.GetStringBuilder().Clear();
        console.Write(Line(frame.Footer, width, Help));
        while (lines.Count < height - 1)
        {
            lines.Add("");
        }

        if (height > 2)
        {
            lines.RemoveRange(height - 1, lines.Count - (height - 1));
            lines.Add(text.ToString().TrimEnd('\n'));
        }

        return lines;
    }

    /// <summary>A table as lines of plain text, the header first.</summary>
    internal static IEnumerable<string> Plain(LiveView view)
    {
        yield return Plain(view, [.. view.Columns.Select(column => column.Title)]);
        foreach (LiveViewRow row in view.Rows)
        {
            yield return Plain(view, row.Cells);
        }
    }

    private static string Plain(LiveView view, IReadOnlyList<string> cells) =>
        string.Join("  ", cells.Zip(view.Columns, (cell, column) => column.IsRight ? cell.PadLeft(column.Width) : cell.PadRight(column.Width))).TrimEnd();

    private static Text Line(string text, int width, Style style) => new(Cut(text, width), style);

    /// <summary>As many of a line's parts, which two blanks part, as there is room for: half a number would be another one.</summary>
    private static string Cut(string text, int width)
    {
        if (text.Length <= width)
        {
            return text;
        }

        int end = text.LastIndexOf(PartGap, Math.Min(width + PartGap.Length, text.Length) - 1, StringComparison.Ordinal);
        return text[..(end > 0 ? end : width)];
    }

    private static Grid Table(LiveView view)
    {
        var grid = new Grid();
        for (int i = 0; i < view.Columns.Count; i++)
        {
            LiveViewColumn column = view.Columns[i];
            bool isLast = i == view.Columns.Count - 1;
            grid.AddColumn(new GridColumn
            {
                Width = column.Width,
                NoWrap = true,
                Padding = new Padding(0, 0, isLast ? 0 : 2, 0),
                Alignment = column.IsRight ? Justify.Right : Justify.Left,
            });
        }

        grid.AddRow([.. view.Columns.Select(column => new Text(column.Title, column.IsSorted ? Sorted : Header))]);
        foreach (LiveViewRow row in view.Rows)
        {
            grid.AddRow([.. row.Cells.Select(cell => new Text(cell, row.IsSelected ? Selected : row.IsPast ? Past : Style.Plain))]);
        }

        return grid;
    }
}
