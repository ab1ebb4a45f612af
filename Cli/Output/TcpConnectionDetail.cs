using System.Globalization;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>All that is known of one connection, for people: a table with a column for each end. Nothing in it is text from packets.</summary>
internal static class TcpConnectionDetail
{
    private const int NameWidth = 26;
    private const int ValueWidth = 24;

    internal static void Write(TextWriter text, in TcpConnectionReport connection)
    {
        text.WriteLine();
        Row(text, "first packet", $"{UtcTime.DateAndTime(connection.FirstPacketAt)}", string.Create(CultureInfo.InvariantCulture, $"  number {connection.FirstPacketNumber}"));
        Row(text, "last packet", $"{UtcTime.DateAndTime(connection.LastPacketAt)}", "");
        WriteSent(text, connection.FromClient, connection.FromServer);
        WriteOffers(text, connection.FromClient.Offer, connection.FromServer.Offer);
        WriteSockets(text, connection.FromClient, connection.FromServer);
    }

    private static void WriteSent(TextWriter text, TcpEndpointReport client, TcpEndpointReport server)
    {
        void Each(string name, Func<TcpEndpointReport, string> of) => Row(text, name, of(client), of(server));
        void Number(string name, Func<TcpDirectionCounters, long> of) => Each(name, end => Text(of(end.Counters)));

        Head(text, "sent", "client > server", "server > client");
        Number("packets", counters => counters.Packets);
        Number("payload bytes", counters => counters.PayloadBytes);
        Each("stream bytes", end => Text(end.StreamBytes));
        Each("missing bytes", end => Text(end.MissingBytes));
        Each("conflicting bytes", end => end.ConflictingBytes is { } bytes ? Text(bytes) : "not compared");
        Number("retransmissions", counters => counters.Retransmissions);
        Number("  fast", counters => counters.FastRetransmissions);
        Number("  spurious", counters => counters.SpuriousRetransmissions);
        Number("out of order", counters => counters.OutOfOrder);
        Number("behind a gap", counters => counters.LostSegments);
        Number("duplicate acks", counters => counters.DuplicateAcks);
        Number("zero windows", counters => counters.ZeroWindows);
        Number("zero-window probes", counters => counters.ZeroWindowProbes);
        Number("window updates", counters => counters.WindowUpdates);
        Number("window full", counters => counters.WindowFull);
        Number("keep-alives", counters => counters.KeepAlives);
        Each("SYN, FIN, RST", end => string.Create(CultureInfo.InvariantCulture, $"{end.Counters.Syn}, {end.Counters.Fin}, {end.Counters.Rst}"));
        Each("RTT samples", end => Text(end.RoundTrips.Count));
        Each("RTT minimum, median ms", end => Milliseconds(end, end.RoundTrips.Minimum, end.RoundTrips.Median));
        Each("RTT 99 %, maximum ms", end => Milliseconds(end, end.RoundTrips.Percentile99, end.RoundTrips.Maximum));
    }

    private static void WriteOffers(TextWriter text, HandshakeOptions client, HandshakeOptions server)
    {
        void Each(string name, Func<HandshakeOptions, string> of) =>
            Row(text, name, Offered(client, of), Offered(server, of));

        Head(text, "offered on the SYN", "client", "server");
        Each("MSS", offer => offer.MaximumSegmentSize is { } size ? Text(size) : "none");
        Each("window scale", offer => offer.WindowScale is { } shift ? Text(shift) : "none");
        Each("SACK", offer => offer.SackPermitted ? "permitted" : "no");
        Each("timestamps", offer => offer.Timestamps ? "yes" : "no");
    }

    private static void WriteSockets(TextWriter text, TcpEndpointReport client, TcpEndpointReport server)
    {
        void Each(string name, Func<TcpEndpointReport, string> of) => Row(text, name, of(client), of(server));

        Head(text, "socket", "client", "server");
        Each("state", socket => socket.State.ToRfcName());
        Row(text, "initial sequence", Initial(client), Initial(server));
        Each("SndUna", socket => Text(socket.SndUna.Value));
        Each("SndNxt (send head)", socket => Text(socket.SndNxt.Value));
        Each("SndWnd", socket => Text(socket.SndWnd));
        Each("RcvNxt", socket => Text(socket.RcvNxt.Value));
        Each("RcvWnd", socket => Text(socket.RcvWnd));
        Each("write queue bytes", socket => Text(socket.QueuedBytes));
        Each("in flight bytes", socket => Text(socket.InFlightBytes));
        Each("out of order bytes", socket => Text(socket.OutOfOrderBytes));
        Each("confidence", socket => socket.Confidence == SnapshotConfidence.Exact ? "exact" : "assumed");
        text.WriteLine();
    }

    private static void Head(TextWriter text, string what, string client, string server)
    {
        text.WriteLine();
        Row(text, what, client, server);
        text.WriteLine($"      {new string('-', NameWidth + (2 * ValueWidth))}");
    }

    private static void Row(TextWriter text, string name, string client, string server) =>
        text.WriteLine($"      {name.PadRight(NameWidth)}{client.PadLeft(ValueWidth)}{server.PadLeft(ValueWidth)}".TrimEnd());

    private static string Offered(HandshakeOptions offer, Func<HandshakeOptions, string> of) => offer.IsKnown ? of(offer) : "not seen";

    private static string Initial(TcpEndpointReport end) => end.Iss is { } initial ? Text(initial.Value) : "not seen";

    private static string Milliseconds(TcpEndpointReport end, long one, long other) =>
        end.RoundTrips.Count == 0 ? "none" : string.Create(CultureInfo.InvariantCulture, $"{one / 1e6:0.000}, {other / 1e6:0.000}");

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
