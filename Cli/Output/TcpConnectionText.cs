using System.Globalization;
using System.Text;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>A connection as three lines for people. Nothing in them is text from packets: addresses and numbers are formatted here.</summary>
internal static class TcpConnectionText
{
    internal static void Write(TextWriter text, TcpConnection connection)
    {
        double seconds = (connection.LastPacketAt - connection.FirstPacketAt) / 1e9;
        string opened = connection.Opening == TcpOpening.Handshake ? "from its handshake" : "from its middle";
        string closed = connection.Closing switch
        {
            TcpClosing.Fin => "closed",
            TcpClosing.Reset => "reset",
            _ => "open",
        };
        text.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{connection.Id,4}  {connection.Client.Address} > {connection.Server.Address}  {opened}, {closed}, {seconds:0.000000} s"));
        WriteDirection(text, ">", connection.Client);
        WriteDirection(text, "<", connection.Server);
    }

    private static void WriteDirection(TextWriter text, string arrow, TcpEndpoint sender)
    {
        TcpDirectionCounters counters = sender.Counters;
        TcpSnapshot socket = sender.Snapshot();
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"      {arrow} {socket.State.ToRfcName(),-12} {counters.Packets} packets, {sender.Stream.StreamBytes} bytes");
        Append(line, sender.Stream.MissingBytes, "missing");
        Append(line, sender.Stream.ConflictingBytes, "CONFLICTING BYTES");
        Append(line, counters.Retransmissions, "retransmissions");
        Append(line, counters.FastRetransmissions, "of them fast");
        Append(line, counters.SpuriousRetransmissions, "of them spurious");
        Append(line, counters.OutOfOrder, "out of order");
        Append(line, counters.LostSegments, "behind a gap");
        Append(line, counters.DuplicateAcks, "duplicate acks");
        Append(line, counters.ZeroWindows, "zero windows");
        Append(line, counters.ZeroWindowProbes, "zero-window probes");
        Append(line, counters.WindowFull, "window full");
        Append(line, counters.WindowUpdates, "window updates");
        Append(line, counters.KeepAlives, "keep-alives");
        Append(line, socket.InFlightBytes, "bytes in flight");
        if (sender.RoundTrips.Count > 0)
        {
            line.Append(CultureInfo.InvariantCulture,
                $", RTT {sender.RoundTrips.Minimum / 1e6:0.###}/{sender.RoundTrips.Quantile(0.5) / 1e6:0.###}/{sender.RoundTrips.Maximum / 1e6:0.###} ms");
        }

        text.WriteLine(line);
    }

    private static void Append(StringBuilder line, long count, string what)
    {
        if (count > 0)
        {
            line.Append(CultureInfo.InvariantCulture, $", {count} {what}");
        }
    }
}
