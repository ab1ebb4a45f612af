using Interceptor.Tcp;

namespace Interceptor.Cli.Live;

/// <summary>
/// Makes rows out of a tracker's counters, with rates from one instant to the next. Pure: the time is an argument. A connection that was silent since the
/// last instant costs a look at its last packet's time.
/// </summary>
internal sealed class ConnectionRates
{
    private readonly Dictionary<int, Known> _known = [];
    private long? _last;
    private int _round;

    /// <summary>The rows of this instant, in the order of the connections.</summary>
    /// <param name="connections">The tracker's.</param>
    /// <param name="now">Monotonic, ns; not before the last one's.</param>
    internal List<ConnectionRow> Update(IEnumerable<TcpConnection> connections, long now)
    {
        double seconds = _last is { } last ? (now - last) / 1e9 : 0;
        _last = now;
        _round++;
        var rows = new List<ConnectionRow>();
        foreach (TcpConnection connection in connections)
        {
            Known? before = _known.GetValueOrDefault(connection.Id);
            if (before is { IsQuiet: true } && before.Packets == connection.Packets)
            {
                before.Round = _round;
                rows.Add(before.Row);
                continue;
            }

            Known current = Measure(connection, before, seconds);
            _known[connection.Id] = current;
            rows.Add(current.Row);
        }

        Forget(rows.Count);
        return rows;
    }

    private Known Measure(TcpConnection connection, Known? before, double seconds)
    {
        TcpDirectionCounters client = connection.Client.Counters;
        TcpDirectionCounters server = connection.Server.Counters;
        long packets = client.Packets + server.Packets;
        var row = new ConnectionRow
        {
            Id = connection.Id,
            Client = connection.Client.Address.ToString(),
            Server = connection.Server.Address.ToString(),
            State = StateOf(connection),
            IsOver = connection.Closing != TcpClosing.Open,
            ClientRate = PerSecond(8 * (client.PayloadBytes - (before?.Client.PayloadBytes ?? 0)), seconds),
            ServerRate = PerSecond(8 * (server.PayloadBytes - (before?.Server.PayloadBytes ?? 0)), seconds),
            PacketRate = PerSecond(packets - (before?.Packets ?? 0), seconds),
            Bytes = client.PayloadBytes + server.PayloadBytes,
            RetransmissionShare = packets == 0 ? 0 : (double)(client.Retransmissions + server.Retransmissions) / packets,
            RoundTrip = RoundTrip(connection),
            Limit = Limit(connection.Client, '>', client.WindowFull - (before?.Client.WindowFull ?? 0))
                + Limit(connection.Server, '<', server.WindowFull - (before?.Server.WindowFull ?? 0)),
            Age = connection.LastPacketAt - connection.FirstPacketAt,
        };
        return new Known(row, client, server, packets, before is not null && before.Packets == packets) { Round = _round };
    }

    private static double PerSecond(long count, double seconds) => seconds > 0 ? count / seconds : 0;

    // Where the capture stands, each half is measured by its own end's segments; together they are the whole way and back.
    private static long? RoundTrip(TcpConnection connection)
    {
        RoundTripTimes client = connection.Client.RoundTrips;
        RoundTripTimes server = connection.Server.RoundTrips;
        return client.Count + server.Count == 0 ? null : client.Smoothed + server.Smoothed;
    }

    private static string StateOf(TcpConnection connection) => connection.Closing switch
    {
        TcpClosing.Fin => "closed",
        TcpClosing.Reset => "reset",
        _ => connection.Client.State.ToRfcName(),
    };

    private static string Limit(TcpEndpoint sender, char arrow, long filled) =>
        sender.Connection.Closing != TcpClosing.Open ? ""
        : sender.Peer.Receive.RcvWnd == 0 ? $"{arrow}zero"
        : filled > 0 ? $"{arrow}full"
        : "";

    // A tracker with bounded memory lets connections go.
    private void Forget(int present)
    {
        if (_known.Count > present)
        {
            foreach (int id in _known.Where(pair => pair.Value.Round != _round).Select(pair => pair.Key).ToArray())
            {
                _known.Remove(id);
            }
        }
    }

    private sealed class Known(ConnectionRow row, TcpDirectionCounters client, TcpDirectionCounters server, long packets, bool isQuiet)
    {
        internal ConnectionRow Row { get; } = row;

        internal TcpDirectionCounters Client { get; } = client;

        internal TcpDirectionCounters Server { get; } = server;

        internal long Packets { get; } = packets;

        // Measured with no packet since the round before: the next round would say the same.
        internal bool IsQuiet { get; } = isQuiet;

        internal int Round { get; set; }
    }
}
