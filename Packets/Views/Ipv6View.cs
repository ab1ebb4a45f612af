using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The fixed IPv6 header (RFC 8200), read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct Ipv6View
{
    /// <summary>Bytes of the fixed header.</summary>
    public const int FixedLength = 40;

    private readonly ReadOnlySpan<byte> _header;

    private Ipv6View(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The fixed header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>DSCP and ECN bits.</summary>
    public byte TrafficClass => (byte)(BinaryPrimitives.ReadUInt16BigEndian(_header) >> 4);

    /// <summary>The 20-bit flow label.</summary>
    public int FlowLabel => (int)(BinaryPrimitives.ReadUInt32BigEndian(_header) & 0xFFFFF);

    /// <summary>Bytes behind the fixed header as it says; 0 on jumbograms and super packets.</summary>
    public int PayloadLength => BinaryPrimitives.ReadUInt16BigEndian(_header[4..]);

    /// <summary>Protocol number of what follows, which may be an extension header.</summary>
    public byte NextHeader => _header[6];

    /// <summary>Hop limit.</summary>
    public byte HopLimit => _header[7];

    /// <summary>Source address.</summary>
    public IpAddress Source => IpAddress.FromIpv6(_header.Slice(8, 16));

    /// <summary>Destination address.</summary>
    public IpAddress Destination => IpAddress.FromIpv6(_header.Slice(24, 16));

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not IPv6 or not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out Ipv6View view)
    {
        view = default;
        if (data.Length < FixedLength || data[0] >> 4 != 6)
        {
            return false;
        }

        view = new Ipv6View(data[..FixedLength]);
        return true;
    }
}
