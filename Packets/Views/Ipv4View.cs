using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>An IPv4 header (RFC 791) with its options, read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct Ipv4View
{
    /// <summary>Bytes of the header without options.</summary>
    public const int MinimumLength = 20;

    private readonly ReadOnlySpan<byte> _header;

    private Ipv4View(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header with its options.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Bytes of the header, options included.</summary>
    public int HeaderLength => _header.Length;

    /// <summary>DSCP and ECN bits.</summary>
    public byte TypeOfService => _header[1];

    /// <summary>Bytes of header and payload as the header says; 0 on segmentation-offload super packets.</summary>
    public int TotalLength => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);

    /// <summary>The identification field.</summary>
    public ushort Identification => BinaryPrimitives.ReadUInt16BigEndian(_header[4..]);

    /// <summary>The reserved bit.</summary>
    public bool ReservedBit => (_header[6] & 0x80) != 0;

    /// <summary>DF.</summary>
    public bool DontFragment => (_header[6] & 0x40) != 0;

    /// <summary>MF.</summary>
    public bool MoreFragments => (_header[6] & 0x20) != 0;

    /// <summary>Offset of this fragment's payload in the datagram, in bytes.</summary>
    public int FragmentOffset => (BinaryPrimitives.ReadUInt16BigEndian(_header[6..]) & 0x1FFF) * 8;

    /// <summary>True for any part of a fragmented datagram.</summary>
    public bool IsFragment => MoreFragments || FragmentOffset != 0;

    /// <summary>Time to live.</summary>
    public byte TimeToLive => _header[8];

    /// <summary>Protocol number of the payload.</summary>
    public byte Protocol => _header[9];

    /// <summary>Header checksum as it stands.</summary>
    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_header[10..]);

    /// <summary>Source address.</summary>
    public IpAddress Source => IpAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(_header[12..]));

    /// <summary>Destination address.</summary>
    public IpAddress Destination => IpAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(_header[16..]));

    /// <summary>The options, raw; empty where there are none.</summary>
    public ReadOnlySpan<byte> Options => _header[MinimumLength..];

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not IPv4 or not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out Ipv4View view)
    {
        view = default;
        if (data.Length < MinimumLength || data[0] >> 4 != 4)
        {
            return false;
        }

        int length = (data[0] & 0x0F) * 4;
        if (length < MinimumLength || length > data.Length)
        {
            return false;
        }

        view = new Ipv4View(data[..length]);
        return true;
    }
}
