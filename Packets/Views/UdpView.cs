using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>A UDP header (RFC 768), read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct UdpView
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 8;

    private readonly ReadOnlySpan<byte> _header;

    private UdpView(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Source port.</summary>
    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_header);

    /// <summary>Destination port.</summary>
    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);

    /// <summary>Bytes of header and payload as the header says; 0 on jumbograms.</summary>
    public int DatagramLength => BinaryPrimitives.ReadUInt16BigEndian(_header[4..]);

    /// <summary>Checksum as it stands; 0 is none (RFC 768).</summary>
    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_header[6..]);

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out UdpView view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new UdpView(data[..Length]) : default;
        return isWhole;
    }
}
