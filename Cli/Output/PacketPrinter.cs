using System.Globalization;
using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>
/// Prints the packets of a source to a command's output in tcpdump's notation, or as <c>packet</c> objects with <c>--json</c>, each directly after it was read.
/// </summary>
internal sealed class PacketPrinter
{
    private readonly CommandOutput _output;
    private readonly IPacketSource? _source;
    private readonly CaptureFileReader? _file;
    private readonly LivePacketSource? _live;
    private readonly PacketPrintFormat _format;
    private readonly PacketFormatter _formatter;
    private readonly PacketTimes _times;
    private JsonFields? _fields;

    /// <param name="output">Where.</param>
    /// <param name="source">Where each packet was just read from, and what it tells besides; null where it has been read some time ago.</param>
    /// <param name="format">How.</param>
    internal PacketPrinter(CommandOutput output, IPacketSource? source, PacketPrintFormat format)
    {
        _output = output;
        _source = source;
        _file = source as CaptureFileReader;
        _live = source as LivePacketSource;
        _format = format;
        _formatter = new PacketFormatter(format.Packet);
        _times = new PacketTimes(format.Time, format.Nanoseconds);
    }

    /// <summary>Prints one packet.</summary>
    internal void Write(in CapturedPacket packet)
    {
        if (_output.Json)
        {
            WriteJson(packet);
            return;
        }

        TextWriter text = _output.Text;
        bool isColored = _format.Packet.Colored;
        bool hasTime = packet.Metadata.HasTimestamp && _format.Time != TimeStyle.None;
        if (isColored && (hasTime || _format.Numbered))
        {
            text.Write(TerminalColors.Dim);
        }

        if (_format.Numbered)
        {
            text.Write(packet.Metadata.Number.ToString(CultureInfo.InvariantCulture).PadLeft(5));
            text.Write("  ");
        }

        if (hasTime)
        {
            _times.Write(text, packet.Metadata.Timestamp);
            text.Write(' ');
        }

        if (isColored && (hasTime || _format.Numbered))
        {
            text.Write(TerminalColors.NotDim);
        }

        _formatter.WriteTo(text, packet.Parse());
        if (_format.Packet.Verbosity > 0 && _file?.PacketOptions.CountComments() > 0)
        {
            foreach (string comment in _file.PacketOptions.ReadComments())
            {
                WriteComment(comment);
            }
        }
        else if (_live?.Comment is { } comment)
        {
            WriteComment(comment);
        }
    }

    private void WriteComment(string comment)
    {
        _output.Text.Write("\tcomment: ");
        _output.Text.Write(Printable.Escape(comment));
        _output.Text.Write('\n');
    }

    private void WriteJson(in CapturedPacket packet)
    {
        PacketMetadata metadata = packet.Metadata;
        PacketView view = packet.Parse();
        Utf8JsonWriter json = _output.BeginJson("packet");
        json.WriteNumber("number", metadata.Number);
        if (metadata.HasTimestamp)
        {
            json.WriteNumber("timestamp_ns", metadata.Timestamp.Nanoseconds);
        }
        else
        {
            json.WriteNull("timestamp_ns");
        }

        json.WriteNumber("captured_length", packet.Data.Length);
        json.WriteNumber("original_length", metadata.OriginalLength);
        json.WriteNumber("interface", metadata.InterfaceId);
        if (metadata.InterfaceId < _source?.Interfaces.Count && _source.Interfaces[metadata.InterfaceId].Name is { } name)
        {
            json.WriteString("interface_name", name);
        }

        json.WriteString("link_type", metadata.LinkType.GetName());
        if (_file is { PacketOptions.IsEmpty: false })
        {
            PacketOptionsJson.Write(json, _file.PacketOptions, _file.ReadPacketOptions());
        }
        else if (_live?.Comment is { } comment)
        {
            json.WriteStartArray("comments");
            json.WriteStringValue(comment);
            json.WriteEndArray();
        }

        json.WriteString("summary", _formatter.Summarize(view));
        json.WriteStartArray("layers");
        PacketFields.Write(view, _fields ??= new JsonFields(json));
        json.WriteEndArray();
        _output.EndJson();
    }
}
