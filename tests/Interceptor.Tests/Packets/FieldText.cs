using System.Globalization;
using System.Text;
using Interceptor.Packets;

namespace Interceptor.Tests.Packets;

/// <summary>Fields as lines of text.</summary>
internal sealed class FieldText : PacketFieldWriter
{
    private readonly StringBuilder _text = new();

    public override void BeginLayer(string name) => _text.Append("  ").Append(name).Append(':');

    public override void EndLayer() => _text.Append('\n');

    public override void WriteNumber(string name, long value) => _text.Append(CultureInfo.InvariantCulture, $" {name}={value}");

    public override void WriteFlag(string name, bool value) => _text.Append(CultureInfo.InvariantCulture, $" {name}={value}");

    public override void WriteText(string name, ReadOnlySpan<char> value) => _text.Append(CultureInfo.InvariantCulture, $" {name}=").Append(value);

    public override string ToString() => _text.ToString();
}
