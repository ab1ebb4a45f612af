namespace Interceptor.Cli.Live;

/// <summary>One picture of a live page: a line, a table with its header, perhaps further lines, a line.</summary>
/// <param name="Title">The first line.</param>
/// <param name="Table">The table.</param>
/// <param name="Footer">The last line.</param>
internal sealed record LiveFrame(string Title, LiveView Table, string Footer)
{
    /// <summary>Lines below the table, safe for a terminal; those that are too long are cut.</summary>
    internal IReadOnlyList<string> Below { get; init; } = [];
}
