using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The protocol family in front of BSD loopback packets, read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct NullView
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 4;

    private readonly ReadOnlySpan<byte> _header;
    private readonly bool _isNetworkOrder;

    private NullView(ReadOnlySpan<byte> header, bool isNetworkOrder)
    {
        _header = header;
        _isNetworkOrder = isNetworkOrder;
    }

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>
    /// The AF_ number of the capturing machine. On a null link its byte order is that machine's too: families are small numbers,
    /// so a value with a high half is read the other way round.
    /// </summary>
    public uint Family
    {
        get
        {
            uint family = BinaryPrimitives.ReadUInt32BigEndian(_header);
            return !_isNetworkOrder && (family & 0xFFFF0000) != 0 ? BinaryPrimitives.ReverseEndianness(family) : family;
        }
    }

    /// <summary>AF_INET is 2 everywhere.</summary>
    public bool IsIpv4 => Family == 2;

    /// <summary>AF_INET6 is 10 (Linux), 23 (Windows), 24 (NetBSD), 28 (FreeBSD) or 30 (Darwin).</summary>
    public bool IsIpv6 => Family is 10 or 23 or 24 or 28 or 30;

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    /// <param name="data">Bytes from the header on.</param>
    /// <param name="isNetworkOrder">True for OpenBSD's loop link, whose family is always in network order.</param>
    /// <param name="view">The header.</param>
    public static bool TryParse(ReadOnlySpan<byte> data, bool isNetworkOrder, out NullView view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new NullView(data[..Length], isNetworkOrder) : default;
        return isWhole;
    }
}
