using System.Globalization;

namespace Interceptor.Cli.Live;

/// <summary>The columns of the live tables of connections.</summary>
internal static class ConnectionColumns
{
    // An IPv4 address with its port has 21 characters, an IPv6 one 47.
    private const int LongestEndpoint = 47;

    private static readonly LiveColumn<ConnectionRow> Id = Number("ID", 5, row => row.Id.ToString(CultureInfo.InvariantCulture), row => row.Id) with { LargestFirst = false };
    private static readonly LiveColumn<ConnectionRow> Client = Words("CLIENT", 14, row => row.Client) with { LargestWidth = LongestEndpoint };
    private static readonly LiveColumn<ConnectionRow> Server = Words("SERVER", 14, row => row.Server) with { LargestWidth = LongestEndpoint };
    private static readonly LiveColumn<ConnectionRow> State = Words("STATE", 12, row => row.State);
    private static readonly LiveColumn<ConnectionRow> ClientRate = Number("> BIT/S", 7, row => LiveWords.Short(row.ClientRate), row => row.ClientRate);
    private static readonly LiveColumn<ConnectionRow> ServerRate = Number("< BIT/S", 7, row => LiveWords.Short(row.ServerRate), row => row.ServerRate);
    private static readonly LiveColumn<ConnectionRow> Rate = Number("BIT/S", 6, row => LiveWords.Short(row.Rate), row => row.Rate);
    private static readonly LiveColumn<ConnectionRow> PacketRate = Number("PKT/S", 6, row => LiveWords.Short(row.PacketRate), row => row.PacketRate);
    private static readonly LiveColumn<ConnectionRow> Bytes = Number("BYTES", 6, row => LiveWords.Short(row.Bytes), row => row.Bytes);
    private static readonly LiveColumn<ConnectionRow> Age = Number("AGE", 8, row => LiveWords.Age(row.Age), row => row.Age);

    /// <summary>Those of <c>interceptor tcp -i</c>.</summary>
    internal static IReadOnlyList<LiveColumn<ConnectionRow>> OfTcp { get; } =
    [
        Id with { Rank = 7 },
        Client,
        Server,
        State with { Rank = 4 },
        ClientRate with { Rank = 2 },
        ServerRate with { Rank = 2 },
        Rate with { Rank = 1 },
        Number("RETR%", 5, row => LiveWords.Percent(row.RetransmissionShare), row => row.RetransmissionShare) with { Rank = 3 },
        Number("RTT MS", 6, row => LiveWords.Milliseconds(row.RoundTrip), row => row.RoundTrip ?? -1) with { Rank = 3 },
        Words("WINDOW", 10, row => row.Limit) with { Rank = 5, LargestFirst = true },
        PacketRate with { Rank = 6 },
        Bytes with { Rank = 6 },
        Age with { Rank = 8 },
    ];

    /// <summary>Those of <c>interceptor top</c>.</summary>
    /// <param name="hasInterface">There is more than one interface.</param>
    internal static IReadOnlyList<LiveColumn<ConnectionRow>> OfTop(bool hasInterface)
    {
        LiveColumn<ConnectionRow>[] columns =
        [
            Id with { Rank = 11 },
            Words("IF", 6, row => row.Interface) with { Rank = 1, LargestWidth = 15 },
            Client,
            Server,
            State with { Rank = 7 },
            ClientRate with { Rank = 6 },
            ServerRate with { Rank = 6 },
            Rate with { Rank = 1 },
            Number("10S", 6, row => LiveWords.Short(row.Average), row => row.Average) with { Rank = 5 },
            PacketRate with { Rank = 8 },
            Number("RETR%", 5, row => LiveWords.Percent(row.RecentRepeatedShare), row => row.RecentRepeatedShare) with { Rank = 2 },
            Number("ALL%", 5, row => LiveWords.Percent(row.RepeatedShare), row => row.RepeatedShare) with { Rank = 9 },
            Number("RTT MS", 6, row => LiveWords.Milliseconds(row.RecentRoundTrip), row => row.RecentRoundTrip ?? -1) with { Rank = 2 },
            Words("LIMIT", 10, LimitWords.Short) with { Rank = 3, LargestWidth = 11 },
            Words("PROCESS", 10, row => row.Process) with { Rank = 4, LargestWidth = 40, Tail = ConnectionOwner.NumberOf },
            Bytes with { Rank = 10 },
            Age with { Rank = 12 },
        ];
        return hasInterface ? columns : [.. columns.Where(column => column.Title != "IF")];
    }

    /// <summary>Index of the column with a key, upper or lower case; -1 where there is none.</summary>
    internal static int IndexOf(IReadOnlyList<LiveColumn<ConnectionRow>> columns, string key) =>
        columns.Select(KeyOf).ToList().FindIndex(each => each.Equals(key, StringComparison.OrdinalIgnoreCase));

    /// <summary>The name of a column on a command line: its title in lower case, without what a shell would take for its own.</summary>
    internal static string KeyOf(LiveColumn<ConnectionRow> column) => column.Title.ToLowerInvariant()
        .Replace("> ", "client-", StringComparison.Ordinal).Replace("< ", "server-", StringComparison.Ordinal)
        .Replace(" ms", "", StringComparison.Ordinal).Replace("%", "", StringComparison.Ordinal);

    /// <summary>Index of the one that orders the rows at first: the rate of both directions.</summary>
    internal static int DefaultOf(IReadOnlyList<LiveColumn<ConnectionRow>> columns) => IndexOf(columns, KeyOf(Rate));

    private static LiveColumn<ConnectionRow> Number(string title, int width, Func<ConnectionRow, string> text, Func<ConnectionRow, double> value) =>
        new(title, width, text, (one, other) => value(one).CompareTo(value(other))) { IsRight = true, LargestFirst = true };

    private static LiveColumn<ConnectionRow> Words(string title, int width, Func<ConnectionRow, string> text) =>
        new(title, width, text, (one, other) => string.CompareOrdinal(text(one), text(other)));
}
