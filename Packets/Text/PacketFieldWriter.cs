namespace Interceptor.Packets;

/// <summary>
/// Takes the decoded fields of packets from <see cref="PacketFields.Write"/> and puts them into some notation, of which this library knows nothing.
/// Names are in <c>snake_case</c>. Within a layer names do not repeat; a packet may have several layers of one name.
/// </summary>
public abstract class PacketFieldWriter
{
    /// <summary>A header begins; the fields up to <see cref="EndLayer"/> are its.</summary>
    public abstract void BeginLayer(string name);

    /// <summary>The header is complete.</summary>
    public abstract void EndLayer();

    /// <summary>A number, unsigned in the header.</summary>
    public abstract void WriteNumber(string name, long value);

    /// <summary>A bit.</summary>
    public abstract void WriteFlag(string name, bool value);

    /// <summary>Text that was made from the packet's numbers: addresses, flags, names. Holds no byte of the packet as it is.</summary>
    public abstract void WriteText(string name, ReadOnlySpan<char> value);
}
