using System.Text.Json;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>
/// Prints packets to a command's output in tcpdump's notation, behind the time of day in UTC, or as <c>packet</c> objects with <c>--json</c>.
/// </summary>
internal sealed class PacketPrinter(CommandOutput output, PacketFormatOptions? options = null)
{
    private readonly PacketFormatter _formatter = new(options);
    private JsonFields? _fields;

    /// <summary>Prints one packet.</summary>
    internal void Write(in CapturedPacket packet)
    {
        if (output.Json)
        {
            WriteJson(packet);
            return;
        }

        if (packet.Metadata.HasTimestamp)
        {
            UtcTime.WriteTimeOfDay(output.Text, packet.Metadata.Timestamp);
            output.Text.Write(' ');
        }

        _formatter.WriteTo(output.Text, packet.Parse());
    }

    private void WriteJson(in CapturedPacket packet)
    {
        PacketMetadata metadata = packet.Metadata;
        PacketView view = packet.Parse();
        Utf8JsonWriter json = output.BeginJson("packet");
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
        json.WriteString("link_type", metadata.LinkType.GetName());
        json.WriteString("summary", _formatter.Summarize(view));
        json.WriteStartArray("layers");
        PacketFields.Write(view, _fields ??= new JsonFields(json));
        json.WriteEndArray();
        output.EndJson();
    }
}
