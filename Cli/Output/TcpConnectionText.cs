using System.Globalization;
using System.Text;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>
/// Connections as three lines each for people. Nothing in them is text from packets: addresses and numbers are formatted here, without garbage, for a capture may
/// have millions.
/// </summary>
internal sealed class TcpConnectionText(TextWriter text)
{
    private readonly StringBuilder _line = new(256);

    internal void Write(in TcpConnectionReport connection)
    {
        string opened = connection.Opening == TcpOpening.Handshake ? "  from its handshake, " : "  from its middle, ";
        string closed = connection.Closing switch
        {
            TcpClosing.Fin => "closed, ",
            TcpClosing.Reset => "reset, ",
            _ => connection.IsEvicted ? "given up, " : "open, ",
        };
        AppendAligned(connection.Id, 4);
        _line.Append("  ");
        Append(connection.Client);
        _line.Append(" > ");
        Append(connection.Server);
        _line.Append(opened).Append(closed);
        Append((connection.LastPacketAt - connection.FirstPacketAt) / 1e9, "0.000000");
        _line.Append(" s");
        End();
        WriteDirection("      > ", connection.FromClient);
        WriteDirection("      < ", connection.FromServer);
    }

    private void WriteDirection(string arrow, in TcpEndpointReport sender)
    {
        TcpDirectionCounters counters = sender.Counters;
        string state = sender.State.ToRfcName();
        _line.Append(arrow).Append(state).Append(' ', Math.Max(0, 12 - state.Length)).Append(' ').AppendCounted(counters.Packets, "packet").Append(", ")
            .AppendCounted(sender.StreamBytes, "byte");
        AppendCount(sender.MissingBytes, "missing", "missing");
        AppendCount(sender.ConflictingBytes ?? 0, "CONFLICTING BYTE", "CONFLICTING BYTES");
        AppendCount(counters.Retransmissions, "retransmission");
        AppendCount(counters.FastRetransmissions, "of them fast", "of them fast");
        AppendCount(counters.SpuriousRetransmissions, "of them spurious", "of them spurious");
        AppendCount(counters.OutOfOrder, "out of order", "out of order");
        AppendCount(counters.LostSegments, "behind a gap", "behind a gap");
        AppendCount(counters.DuplicateAcks, "duplicate ack");
        AppendCount(counters.ZeroWindows, "zero window");
        AppendCount(counters.ZeroWindowProbes, "zero-window probe");
        AppendCount(counters.WindowFull, "window full", "window full");
        AppendCount(counters.WindowUpdates, "window update");
        AppendCount(counters.KeepAlives, "keep-alive");
        AppendCount(sender.InFlightBytes, "byte in flight", "bytes in flight");
        if (sender.RoundTrips.Count > 0)
        {
            _line.Append(", RTT ");
            Append(sender.RoundTrips.Minimum / 1e6, "0.###");
            _line.Append('/');
            Append(sender.RoundTrips.Median / 1e6, "0.###");
            _line.Append('/');
            Append(sender.RoundTrips.Maximum / 1e6, "0.###");
            _line.Append(" ms");
        }

        End();
    }

    private void AppendCount(long count, string one, string? several = null)
    {
        if (count > 0)
        {
            _line.Append(", ").AppendCounted(count, one, several);
        }
    }

    private void AppendAligned(int number, int width)
    {
        int before = _line.Length;
        _line.Append(number);
        _line.Insert(before, " ", Math.Max(0, width - (_line.Length - before)));
    }

    private void Append(FlowEndpoint end)
    {
        Span<char> text = stackalloc char[FlowEndpoint.MaximumTextLength];
        end.TryFormat(text, out int length);
        _line.Append(text[..length]);
    }

    private void Append(double number, string format)
    {
        Span<char> text = stackalloc char[64];
        number.TryFormat(text, out int length, format, CultureInfo.InvariantCulture);
        _line.Append(text[..length]);
    }

    private void End()
    {
        text.WriteLine(_line);
        _line.Clear();
    }
}
