using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The four bytes every ICMPv6 message (RFC 4443) begins with, read in place; the body is the layer's payload. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct Icmpv6View
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 4;

    private readonly ReadOnlySpan<byte> _header;

    private Icmpv6View(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Message type.</summary>
    public byte Type => _header[0];

    /// <summary>Code of that type.</summary>
    public byte Code => _header[1];

    /// <summary>Checksum as it stands.</summary>
    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);

    /// <summary>True for echo requests and replies, whose body begins with identifier and sequence number.</summary>
    public bool IsEcho => Type is 128 or 129;

    /// <summary>True for informational messages; the others report errors.</summary>
    public bool IsInformational => Type >= 128;

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out Icmpv6View view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new Icmpv6View(data[..Length]) : default;
        return isWhole;
    }
}
