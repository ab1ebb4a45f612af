using System.Text.Json;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>Decoded fields as elements of a JSON array, one object a layer, in the order of the packet.</summary>
internal sealed class JsonFields(Utf8JsonWriter json) : PacketFieldWriter
{
    public override void BeginLayer(string name)
    {
        json.WriteStartObject();
        json.WriteString("layer", name);
    }

    public override void EndLayer() => json.WriteEndObject();

    public override void WriteNumber(string name, long value) => json.WriteNumber(name, value);

    public override void WriteFlag(string name, bool value) => json.WriteBoolean(name, value);

    public override void WriteText(string name, ReadOnlySpan<char> value) => json.WriteString(name, value);
}
