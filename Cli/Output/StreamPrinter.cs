using System.Buffers;
using System.Globalization;
using System.Text;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.Cli.Output;

/// <summary>
/// Prints the streams of one connection while they are assembled, both sides in the order in which they became complete: as text or hexadecimal with
/// <c>&gt;</c> before the client's lines and <c>&lt;</c> before the server's, as raw bytes, or as NDJSON. Live, what arrived is shown at once.
/// </summary>
internal sealed class StreamPrinter(CommandOutput output, int id, string? side, StreamFormat format, bool isLive) : ITcpStreamConsumer
{
    private TcpEndpoint? _last;
    private bool _isInLine;
    private long _firstPlace;
    private long _secondPlace;

    /// <summary>Bytes printed.</summary>
    internal long Bytes { get; private set; }

    /// <summary>Bytes that the capture lacks.</summary>
    internal long MissingBytes { get; private set; }

    public bool Wants(TcpEndpoint sender) => sender.Connection.Id == id && (side is null || side == SideOf(sender));

    public void OnData(TcpEndpoint sender, CaptureTimestamp at, ReadOnlySpan<byte> data)
    {
        Bytes += data.Length;
        if (output.Json)
        {
            byte[] bytes = data.ToArray();
            output.WriteJson("stream", json =>
            {
                json.WriteNumber("id", id);
                json.WriteString("side", SideOf(sender));
                json.WriteNumber("timestamp_ns", at.Nanoseconds);
                json.WriteBase64String("data", bytes);
            });
        }
        else if (format == StreamFormat.Raw)
        {
            output.WriteBytes(data);
        }
        else if (format == StreamFormat.Hex)
        {
            HexLines.Write(output.Text, MarkOf(sender), Advance(sender, data.Length), data);
        }
        else
        {
            StartSender(sender);
            WriteText(data);
        }

        if (isLive)
        {
            output.Flush();
        }
    }

    public void OnMissing(TcpEndpoint sender, CaptureTimestamp at, long length)
    {
        MissingBytes += length;
        if (output.Json)
        {
            output.WriteJson("stream", json =>
            {
                json.WriteNumber("id", id);
                json.WriteString("side", SideOf(sender));
                json.WriteNumber("timestamp_ns", at.Nanoseconds);
                json.WriteNumber("missing_bytes", length);
            });
        }
        else if (format == StreamFormat.Raw)
        {
            output.Warn(string.Create(CultureInfo.InvariantCulture, $"{length} bytes of the {SideOf(sender)} are missing in the capture."));
        }
        else if (format == StreamFormat.Hex)
        {
            output.Text.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{MarkOf(sender)} {Advance(sender, length):x8}  [{Counted.Of(length, "byte is", "bytes are")} missing in the capture]"));
        }
        else
        {
            StartSender(sender);
            EndLine();
            output.Text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{MarkOf(sender)} [{Counted.Of(length, "byte is", "bytes are")} missing in the capture]"));
        }
    }

    /// <summary><c>client</c> or <c>server</c>.</summary>
    internal static string SideOf(TcpEndpoint sender) => ReferenceEquals(sender, sender.Connection.Client) ? "client" : "server";

    private static char MarkOf(TcpEndpoint sender) => ReferenceEquals(sender, sender.Connection.Client) ? '>' : '<';

    private void StartSender(TcpEndpoint sender)
    {
        if (!ReferenceEquals(sender, _last))
        {
            EndLine();
            _last = sender;
        }
    }

    // Where in its stream the next bytes of a side stand.
    private long Advance(TcpEndpoint sender, long length)
    {
        ref long place = ref ReferenceEquals(sender, sender.Connection.First) ? ref _firstPlace : ref _secondPlace;
        long start = place;
        place += length;
        return start;
    }

    /// <summary>Ends the last line.</summary>
    internal void EndLine()
    {
        if (_isInLine)
        {
            output.Text.WriteLine();
            _isInLine = false;
        }
    }

    private void WriteText(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int end = data.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? data : data[..end];
            data = end < 0 ? [] : data[(end + 1)..];
            if (!_isInLine)
            {
                output.Text.Write(MarkOf(_last!));
                output.Text.Write(' ');
                _isInLine = true;
            }

            output.Text.Write(Escape(end >= 0 && line is [.., (byte)'\r'] ? line[..^1] : line));
            if (end >= 0)
            {
                EndLine();
            }
        }
    }

    private static string Escape(ReadOnlySpan<byte> line)
    {
        var text = new StringBuilder(line.Length);
        while (!line.IsEmpty)
        {
            bool isCharacter = Rune.DecodeFromUtf8(line, out Rune rune, out int length) == OperationStatus.Done;
            if (isCharacter)
            {
                text.Append(rune.Value == '\t' ? "\t" : Printable.Escape(rune.ToString()));
            }
            else
            {
                for (int i = 0; i < length; i++)
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\x{line[i]:x2}");
                }
            }

            line = line[length..];
        }

        return text.ToString();
    }
}
