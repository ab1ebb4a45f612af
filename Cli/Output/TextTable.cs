namespace Interceptor.Cli.Output;

/// <summary>Rows of cells in columns that are as wide as their widest cell.</summary>
internal sealed class TextTable
{
    private const string Gap = "  ";
    private readonly List<string[]> _rows = [];
    private readonly bool[] _isRight;

    /// <param name="headings">The first row; one that begins with a blank stands at the right, as do the cells below it.</param>
    internal TextTable(params string[] headings)
    {
        _isRight = [.. headings.Select(static heading => heading.StartsWith(' '))];
        _rows.Add([.. headings.Select(static heading => heading.Trim())]);
    }

    internal void Add(params string[] cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Length, _isRight.Length);
        _rows.Add(cells);
    }

    internal void Write(TextWriter text)
    {
        int[] widths = [.. _isRight.Select((_, column) => _rows.Max(row => row[column].Length))];
        foreach (string[] row in _rows)
        {
            IEnumerable<string> cells = row.Select((cell, column) => _isRight[column] ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]));
            text.Write(string.Join(Gap, cells).TrimEnd());
            text.Write('\n');
        }
    }
}
