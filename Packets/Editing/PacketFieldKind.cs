namespace Interceptor.Packets;

/// <summary>What a field that <see cref="PacketMap"/> found is.</summary>
public enum PacketFieldKind : byte
{
    /// <summary>The destination of an Ethernet header.</summary>
    DestinationMac,

    /// <summary>The source of an Ethernet or Linux cooked header.</summary>
    SourceMac,

    /// <summary>An Ethernet address elsewhere: in ARP, in an option of neighbour discovery.</summary>
    OtherMac,

    /// <summary>The source of an IP header, the sender of an ARP packet.</summary>
    SourceAddress,

    /// <summary>The destination of an IP header, the target of an ARP packet.</summary>
    DestinationAddress,

    /// <summary>An IP address elsewhere: in a routing header, an IPv4 option, an ICMP redirect, neighbour discovery.</summary>
    OtherAddress,

    /// <summary>A network in a router's advertisement: 16 bytes of which those behind its prefix length mean nothing.</summary>
    Prefix,

    /// <summary>The source port of TCP or UDP.</summary>
    SourcePort,

    /// <summary>The destination port of TCP or UDP.</summary>
    DestinationPort,

    /// <summary>A whole TCP header with its options; not one that an ICMP error quotes.</summary>
    TcpHeader,
}
