using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Edits a UDP header in place. A setter changes the bytes of its field and nothing else, the checksum not either:
/// call <see cref="PacketChecksums.FixChecksums(Span{byte}, LinkType)"/> when all edits are done, or carry it along with <see cref="InternetChecksum"/>.
/// </summary>
public readonly ref struct UdpEditor
{
    private readonly Span<byte> _header;

    private UdpEditor(Span<byte> header) => _header = header;

    /// <summary>The header's bytes.</summary>
    public Span<byte> Header => _header;

    /// <summary>Source port.</summary>
    public ushort SourcePort
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header, value);
    }

    /// <summary>Destination port.</summary>
    public ushort DestinationPort
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[2..], value);
    }

    /// <summary>Bytes of header and payload as the header says.</summary>
    public ushort DatagramLength
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[4..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[4..], value);
    }

    /// <summary>Checksum as it stands; 0 is none.</summary>
    public ushort Checksum
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[6..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[6..], value);
    }

    /// <summary>Takes the header at the start of <paramref name="data"/>; false where <see cref="UdpView.TryParse"/> is.</summary>
    public static bool TryParse(Span<byte> data, out UdpEditor editor)
    {
        bool isHeader = UdpView.TryParse(data, out UdpView view);
        editor = isHeader ? new UdpEditor(data[..view.Header.Length]) : default;
        return isHeader;
    }
}
