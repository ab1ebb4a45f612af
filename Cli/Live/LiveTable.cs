using System.Text;

namespace Interceptor.Cli.Live;

/// <summary>
/// The state of a live table that a user works with: order, filter, place. Pure: no terminal, no clock. Rows are given anew with each call.
/// </summary>
/// <param name="columns">All columns, from left to right.</param>
/// <param name="sortColumn">Index of the one that orders the rows at first.</param>
/// <param name="isPast">Rows whose matter has ended; null for none. They can be hidden.</param>
internal sealed class LiveTable<TRow>(IReadOnlyList<LiveColumn<TRow>> columns, int sortColumn, Func<TRow, bool>? isPast = null)
{
    private const int Gap = 2;
    private const int LongestFilter = 60;

    // Grow only, so that the columns don't dance while rows come and go.
    private readonly int[] _widest = [.. columns.Select(column => column.Width)];
    private readonly StringBuilder _filter = new();
    private int _pageLength = 1;
    private int _matching;
    private bool[] _isShown = [];

    /// <summary>Index of the column that orders the rows.</summary>
    internal int SortColumn { get; private set; } = sortColumn;

    /// <summary>The order is turned round.</summary>
    internal bool IsReversed { get; private set; }

    /// <summary>Words that each row shown contains in its columns of text, upper or lower case; numbers change too often to be looked for.</summary>
    internal string Filter => _filter.ToString();

    /// <summary>Keys go into the filter.</summary>
    internal bool IsTyping { get; private set; }

    /// <summary>No new numbers are wanted.</summary>
    internal bool IsPaused { get; private set; }

    /// <summary>Rows whose matter has ended are hidden.</summary>
    internal bool HidesPast { get; private set; }

    /// <summary>How many matching rows are above the first one shown.</summary>
    internal int Offset { get; private set; }

    /// <summary>What the keys do, for the last line.</summary>
    internal string Help => IsTyping
        ? $"filter: {Filter}_   Enter done  Esc none"
        : $"q quit  / filter{(_filter.Length > 0 ? $" [{Filter}]" : "")}  < > sort  r reverse{(isPast is null ? "" : HidesPast ? "  o all" : "  o open only")}  space {(IsPaused ? "go on (PAUSED)" : "pause")}";

    /// <summary>Takes a key.</summary>
    internal LiveKeyEffect Press(ConsoleKeyInfo key) => IsTyping ? Type(key) : Command(key);

    /// <summary>Scrolls no further than it takes for a row to be seen.</summary>
    /// <param name="index">Of the row, among those that match, in order.</param>
    /// <param name="height">Lines, with the header's.</param>
    internal void Reveal(int index, int height) => Offset = Math.Clamp(Offset, Math.Max(0, index - Math.Max(1, height - 1) + 1), Math.Max(0, index));

    /// <summary>The part that fits.</summary>
    /// <param name="rows">All rows; their order is that of equal ones.</param>
    /// <param name="width">Characters in a line.</param>
    /// <param name="height">Lines, with the header's.</param>
    internal LiveView View(IReadOnlyList<TRow> rows, int width, int height)
    {
        TRow[] ordered = [.. Order(rows)];
        _matching = ordered.Length;
        _pageLength = Math.Max(1, height - 1);
        Offset = Math.Clamp(Offset, 0, Math.Max(0, _matching - _pageLength));
        ReadOnlySpan<TRow> visible = ordered.AsSpan(Offset, Math.Min(Math.Max(0, height - 1), _matching - Offset));
        string[][] texts = new string[visible.Length][];
        for (int i = 0; i < visible.Length; i++)
        {
            TRow row = visible[i];
            texts[i] = [.. columns.Select(column => column.Text(row))];
        }

        int[] widths = Widths(texts, width);
        int[] shown = [.. Enumerable.Range(0, columns.Count).Where(index => widths[index] > 0)];
        _isShown = [.. widths.Select(each => each > 0)];
        var result = new LiveViewRow[visible.Length];
        for (int i = 0; i < visible.Length; i++)
        {
            result[i] = new LiveViewRow([.. shown.Select(index => Fit(texts[i][index], widths[index], columns[index].Tail?.Invoke(texts[i][index])))], isPast?.Invoke(visible[i]) ?? false);
        }

        return new LiveView(
            [.. shown.Select(index => new LiveViewColumn(Fit(columns[index].Title, widths[index]), widths[index], columns[index].IsRight, index == SortColumn))],
            result, Offset, _matching);
    }

    /// <summary>The rows that match, in order.</summary>
    internal IEnumerable<TRow> Order(IReadOnlyList<TRow> rows)
    {
        LiveColumn<TRow> sorted = columns[SortColumn];
        int sign = sorted.LargestFirst != IsReversed ? -1 : 1;
        return Match(rows).Order(Comparer<TRow>.Create((one, other) => sign * sorted.Compare(one, other)));
    }

    /// <summary>A text cut in its middle, so that its end (a port, say) stays.</summary>
    /// <param name="text">The text.</param>
    /// <param name="width">Characters there is room for.</param>
    /// <param name="tail">Characters that stay at its end, none where there is no room for them; null for as many as an address with its port wants.</param>
    internal static string Fit(string text, int width, int? tail = null)
    {
        if (text.Length <= width)
        {
            return text;
        }

        int kept = tail is not { } wanted ? Math.Min(6, width / 2) : wanted < width - 1 ? wanted : 0;
        return width < 2 ? text[..width] : $"{text[..(width - 1 - kept)]}…{text[^kept..]}";
    }

