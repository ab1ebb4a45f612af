using System.Globalization;
using System.Text;

namespace Interceptor.Cli.Output;

/// <summary>A number of things, in words: <c>1 packet</c>, <c>2 packets</c>.</summary>
internal static class Counted
{
    /// <param name="count">How many.</param>
    /// <param name="noun">What one of them is called; more have an s, or <paramref name="plural"/>.</param>
    /// <param name="plural">What several are called, where that is no s.</param>
    internal static string Of(long count, string noun, string? plural = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? noun : plural ?? noun + "s")}");

    /// <summary>The same, added to a line without garbage.</summary>
    internal static StringBuilder AppendCounted(this StringBuilder line, long count, string noun, string? plural = null) =>
        line.Append(count).Append(' ').Append(count == 1 ? noun : plural ?? noun).Append(count == 1 || plural is not null ? "" : "s");
}
