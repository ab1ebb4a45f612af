using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The IPv6 fragment header (RFC 8200, 4.5), read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct Ipv6FragmentView
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 8;

    private readonly ReadOnlySpan<byte> _header;

    private Ipv6FragmentView(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Protocol number of what follows.</summary>
    public byte NextHeader => _header[0];

    /// <summary>Offset of this fragment's payload in the fragmentable part, in bytes.</summary>
    public int FragmentOffset => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]) & 0xFFF8;

    /// <summary>M: more fragments follow.</summary>
    public bool MoreFragments => (_header[3] & 1) != 0;

    /// <summary>The identification field.</summary>
    public uint Identification => BinaryPrimitives.ReadUInt32BigEndian(_header[4..]);

    /// <summary>True for a fragment header that holds the whole packet (RFC 6946).</summary>
    public bool IsAtomic => FragmentOffset == 0 && !MoreFragments;

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out Ipv6FragmentView view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new Ipv6FragmentView(data[..Length]) : default;
        return isWhole;
    }
}
