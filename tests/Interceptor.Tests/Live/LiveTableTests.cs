using System.Globalization;
using Interceptor.Cli.Live;

namespace Interceptor.Tests.Live;

public sealed class LiveTableTests
{
    private static readonly Item[] Items = [new("alpha", 3, false), new("beta", 1, true), new("gamma", 2, false), new("delta", 2, true)];

    [Fact]
    public void The_largest_comes_first_where_the_column_says_so_and_equal_rows_keep_their_order() =>
        Assert.Equal(["alpha", "gamma", "delta", "beta"], Names(Table().View(Items, 80, 10)));

    [Fact]
    public void Reversed_the_smallest_comes_first()
    {
        LiveTable<Item> table = Table();
        Assert.Equal(LiveKeyEffect.Redraw, Press(table, 'r'));
        Assert.Equal(["beta", "gamma", "delta", "alpha"], Names(table.View(Items, 80, 10)));
    }

    [Fact]
    public void The_next_column_in_sight_orders_the_rows()
    {
        LiveTable<Item> table = Table();
        table.View(Items, 14, 10);
        Press(table, '>');
        Assert.Equal(0, table.SortColumn);
        LiveView view = table.View(Items, 14, 10);
        Assert.Equal(["alpha", "beta", "delta", "gamma"], Names(view));
        Assert.Equal([true, false], view.Columns.Select(column => column.IsSorted));
    }

    [Theory]
    [InlineData(80, "NAME COUNT STATE")]
    [InlineData(21, "NAME COUNT STATE")]
    [InlineData(20, "NAME COUNT")]
    [InlineData(11, "NAME")]
    [InlineData(2, "…E")]
    public void Columns_go_by_rank_where_the_terminal_is_narrow(int width, string titles)
    {
        LiveView view = Table().View(Items, width, 10);
        Assert.Equal(titles, string.Join(' ', view.Columns.Select(column => column.Title)));
        Assert.True(view.Columns.Sum(column => column.Width + 2) - 2 <= width);
        Assert.All(view.Rows, row => Assert.All(row.Cells.Zip(view.Columns), pair => Assert.True(pair.First.Length <= pair.Second.Width)));
    }

    [Fact]
    public void A_column_grows_for_a_long_text_and_stays_so()
    {
        LiveTable<Item> table = Table();
        Assert.Equal(14, table.View([new("fourteen chars", 1, false)], 80, 10).Columns[0].Width);
        Assert.Equal(14, table.View(Items, 80, 10).Columns[0].Width);
        Assert.Equal(16, table.View([new("more characters than sixteen", 1, false)], 80, 10).Columns[0].Width);
    }

    [Fact]
    public void A_text_that_does_not_fit_keeps_its_end() =>
        Assert.Equal("192.0…:49152", LiveTable<Item>.Fit("192.0.2.211:49152", 12));

    [Theory]
    [InlineData("python3[7548]", 13, "python3[7548]")]
    [InlineData("python3[7548]", 10, "pyt…[7548]")]
    [InlineData("python3[7548]+12", 11, "p…[7548]+12")]
    [InlineData("python3[7548]", 7, "python…")]
    [InlineData("[red]x[/][15928]", 12, "[red…[15928]")]
    [InlineData("curl[12] > nginx[34]", 10, "curl[12] …")]
    [InlineData("uid 4294967294", 10, "uid 42949…")]
    public void A_process_that_does_not_fit_keeps_its_number_and_the_begin_of_its_name(string text, int width, string expected) =>
        Assert.Equal(expected, LiveTable<Item>.Fit(text, width, ConnectionOwner.NumberOf(text)));

    [Theory]
    [InlineData(30, "top -i va  1:02  5.1 Mbit/s")]
    [InlineData(27, "top -i va  1:02  5.1 Mbit/s")]
    [InlineData(26, "top -i va  1:02")]
    [InlineData(15, "top -i va  1:02")]
    [InlineData(10, "top -i va")]
    [InlineData(5, "top -")]
    public void Of_the_first_line_only_whole_parts_are_shown(int width, string expected) =>
        Assert.Equal(expected, LiveFrameText.Lines(new LiveFrame("top -i va  1:02  5.1 Mbit/s  0 dropped", Table().View([], width, 2), ""), width, 3, hasColors: false)[0]
            .Replace("\x1b[1m", "", StringComparison.Ordinal).Replace("\x1b[0m", "", StringComparison.Ordinal));

    [Fact]
    public void The_last_free_characters_go_to_the_first_columns_that_want_them()
    {
        LiveColumn<Item>[] columns = [.. Enumerable.Range(0, 3).Select(_ => new LiveColumn<Item>("NAME", 5, item => item.Name, (_, _) => 0) { LargestWidth = 9 })];
        LiveView view = new LiveTable<Item>(columns, 0).View([new("123456", 1, false)], 21, 5);
        Assert.Equal([6, 6, 5], view.Columns.Select(column => column.Width));
    }

