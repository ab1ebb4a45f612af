namespace Interceptor.Cli.Live;

/// <summary>A line that is typed: a text and a place in it. Pure.</summary>
/// <param name="text">What stands in it at first; the place is its end.</param>
internal sealed class LineEditor(string text)
{
    private const int LongestText = 65536;

    /// <summary>What was typed.</summary>
    internal string Text { get; private set; } = text;

    /// <summary>Characters before the place.</summary>
    internal int Place { get; private set; } = text.Length;

    /// <summary>Takes a key; false for one that means nothing here.</summary>
    internal bool Press(ConsoleKeyInfo key)
    {
        switch (key.Key)
        {
            case ConsoleKey.LeftArrow:
                Place = Math.Max(0, Place - 1);
                return true;
            case ConsoleKey.RightArrow:
                Place = Math.Min(Text.Length, Place + 1);
                return true;
            case ConsoleKey.Home:
                Place = 0;
                return true;
            case ConsoleKey.End:
                Place = Text.Length;
                return true;
            case ConsoleKey.Backspace when Place > 0:
                Text = Text.Remove(--Place, 1);
                return true;
            case ConsoleKey.Delete when Place < Text.Length:
                Text = Text.Remove(Place, 1);
                return true;
            default:
                return Insert(key.KeyChar);
        }
    }

    /// <summary>The part around the place that fits, with a mark at it.</summary>
    /// <param name="width">Characters there is room for.</param>
    internal string View(int width)
    {
        string marked = Text.Insert(Place, "_");
        int start = Math.Clamp(Place - (width * 3 / 4), 0, Math.Max(0, marked.Length - width));
        return marked.Substring(start, Math.Min(Math.Max(1, width), marked.Length - start));
    }

    private bool Insert(char value)
    {
        if (char.IsControl(value) || Text.Length == LongestText)
        {
            return false;
        }

        Text = Text.Insert(Place++, value.ToString());
        return true;
    }
}
