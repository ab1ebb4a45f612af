using Interceptor.Cli.Holding;
using Interceptor.Cli.Live;
using static Interceptor.Tests.Intercept.Holding.HoldBench;

namespace Interceptor.Tests.Intercept.Holding;

public sealed class HoldScreenTests
{
    private readonly HoldBench _bench = new();
    private readonly HoldScreen _screen;

    public HoldScreenTests() => _screen = new HoldScreen(_bench.Queue, _ => 143 * Millisecond);

    [Fact]
    public void The_selection_stays_with_its_packet_and_moves_to_the_next_when_it_goes()
    {
        Fill(5);
        Press("jj");
        Assert.Equal(3, _screen.Selected);
        _bench.Queue.Release(1);
        _screen.Refresh(0);
        Assert.Equal(3, _screen.Selected);
        Press("r");
        Assert.Equal(4, _screen.Selected);
        Press("G");
        Assert.Equal(5, _screen.Selected);
        Press("d");
        Assert.Equal(4, _screen.Selected);
        Press("g");
        Assert.Equal(2, _screen.Selected);
        Press("u");
        Assert.Equal(4, _screen.Selected);
        Press("R");
        Assert.Equal(0, _screen.Selected);
        Press("rduDet");
        Assert.Equal(["+a", "+c", "-e(Command)", "+b", "+d"], _bench.Turn());
    }

    [Fact]
    public void Of_more_rows_than_fit_the_selected_one_is_in_sight()
    {
        Fill(50);
        foreach (int index in new[] { 49, 20, 0 })
        {
            Press("g");
            Press(new string('j', index));
            LiveFrame frame = _screen.Frame(100, 20);
            LiveViewRow selected = Assert.Single(frame.Table.Rows, row => row.IsSelected);
            Assert.Equal($"{index + 1}", selected.Cells[0].Trim());
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 3)]
    [InlineData(80, 20)]
    [InlineData(300, 60)]
    public void A_frame_fits_any_terminal(int width, int height)
    {
        Fill(30);
        Press("j");
        foreach (string keys in new[] { "", "?", "?t", "abc", "\u001b/", "x\r" })
        {
            Press(keys);
            IReadOnlyList<string> lines = LiveFrameText.Lines(_screen.Frame(width, height), width, height, hasColors: false);
            Assert.InRange(lines.Count, 1, Math.Max(height, 2));
        }
    }

    [Fact]
    public void A_payload_is_edited_in_a_line_and_a_mistake_leaves_the_line()
    {
        _bench.Come(Segment(100, "GET /\r\n\u00ff"));
        _screen.Refresh(0);
        Press("t");
        Assert.Contains("payload: GET /\\r\\n\\xff_", _screen.Frame(100, 20).Footer, StringComparison.Ordinal);
        Press("x\r");
        Assert.Contains("would get 9", _screen.Frame(200, 20).Footer, StringComparison.Ordinal);
        _screen.Press(new ConsoleKeyInfo('\b', ConsoleKey.Backspace, false, false, false));
        _screen.Press(new ConsoleKeyInfo('\0', ConsoleKey.Home, false, false, false));
        _screen.Press(new ConsoleKeyInfo('\0', ConsoleKey.Delete, false, false, false));
        Press("P\r");
        Assert.Contains("packet 1 edited", _screen.Frame(100, 20).Footer, StringComparison.Ordinal);
        Press("R");
        Assert.Equal(["+PET /\r\n\u00ff"], _bench.Turn());
    }

    [Fact]
    public void A_packet_that_goes_while_its_line_is_typed_takes_the_line_along()
    {
        Fill(2);
        Press("e");
        _bench.Queue.Release(1);
        _screen.Refresh(0);
        Assert.Contains("packet 1 is held no longer", _screen.Frame(100, 20).Footer, StringComparison.Ordinal);
    }

    [Fact]
    public void A_filter_leaves_the_rows_with_its_words_and_the_first_line_tells_what_is_done()
    {
        Fill(3);
        _bench.Come(Datagram("x"));
        _screen.Refresh(0);
        Press("/udp\r");
        LiveFrame frame = _screen.Frame(120, 20);
        Assert.Single(frame.Table.Rows);
        Assert.StartsWith("HOLDING  4 held", frame.Title, StringComparison.Ordinal);
        Press("p");
        Assert.StartsWith("PASSING  4 held", _screen.Frame(120, 20).Title, StringComparison.Ordinal);
        Assert.Contains("143", string.Join(' ', frame.Table.Rows[0].Cells), StringComparison.Ordinal);
        Assert.Equal(LiveKeyEffect.Quit, _screen.Press(new ConsoleKeyInfo('q', ConsoleKey.Q, false, false, false)));
    }

    [Theory]
    [InlineData(null, "—")]
    [InlineData(0L, "now")]
    [InlineData(-5L, "now")]
    [InlineData(1_499_000_000L, "1499")]
    public void The_time_until_it_comes_again_is_told_in_milliseconds(long? left, string text) => Assert.Equal(text, HoldRow.AgainText(left));

    [Fact]
    public void Text_of_a_packet_cannot_steer_the_terminal()
    {
        _bench.Come(Datagram("\u001b[2J\u0007\u009b"));
        _screen.Refresh(0);
        LiveFrame frame = _screen.Frame(200, 40);
        Assert.DoesNotContain(frame.Below.Concat(frame.Table.Rows.SelectMany(row => row.Cells)).Append(frame.Footer), line => line.Any(char.IsControl));
        Press("t");
        Assert.DoesNotContain(_screen.Frame(200, 40).Footer, character => char.IsControl(character));
    }

    private void Fill(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _bench.Come(Segment((uint)(100 + i), ((char)('a' + (i % 26))).ToString()));
        }

        _screen.Refresh(0);
        _bench.Turn();
    }

    private void Press(string keys)
    {
        foreach (char key in keys)
        {
            _screen.Press(new ConsoleKeyInfo(key, key switch { '\r' => ConsoleKey.Enter, '\u001b' => ConsoleKey.Escape, _ => ConsoleKey.None }, false, false, false));
        }
    }
}