    [Fact]
    public void What_is_typed_behind_a_slash_filters_texts_but_no_numbers()
    {
        LiveTable<Item> table = Table();
        Press(table, '/');
        Assert.True(table.IsTyping);
        foreach (char letter in "TA ongo")
        {
            Press(table, letter);
        }

        Assert.Empty(Names(table.View(Items, 80, 10)));
        Press(table, '\b', ConsoleKey.Backspace);
        Press(table, '\b', ConsoleKey.Backspace);
        Press(table, '\b', ConsoleKey.Backspace);
        Press(table, '\b', ConsoleKey.Backspace);
        Press(table, '\r', ConsoleKey.Enter);
        Assert.False(table.IsTyping);
        LiveView view = table.View(Items, 80, 10);
        Assert.Equal(["delta", "beta"], Names(view));
        Assert.Equal(2, view.Matching);
        Press(table, '\x1b', ConsoleKey.Escape);
        Press(table, '/');
        Press(table, '3');
        Assert.Empty(Names(table.View(Items, 80, 10)));
    }

    [Fact]
    public void A_q_inside_a_filter_is_a_letter_and_outside_it_leaves()
    {
        LiveTable<Item> table = Table();
        Press(table, '/');
        Assert.Equal(LiveKeyEffect.Redraw, Press(table, 'q'));
        Press(table, '\r', ConsoleKey.Enter);
        Assert.Equal("q", table.Filter);
        Assert.Equal(LiveKeyEffect.Quit, Press(table, 'q'));
    }

    [Fact]
    public void Rows_that_are_over_can_be_hidden()
    {
        LiveTable<Item> table = Table();
        Assert.Equal([false, false, true, true], table.View(Items, 80, 10).Rows.Select(row => row.IsPast));
        Press(table, 'o');
        Assert.Equal(["alpha", "gamma"], Names(table.View(Items, 80, 10)));
    }

    [Fact]
    public void Scrolling_stops_at_both_ends_and_follows_a_list_that_shrinks()
    {
        LiveTable<Item> table = Table();
        Assert.Equal(["alpha", "gamma"], Names(table.View(Items, 80, 3)));
        Press(table, '\0', ConsoleKey.PageDown);
        Press(table, '\0', ConsoleKey.PageDown);
        LiveView view = table.View(Items, 80, 3);
        Assert.Equal(["delta", "beta"], Names(view));
        Assert.Equal(2, view.First);
        Assert.Equal(["alpha"], Names(table.View(Items[..1], 80, 3)));
        Press(table, '\0', ConsoleKey.UpArrow);
        Assert.Equal(0, table.Offset);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    [InlineData(-2)]
    public void A_terminal_of_no_lines_shows_no_rows(int height) => Assert.Empty(Table().View(Items, 80, height).Rows);

    [Fact]
    public void A_frame_has_as_many_lines_as_the_terminal_and_takes_no_text_for_markup()
    {
        LiveTable<Item> table = Table();
        var frame = new LiveFrame("[red]title[/]", table.View([new("[bold]x[/]", 1, false)], 40, 4), "[/]");
        IReadOnlyList<string> lines = LiveFrameText.Lines(frame, 40, 6, hasColors: false);
        Assert.Equal(6, lines.Count);
        Assert.Contains("[red]title[/]", lines[0], StringComparison.Ordinal);
        Assert.Contains("[bold]x[/]", lines[2], StringComparison.Ordinal);
        Assert.Contains("[/]", lines[5], StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_as_wide_as_the_terminal_loses_no_character()
    {
        LiveTable<Item> table = Table();
        LiveView view = table.View([new("123456789", 1, false)], 25, 4);
        IReadOnlyList<string> lines = LiveFrameText.Lines(new LiveFrame("title", view, ""), 25, 6, hasColors: false);
        Assert.Equal(25, view.Columns.Sum(column => column.Width + 2) - 2);
        Assert.Contains("123456789", lines[2], StringComparison.Ordinal);
        Assert.EndsWith("ongoing", lines[2].TrimEnd(), StringComparison.Ordinal);
    }

    private static LiveTable<Item> Table() => new(
        [
            new("NAME", 5, item => item.Name, (one, other) => string.CompareOrdinal(one.Name, other.Name)) { LargestWidth = 16 },
            new("COUNT", 5, item => item.Count.ToString(CultureInfo.InvariantCulture), (one, other) => one.Count.CompareTo(other.Count)) { Rank = 1, IsRight = true, LargestFirst = true },
            new("STATE", 7, item => item.IsOver ? "over" : "ongoing", (one, other) => one.IsOver.CompareTo(other.IsOver)) { Rank = 2 },
        ], sortColumn: 1, item => item.IsOver);

    private static LiveKeyEffect Press(LiveTable<Item> table, char letter, ConsoleKey key = ConsoleKey.None) =>
        table.Press(new ConsoleKeyInfo(letter, key, shift: false, alt: false, control: false));

    private static IEnumerable<string> Names(LiveView view) => view.Rows.Select(row => row.Cells[0]);

    private sealed record Item(string Name, int Count, bool IsOver);
}
