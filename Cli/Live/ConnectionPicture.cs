namespace Interceptor.Cli.Live;

/// <summary>All connections at one instant, and what was read till then.</summary>
/// <param name="Rows">The connections.</param>
/// <param name="Packets">Packets read.</param>
/// <param name="Dropped">Packets dropped by the kernel or by us.</param>
internal sealed record ConnectionPicture(List<ConnectionRow> Rows, long Packets, long Dropped)
{
    /// <summary>Connections that are not over.</summary>
    internal int Open => Rows.Count(row => !row.IsOver);

    /// <summary>Payload of all, bit/s.</summary>
    internal double Rate => Rows.Sum(row => row.Rate);

    /// <summary>Several interfaces' pictures as one.</summary>
    internal static ConnectionPicture Take(IReadOnlyList<InterfaceFeed> feeds, long now)
    {
        ConnectionPicture[] pictures = [.. feeds.Select(feed => feed.Take(now))];
        return pictures is [{ } only]
            ? only
            : new ConnectionPicture([.. pictures.SelectMany(picture => picture.Rows)], pictures.Sum(picture => picture.Packets), pictures.Sum(picture => picture.Dropped));
    }
}
