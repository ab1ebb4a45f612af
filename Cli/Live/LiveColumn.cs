namespace Interceptor.Cli.Live;

/// <summary>A column of a live table. Its texts are safe for a terminal.</summary>
/// <param name="Title">What stands above it.</param>
/// <param name="Width">Characters it needs; one that grows is never narrower than its title.</param>
/// <param name="Text">A row's text.</param>
/// <param name="Compare">The order of two rows by this column.</param>
internal sealed record LiveColumn<TRow>(string Title, int Width, Func<TRow, string> Text, Comparison<TRow> Compare)
{
    /// <summary>Which columns go first where the terminal is narrow: the highest. 0 never goes.</summary>
    internal int Rank { get; init; }

    /// <summary>Its texts stand at the right, as numbers do.</summary>
    internal bool IsRight { get; init; }

    /// <summary>The largest first, as one wants it of rates.</summary>
    internal bool LargestFirst { get; init; }

    /// <summary>Characters it takes where there is room and a text needs them; 0 for <see cref="Width"/>.</summary>
    internal int LargestWidth { get; init; }

    /// <summary>How many characters at its end a text that does not fit keeps, where its beginning and an ellipsis have room beside them; null for an address with its port.</summary>
    internal Func<string, int>? Tail { get; init; }
}
