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

    /// <summary>The 802.2 header of an 802.3 frame, with SNAP where it is there.</summary>
    Llc,

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
