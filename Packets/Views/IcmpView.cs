using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The first eight bytes of an ICMP message (RFC 792), read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct IcmpView
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 8;

    private readonly ReadOnlySpan<byte> _header;

    private IcmpView(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Message type.</summary>
    public byte Type => _header[0];

    /// <summary>Code of that type.</summary>
    public byte Code => _header[1];

    /// <summary>Checksum as it stands.</summary>
    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);

    /// <summary>Identifier of an echo, timestamp or mask message.</summary>
    public ushort Identifier => BinaryPrimitives.ReadUInt16BigEndian(_header[4..]);

    /// <summary>Sequence number of such a message.</summary>
    public ushort Sequence => BinaryPrimitives.ReadUInt16BigEndian(_header[6..]);

    /// <summary>The four bytes behind the checksum, whose meaning depends on the type.</summary>
    public uint RestOfHeader => BinaryPrimitives.ReadUInt32BigEndian(_header[4..]);

    /// <summary>True for echo requests and replies.</summary>
    public bool IsEcho => Type is 0 or 8;

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out IcmpView view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new IcmpView(data[..Length]) : default;
        return isWhole;
    }
}
