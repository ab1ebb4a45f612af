using System.Runtime.CompilerServices;

namespace Interceptor.Packets;

/// <summary>A protocol header that <see cref="PacketView"/> knows.</summary>
public enum LayerKind : byte
{
    /// <summary>No layer.</summary>
    None,

    /// <summary>Ethernet II or 802.3.</summary>
    Ethernet,

    /// <summary>One 802.1Q or 802.1ad tag (QinQ is two of these).</summary>
    Vlan,

    /// <summary>Linux cooked capture v1.</summary>
    LinuxCooked,

    /// <summary>Linux cooked capture v2.</summary>
    LinuxCooked2,

    /// <summary>BSD null or OpenBSD loop.</summary>
    Null,

    /// <summary>Address resolution.</summary>
    Arp,

    /// <summary>IPv4 with its options.</summary>
    Ipv4,

    /// <summary>The fixed IPv6 header.</summary>
    Ipv6,

    /// <summary>One IPv6 extension header (hop-by-hop, routing, destination options, mobility, HIP, shim6, authentication).</summary>
    Ipv6Extension,

    /// <summary>The IPv6 fragment header.</summary>
    Ipv6Fragment,

    /// <summary>TCP with its options.</summary>
    Tcp,

    /// <summary>UDP.</summary>
    Udp,

    /// <summary>ICMP for IPv4.</summary>
    Icmp,

    /// <summary>ICMP for IPv6.</summary>
    Icmpv6,
}

/// <summary>Why decoding stopped before the innermost layer.</summary>
public enum PacketFault : byte
{
    /// <summary>It did not: all layers that are known were decoded.</summary>
    None,

    /// <summary>The capture ends inside a header (cut by the snap length): not malformed.</summary>
    Truncated,

    /// <summary>A version nibble that does not fit the layer.</summary>
    BadVersion,

    /// <summary>A header length smaller than the fixed header, or longer than what contains it on the wire.</summary>
    BadHeaderLength,

    /// <summary>A total or payload length smaller than the header.</summary>
    BadLength,

    /// <summary>More layers than are kept.</summary>
    TooManyLayers,
}

/// <summary>Where one layer lies in a packet.</summary>
/// <param name="Kind">Which header.</param>
/// <param name="Offset">First byte of the header, from the packet's first byte.</param>
/// <param name="HeaderLength">Bytes of the header, options included; wholly captured.</param>
/// <param name="PayloadLength">
/// Bytes behind the header that belong to it on the wire, by its own length field where it has one (Ethernet padding is excluded).
/// May be more than was captured.
/// </param>
public readonly record struct Layer(LayerKind Kind, int Offset, int HeaderLength, int PayloadLength)
{
    /// <summary>First byte behind the header.</summary>
    public int PayloadOffset => Offset + HeaderLength;
}

[InlineArray(Capacity)]
internal struct LayerTable
{
    internal const int Capacity = 16;
    private Layer _first;
}
