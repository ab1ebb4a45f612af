namespace Interceptor.Cli.Live;

/// <summary>One picture of a live page: a line, a table with its header, a line.</summary>
/// <param name="Title">The first line.</param>
/// <param name="Table">The table.</param>
/// <param name="Footer">The last line.</param>
internal sealed record LiveFrame(string Title, LiveView Table, string Footer);
