using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Edits a fixed IPv6 header in place. A setter changes the bytes of its field and nothing else, the checksum not either:
/// call <see cref="PacketChecksums.FixChecksums(Span{byte}, LinkType)"/> when all edits are done, or carry it along with <see cref="InternetChecksum"/>.
/// </summary>
public readonly ref struct Ipv6Editor
{
    private readonly Span<byte> _header;

    private Ipv6Editor(Span<byte> header) => _header = header;

    /// <summary>The header's bytes.</summary>
    public Span<byte> Header => _header;

    /// <summary>DSCP and ECN bits.</summary>
    public byte TrafficClass
    {
        get => (byte)(BinaryPrimitives.ReadUInt16BigEndian(_header) >> 4);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header, (ushort)((BinaryPrimitives.ReadUInt16BigEndian(_header) & 0xF00F) | (value << 4)));
    }

    /// <summary>The flow label; the low 20 bits are taken.</summary>
    public int FlowLabel
    {
        get => (int)(BinaryPrimitives.ReadUInt32BigEndian(_header) & 0xFFFFF);
        set => BinaryPrimitives.WriteUInt32BigEndian(_header, (BinaryPrimitives.ReadUInt32BigEndian(_header) & 0xFFF00000) | ((uint)value & 0xFFFFF));
    }

    /// <summary>Bytes behind the fixed header as it says.</summary>
    public ushort PayloadLength
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[4..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[4..], value);
    }

    /// <summary>Protocol number of what follows.</summary>
    public byte NextHeader
    {
        get => _header[6];
        set => _header[6] = value;
    }

    /// <summary>Hop limit.</summary>
    public byte HopLimit
    {
        get => _header[7];
        set => _header[7] = value;
    }

    /// <summary>Source address; only an IPv6 address can be set.</summary>
    public IpAddress Source
    {
        get => IpAddress.FromBytes(_header.Slice(8, 16));
        set => WriteAddress(8, value);
    }

    /// <summary>Destination address; only an IPv6 address can be set.</summary>
    public IpAddress Destination
    {
        get => IpAddress.FromBytes(_header.Slice(24, 16));
        set => WriteAddress(24, value);
    }

    private void WriteAddress(int offset, IpAddress value)
    {
        if (value.Length != 16)
        {
            throw new ArgumentException("An IPv6 header takes an IPv6 address.", nameof(value));
        }

        value.CopyTo(_header[offset..]);
    }

    /// <summary>Takes the header at the start of <paramref name="data"/>; false where <see cref="Ipv6View.TryParse"/> is.</summary>
    public static bool TryParse(Span<byte> data, out Ipv6Editor editor)
    {
        bool isHeader = Ipv6View.TryParse(data, out Ipv6View view);
        editor = isHeader ? new Ipv6Editor(data[..view.Header.Length]) : default;
        return isHeader;
    }
}
