using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Edits an IPv4 header in place. A setter changes the bytes of its field and nothing else, the checksum not either:
/// call <see cref="PacketChecksums.FixChecksums(Span{byte}, LinkType)"/> when all edits are done, or carry it along with <see cref="InternetChecksum"/>.
/// </summary>
public readonly ref struct Ipv4Editor
{
    private readonly Span<byte> _header;

    private Ipv4Editor(Span<byte> header) => _header = header;

    /// <summary>The header's bytes.</summary>
    public Span<byte> Header => _header;

    /// <summary>DSCP and ECN bits.</summary>
    public byte TypeOfService
    {
        get => _header[1];
        set => _header[1] = value;
    }

    /// <summary>Bytes of header and payload as the header says.</summary>
    public ushort TotalLength
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[2..], value);
    }

    /// <summary>The identification field.</summary>
    public ushort Identification
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[4..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[4..], value);
    }

    /// <summary>DF.</summary>
    public bool DontFragment
    {
        get => (_header[6] & 0x40) != 0;
        set => _header[6] = (byte)(value ? _header[6] | 0x40 : _header[6] & ~0x40);
    }

    /// <summary>MF.</summary>
    public bool MoreFragments
    {
        get => (_header[6] & 0x20) != 0;
        set => _header[6] = (byte)(value ? _header[6] | 0x20 : _header[6] & ~0x20);
    }

    /// <summary>Time to live.</summary>
    public byte TimeToLive
    {
        get => _header[8];
        set => _header[8] = value;
    }

    /// <summary>Protocol number of the payload.</summary>
    public byte Protocol
    {
        get => _header[9];
        set => _header[9] = value;
    }

    /// <summary>Header checksum as it stands.</summary>
    public ushort Checksum
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[10..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[10..], value);
    }

    /// <summary>Source address; only an IPv4 address can be set.</summary>
    public IpAddress Source
    {
        get => IpAddress.FromBytes(_header.Slice(12, 4));
        set => WriteAddress(12, value);
    }

    /// <summary>Destination address; only an IPv4 address can be set.</summary>
    public IpAddress Destination
    {
        get => IpAddress.FromBytes(_header.Slice(16, 4));
        set => WriteAddress(16, value);
    }

    /// <summary>Computes the header checksum.</summary>
    public void FixChecksum()
    {
        Checksum = 0;
        Checksum = InternetChecksum.Compute(_header);
    }

    private void WriteAddress(int offset, IpAddress value)
    {
        if (value.Length != 4)
        {
            throw new ArgumentException("An IPv4 header takes an IPv4 address.", nameof(value));
        }

        value.CopyTo(_header[offset..]);
    }

    /// <summary>Takes the header at the start of <paramref name="data"/>; false where <see cref="Ipv4View.TryParse"/> is.</summary>
    public static bool TryParse(Span<byte> data, out Ipv4Editor editor)
    {
        bool isHeader = Ipv4View.TryParse(data, out Ipv4View view);
        editor = isHeader ? new Ipv4Editor(data[..view.HeaderLength]) : default;
        return isHeader;
    }
}
