namespace Interceptor.Cli.Live;

/// <summary>A column as it is shown.</summary>
/// <param name="Title">What stands above it.</param>
/// <param name="Width">Characters.</param>
/// <param name="IsRight">Its texts stand at the right.</param>
/// <param name="IsSorted">The rows are in this column's order.</param>
internal sealed record LiveViewColumn(string Title, int Width, bool IsRight, bool IsSorted);

/// <summary>A row as it is shown.</summary>
/// <param name="Cells">A text for each column, no longer than it is wide.</param>
/// <param name="IsPast">What it tells of has ended.</param>
internal sealed record LiveViewRow(IReadOnlyList<string> Cells, bool IsPast)
{
    /// <summary>It is the one that keys work on.</summary>
    internal bool IsSelected { get; init; }
}

/// <summary>The part of a live table that fits into a terminal.</summary>
/// <param name="Columns">From left to right.</param>
/// <param name="Rows">From top to bottom.</param>
/// <param name="First">How many matching rows are above.</param>
/// <param name="Matching">Rows that the filter leaves.</param>
internal sealed record LiveView(IReadOnlyList<LiveViewColumn> Columns, IReadOnlyList<LiveViewRow> Rows, int First, int Matching);
