using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Activity;

namespace Interceptor.Cli.Live;

/// <summary>
/// Makes rows out of a tracker's counters, with rates from one instant to the next. Pure: the time is an argument. A connection that has been silent costs a
/// look at its last packet's time, and with activities one at its limits.
/// </summary>
/// <param name="activities">What the ends of the connections are held back by; null where it is not wanted.</param>
/// <param name="owners">Whose sockets the ends are; null where it is not wanted.</param>
/// <param name="interfaceName">What the rows have as their interface.</param>
/// <param name="lingering">How long a connection that is over stays, ns.</param>
internal sealed class ConnectionRates(
    TcpActivityObserver? activities = null, IConnectionOwners? owners = null, string interfaceName = "", long lingering = long.MaxValue)
{
    private const int MostAskedAtOnce = 100;

    private readonly Dictionary<int, Known> _known = [];
    private long? _last;
    private int _round;
    private int _asked;

    /// <summary>The rows of this instant, in the order of the connections.</summary>
    /// <param name="connections">The tracker's.</param>
    /// <param name="now">Monotonic, ns; not before the last one's.</param>
    /// <param name="clock">The same instant by the clock of the packets.</param>
    internal List<ConnectionRow> Update(IEnumerable<TcpConnection> connections, long now, CaptureTimestamp clock = default)
    {
        long since = _last ?? now;
        _last = now;
        _round++;
        _asked = 0;
        int present = 0;
        var rows = new List<ConnectionRow>();
        foreach (TcpConnection connection in connections)
        {
            present++;
            if (!_known.TryGetValue(connection.Id, out Known? known))
            {
                _known.Add(connection.Id, known = new Known(since));
            }

            known.Round = _round;
            Measure(connection, known, since, now, clock);
            FindOwner(known);
            if (known.OverAt is not { } over || now - over < lingering)
            {
                rows.Add(known.Row!);
            }
        }

        Forget(present);
        return rows;
    }

    private void Measure(TcpConnection connection, Known known, long since, long now, CaptureTimestamp clock)
    {
        bool isSilent = known.Row is not null && known.Last.Packets == connection.Packets;
        if (isSilent && (known.History is null || known.OverAt is not null) && known.IsQuiet)
        {
            return;
        }

        TcpActivity? activity = null;
        if (activities?.TryFind(connection, out activity) == true)
        {
            known.History ??= new ConnectionHistory(known.Last);
            Learn(connection, known, activity!);
        }

        ConnectionSample sample = ConnectionSample.Of(connection, activity, now, clock);
        known.History?.Add(in sample);
        bool isQuiet = isSilent && (known.History is not { } history || history.Oldest.Packets == sample.Packets);
        if (!isQuiet || !known.IsQuiet)
        {
            known.Row = Row(connection, known, activity, in sample, since);
            known.ClientWindowFull = connection.Client.Counters.WindowFull;
            known.ServerWindowFull = connection.Server.Counters.WindowFull;
        }

        known.IsQuiet = isQuiet;
        known.Last = sample;
        known.OverAt = connection.Closing != TcpClosing.Open || IsForsaken(connection, clock) ? known.OverAt ?? now : null;
    }

    // Older than the capture: the kernel, if it has one of the sockets, knows what was said in the handshake. Asked once, and of no more than some connections at once.
    private void Learn(TcpConnection connection, Known known, TcpActivity activity)
    {
        if (owners is null || known.HasAskedWindows || connection.Opening != TcpOpening.Midstream || _asked >= MostAskedAtOnce)
        {
            return;
        }

        _asked++;
        known.HasAskedWindows = true;
        FlowEndpoint client = connection.Client.Address;
        FlowEndpoint server = connection.Server.Address;
        if (owners.FindWindows(client, server) is { } ofClient)
        {
            activity.Client.Learn(ofClient.PeerShift, ofClient.SegmentLength);
            activity.Server.Learn(ofClient.OwnShift, ofClient.PeerSegmentLength);
        }
        else if (owners.FindWindows(server, client) is { } ofServer)
        {
            activity.Server.Learn(ofServer.PeerShift, ofServer.SegmentLength);
            activity.Client.Learn(ofServer.OwnShift, ofServer.PeerSegmentLength);
        }
    }

    // Only part of its end, or of its beginning, was seen, and that is longer ago than Linux would wait for the rest.
    private static bool IsForsaken(TcpConnection connection, CaptureTimestamp clock) =>
        (connection.Client.State != TcpState.Established || connection.Server.State != TcpState.Established)
        && clock - connection.LastPacketAt > 2 * TcpConnection.TimeWaitLength;

    // Who knows may know it later than the packets do, and better once the connection was accepted.
    private void FindOwner(Known known)
    {
        if (owners is null || known.Row is not { } row)
        {
            return;
        }

        ConnectionOwner? client = owners.Find(row.ClientAddress, row.ServerAddress) ?? row.ClientOwner;
        ConnectionOwner? server = owners.Find(row.ServerAddress, row.ClientAddress) ?? row.ServerOwner;
        if (client != row.ClientOwner || server != row.ServerOwner)
        {
            known.Row = row with { ClientOwner = client, ServerOwner = server };
        }
    }

    private ConnectionRow Row(TcpConnection connection, Known known, TcpActivity? activity, in ConnectionSample sample, long since)
    {
        TcpEndpoint client = connection.Client;
        TcpEndpoint server = connection.Server;
        double seconds = (sample.At - since) / 1e9;
        ConnectionSample fresh = sample.Since(known.Last);
        ConnectionSample recent = known.History is { } history ? sample.Since(history.Oldest) : fresh;
        double recentSeconds = known.History is null ? seconds : (sample.At - known.History.Oldest.At) / 1e9;
        long retransmissions = client.Counters.Retransmissions + server.Counters.Retransmissions;
        return new ConnectionRow
        {
            Id = connection.Id,
            Interface = interfaceName,
            ClientAddress = client.Address,
            ServerAddress = server.Address,
            Client = known.Row?.Client ?? client.Address.ToString(),
            Server = known.Row?.Server ?? server.Address.ToString(),
            State = StateOf(connection),
            IsOver = connection.Closing != TcpClosing.Open,
            ClientRate = PerSecond(8 * fresh.ClientBytes, seconds),
            ServerRate = PerSecond(8 * fresh.ServerBytes, seconds),
            ClientAverage = PerSecond(8 * recent.ClientBytes, recentSeconds),
            ServerAverage = PerSecond(8 * recent.ServerBytes, recentSeconds),
            PacketRate = PerSecond(fresh.Packets, seconds),
            Packets = sample.Packets,
            Bytes = sample.Bytes,
            RetransmissionShare = Share(retransmissions, sample.Packets),
            Retransmissions = retransmissions,
            RepeatedShare = Share(sample.RepeatedBytes, sample.Bytes),
            RecentRepeatedShare = Share(recent.RepeatedBytes, recent.Bytes),
            RoundTrip = RoundTrip(connection),
            RecentRoundTrip = RecentRoundTrip(connection, activity),
            Limit = Limit(client, '>', client.Counters.WindowFull - known.ClientWindowFull) + Limit(server, '<', server.Counters.WindowFull - known.ServerWindowFull),
            ClientLimits = Limits(recent.ClientTimes, recent.ClientBytes, activity?.Client),
            ServerLimits = Limits(recent.ServerTimes, recent.ServerBytes, activity?.Server),
            ClientOwner = known.Row?.ClientOwner,
            ServerOwner = known.Row?.ServerOwner,
            Age = connection.LastPacketAt - connection.FirstPacketAt,
        };
    }

    private static double PerSecond(long count, double seconds) => seconds > 0 ? count / seconds : 0;

    private static double Share(long part, long whole) => whole == 0 ? 0 : (double)part / whole;

    // Where the capture stands, each half is measured by its own end's segments; together they are the whole way and back.
    private static long? RoundTrip(TcpConnection connection)
    {
        RoundTripTimes client = connection.Client.RoundTrips;
        RoundTripTimes server = connection.Server.RoundTrips;
        return client.Count + server.Count == 0 ? null : client.Smoothed + server.Smoothed;
    }

    private static long? RecentRoundTrip(TcpConnection connection, TcpActivity? activity) =>
        RoundTrip(connection) is null ? null : RecentHalf(connection.Client, activity?.Client, activity?.Server) + RecentHalf(connection.Server, activity?.Server, activity?.Client);

    // Who only receives has had its round trip measured once, in the handshake: how soon the other end answers its timestamps may tell better.
    private static long RecentHalf(TcpEndpoint end, SenderActivity? own, SenderActivity? peers) =>
        own?.RecentRoundTrip ?? Math.Min(end.RoundTrips.Smoothed, peers?.AnswerTime ?? long.MaxValue);

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

    // Who sends nothing and could is not held back by anything that one wants to know of.
    private static SendLimitTimes Limits(in SendLimitTimes times, long bytes, SenderActivity? sender) =>
        sender is not null && (bytes > 0 || sender.Limit is SendLimit.Network or SendLimit.Receiver or SendLimit.Stalled) ? times : default;

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

    private sealed class Known(long since)
    {
        internal ConnectionRow? Row { get; set; }

        internal ConnectionSample Last { get; set; } = new() { At = since };

        // From its first data on, where activities are.
        internal ConnectionHistory? History { get; set; }

        internal long ClientWindowFull { get; set; }

        internal long ServerWindowFull { get; set; }

        // When it was first seen to be over.
        internal long? OverAt { get; set; }

        // Its row was made when there had been no packet for as long as the row tells of: the next one would say the same.
        internal bool IsQuiet { get; set; }

        internal int Round { get; set; }

        internal bool HasAskedWindows { get; set; }
    }
}
