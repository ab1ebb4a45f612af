using System.Globalization;
using System.Text;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>A connection as three lines for people. Nothing in them is text from packets: addresses and numbers are formatted here.</summary>
internal static class TcpConnectionText
{
    internal static void Write(TextWriter text, in TcpConnectionReport connection)
    {
        double seconds = (connection.LastPacketAt - connection.FirstPacketAt) / 1e9;
        string opened = connection.Opening == TcpOpening.Handshake ? "from its handshake" : "from its middle";
        string closed = connection.Closing switch
        {
            TcpClosing.Fin => "closed",
            TcpClosing.Reset => "reset",
            _ => connection.IsEvicted ? "given up" : "open",
        };
        text.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{connection.Id,4}  {connection.Client} > {connection.Server}  {opened}, {closed}, {seconds:0.000000} s"));
        WriteDirection(text, ">", connection.FromClient);
        WriteDirection(text, "<", connection.FromServer);
    }

    private static void WriteDirection(TextWriter text, string arrow, in TcpEndpointReport sender)
    {
        TcpDirectionCounters counters = sender.Counters;
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"      {arrow} {sender.State.ToRfcName(),-12} {counters.Packets} packets, {sender.StreamBytes} bytes");
        Append(line, sender.MissingBytes, "missing");
        Append(line, sender.ConflictingBytes ?? 0, "CONFLICTING BYTES");
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
        Append(line, sender.InFlightBytes, "bytes in flight");
        if (sender.RoundTrips.Count > 0)
        {
            line.Append(CultureInfo.InvariantCulture,
                $", RTT {sender.RoundTrips.Minimum / 1e6:0.###}/{sender.RoundTrips.Median / 1e6:0.###}/{sender.RoundTrips.Maximum / 1e6:0.###} ms");
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
