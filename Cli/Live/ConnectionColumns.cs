using System.Globalization;

namespace Interceptor.Cli.Live;

/// <summary>The columns of a live table of connections.</summary>
internal static class ConnectionColumns
{
    // An IPv4 address with its port has 21 characters, an IPv6 one 47.
    private const int LongestEndpoint = 47;

    internal static IReadOnlyList<LiveColumn<ConnectionRow>> All { get; } =
    [
        new("ID", 5, row => row.Id.ToString(CultureInfo.InvariantCulture), (one, other) => one.Id.CompareTo(other.Id)) { Rank = 7, IsRight = true },
        new("CLIENT", 14, row => row.Client, (one, other) => string.CompareOrdinal(one.Client, other.Client)) { LargestWidth = LongestEndpoint },
        new("SERVER", 14, row => row.Server, (one, other) => string.CompareOrdinal(one.Server, other.Server)) { LargestWidth = LongestEndpoint },
        new("STATE", 12, row => row.State, (one, other) => string.CompareOrdinal(one.State, other.State)) { Rank = 4 },
        new("> BIT/S", 7, row => LiveWords.Short(row.ClientRate), (one, other) => one.ClientRate.CompareTo(other.ClientRate)) { Rank = 2, IsRight = true, LargestFirst = true },
        new("< BIT/S", 7, row => LiveWords.Short(row.ServerRate), (one, other) => one.ServerRate.CompareTo(other.ServerRate)) { Rank = 2, IsRight = true, LargestFirst = true },
        new("BIT/S", 6, row => LiveWords.Short(Rate(row)), (one, other) => Rate(one).CompareTo(Rate(other))) { Rank = 1, IsRight = true, LargestFirst = true },
        new("RETR%", 5, row => LiveWords.Percent(row.RetransmissionShare), (one, other) => one.RetransmissionShare.CompareTo(other.RetransmissionShare)) { Rank = 3, IsRight = true, LargestFirst = true },
        new("RTT MS", 6, row => LiveWords.Milliseconds(row.RoundTrip), (one, other) => (one.RoundTrip ?? -1).CompareTo(other.RoundTrip ?? -1)) { Rank = 3, IsRight = true, LargestFirst = true },
        new("WINDOW", 10, row => row.Limit, (one, other) => string.CompareOrdinal(one.Limit, other.Limit)) { Rank = 5, LargestFirst = true },
        new("PKT/S", 6, row => LiveWords.Short(row.PacketRate), (one, other) => one.PacketRate.CompareTo(other.PacketRate)) { Rank = 6, IsRight = true, LargestFirst = true },
        new("BYTES", 6, row => LiveWords.Short(row.Bytes), (one, other) => one.Bytes.CompareTo(other.Bytes)) { Rank = 6, IsRight = true, LargestFirst = true },
        new("AGE", 8, row => LiveWords.Age(row.Age), (one, other) => one.Age.CompareTo(other.Age)) { Rank = 8, IsRight = true, LargestFirst = true },
    ];

    /// <summary>Index of the one that orders the rows at first: the rate of both directions.</summary>
    internal static int Default { get; } = All.Select(column => column.Title).ToList().IndexOf("BIT/S");

    private static double Rate(ConnectionRow row) => row.ClientRate + row.ServerRate;
}
