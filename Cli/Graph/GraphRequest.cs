namespace Interceptor.Cli.Graph;

/// <summary>What <c>--graph ID -o FILE</c> asks for.</summary>
/// <param name="ConnectionId">Which connection.</param>
/// <param name="Path">The file to write.</param>
/// <param name="Format">By the file's extension.</param>
internal sealed record GraphRequest(int ConnectionId, string Path, GraphFormat Format)
{
    /// <summary>Reads both options; null without them.</summary>
    /// <exception cref="UsageException">One without the other, or an extension that names no format.</exception>
    internal static GraphRequest? Parse(int? connectionId, string? path)
    {
        if (connectionId is null && path is null)
        {
            return null;
        }

        if (connectionId is not { } id || string.IsNullOrEmpty(path))
        {
            throw new UsageException("--graph ID and -o FILE go together (-o FILE also goes with --follow ID).");
        }

        GraphFormat format = System.IO.Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".SVG" => GraphFormat.Svg,
            ".HTML" or ".HTM" => GraphFormat.Html,
            ".CSV" => GraphFormat.Csv,
            _ => throw new UsageException($"-o {path}: the name must end in .svg, .html or .csv, which says what to write."),
        };
        return new GraphRequest(id, path, format);
    }
}
