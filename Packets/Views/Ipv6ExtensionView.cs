namespace Interceptor.Packets;

/// <summary>
/// One IPv6 extension header (RFC 8200, 4; RFC 4302 for authentication) other than the fragment header, read in place. Which one it is stands in the
/// next-header field in front of it. After <see cref="TryParse"/> returned true no accessor throws.
/// </summary>
public readonly ref struct Ipv6ExtensionView
{
    private readonly ReadOnlySpan<byte> _header;

    private Ipv6ExtensionView(byte kind, ReadOnlySpan<byte> header)
    {
        Kind = kind;
        _header = header;
    }

    /// <summary>The protocol number of this header.</summary>
    public byte Kind { get; }

    /// <summary>The whole header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Protocol number of what follows.</summary>
    public byte NextHeader => _header[0];

    /// <summary>The bytes behind next header and length.</summary>
    public ReadOnlySpan<byte> Data => _header[2..];

    /// <summary>Segments left of a routing header; 0 for the others.</summary>
    public byte SegmentsLeft => Kind == IpProtocol.Ipv6Routing ? _header[3] : (byte)0;

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    /// <param name="data">Bytes from the header on.</param>
    /// <param name="kind">The next-header number that announced it: authentication counts its length differently.</param>
    /// <param name="view">The header.</param>
    public static bool TryParse(ReadOnlySpan<byte> data, byte kind, out Ipv6ExtensionView view)
    {
        view = default;
        if (data.Length < 8)
        {
            return false;
        }

        int length = kind == IpProtocol.Authentication ? (data[1] + 2) * 4 : (data[1] + 1) * 8;
        if (length < 8 || data.Length < length)
        {
            return false;
        }

        view = new Ipv6ExtensionView(kind, data[..length]);
        return true;
    }
}