    private List<TRow> Match(IReadOnlyList<TRow> rows)
    {
        string[] words = Filter.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return [.. rows.Where(row => (!HidesPast || isPast is null || !isPast(row)) && Matches(row, words))];
    }

    private bool Matches(TRow row, string[] words)
    {
        if (words.Length == 0)
        {
            return true;
        }

        string[] texts = [.. columns.Where(column => !column.IsRight).Select(column => column.Text(row))];
        return words.All(word => texts.Any(text => text.Contains(word, StringComparison.OrdinalIgnoreCase)));
    }

    // First those that always stay, then by rank as long as they fit; what is left goes to those that can use it. 0 for a column that is left out.
    private int[] Widths(string[][] texts, int width)
    {
        int[] widths = new int[columns.Count];
        int left = width + Gap;
        foreach (int index in Enumerable.Range(0, columns.Count).OrderBy(index => columns[index].Rank))
        {
            LiveColumn<TRow> column = columns[index];
            int longest = texts.Select(row => row[index].Length).DefaultIfEmpty().Max();
            _widest[index] = Math.Clamp(longest, _widest[index], Math.Max(_widest[index], column.LargestWidth));
            if (column.Rank > 0 && column.Width + Gap > left)
            {
                break;
            }

            widths[index] = column.Width;
            left -= column.Width + Gap;
        }

        int[] growing = [.. Enumerable.Range(0, columns.Count).Where(index => widths[index] > 0 && widths[index] < _widest[index])];
        for (int i = 0; i < growing.Length && left > 0; i++)
        {
            int more = Math.Min((left + growing.Length - i - 1) / (growing.Length - i), _widest[growing[i]] - widths[growing[i]]);
            widths[growing[i]] += more;
            left -= more;
        }

        Shrink(widths, -left);
        return widths;
    }

    // Only columns that always stay can be too wide together: the widest gives way.
    private static void Shrink(int[] widths, int tooMuch)
    {
        for (; tooMuch > 0 && widths.Max() > 1; tooMuch--)
        {
            widths[Array.IndexOf(widths, widths.Max())]--;
        }
    }

    private LiveKeyEffect Type(ConsoleKeyInfo key)
    {
        switch (key.Key)
        {
            case ConsoleKey.Enter:
                IsTyping = false;
                return LiveKeyEffect.Redraw;
            case ConsoleKey.Escape:
                IsTyping = false;
                _filter.Clear();
                return LiveKeyEffect.Redraw;
            case ConsoleKey.Backspace when _filter.Length > 0:
                _filter.Length--;
                return LiveKeyEffect.Redraw;
            default:
                // Letters beyond ASCII stand in no column.
                if (key.KeyChar is >= ' ' and < '\x7f' && _filter.Length < LongestFilter)
                {
                    _filter.Append(key.KeyChar);
                    Offset = 0;
                    return LiveKeyEffect.Redraw;
                }

                return LiveKeyEffect.None;
        }
    }

    private LiveKeyEffect Command(ConsoleKeyInfo key)
    {
        switch (key.Key, key.KeyChar)
        {
            case (_, 'q' or 'Q'):
                return LiveKeyEffect.Quit;
            case (_, '/'):
                IsTyping = true;
                return LiveKeyEffect.Redraw;
            case (ConsoleKey.Escape, _) when _filter.Length > 0:
                _filter.Clear();
                return LiveKeyEffect.Redraw;
            case (_, 'r'):
                IsReversed = !IsReversed;
                return LiveKeyEffect.Redraw;
            case (_, 'o') when isPast is not null:
                HidesPast = !HidesPast;
                return LiveKeyEffect.Redraw;
            case (_, ' '):
                IsPaused = !IsPaused;
                return LiveKeyEffect.Redraw;
            case (ConsoleKey.LeftArrow, _) or (_, '<'):
                return SortBy(-1);
            case (ConsoleKey.RightArrow, _) or (_, '>'):
                return SortBy(1);
            default:
                return Scroll(key.Key);
        }
    }

    // The next column that is on the screen.
    private LiveKeyEffect SortBy(int step)
    {
        for (int i = 0; i < columns.Count; i++)
        {
            SortColumn = (SortColumn + step + columns.Count) % columns.Count;
            if (_isShown.Length == 0 || _isShown[SortColumn])
            {
                break;
            }
        }

        IsReversed = false;
        return LiveKeyEffect.Redraw;
    }

    private LiveKeyEffect Scroll(ConsoleKey key)
    {
        int? to = key switch
        {
            ConsoleKey.UpArrow => Offset - 1,
            ConsoleKey.DownArrow => Offset + 1,
            ConsoleKey.PageUp => Offset - _pageLength,
            ConsoleKey.PageDown => Offset + _pageLength,
            ConsoleKey.Home => 0,
            ConsoleKey.End => _matching,
            _ => null,
        };
        if (to is not { } offset)
        {
            return LiveKeyEffect.None;
        }

        Offset = Math.Clamp(offset, 0, Math.Max(0, _matching - _pageLength));
        return LiveKeyEffect.Redraw;
    }
}
