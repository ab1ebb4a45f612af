namespace Interceptor.Packets;

/// <summary>IP protocol numbers (IANA) that the decoder names.</summary>
public static class IpProtocol
{
    /// <summary>IPv6 hop-by-hop options.</summary>
    public const byte Ipv6HopByHop = 0;

    /// <summary>ICMP for IPv4.</summary>
    public const byte Icmp = 1;

    /// <summary>IPv4 in IP.</summary>
    public const byte Ipv4 = 4;

    /// <summary>TCP.</summary>
    public const byte Tcp = 6;

    /// <summary>UDP.</summary>
    public const byte Udp = 17;

    /// <summary>IPv6 in IP.</summary>
    public const byte Ipv6 = 41;

    /// <summary>IPv6 routing header.</summary>
    public const byte Ipv6Routing = 43;

    /// <summary>IPv6 fragment header.</summary>
    public const byte Ipv6Fragment = 44;

    /// <summary>Generic routing encapsulation.</summary>
    public const byte Gre = 47;

    /// <summary>Authentication header.</summary>
    public const byte Authentication = 51;

    /// <summary>ICMP for IPv6.</summary>
    public const byte Icmpv6 = 58;

    /// <summary>IPv6 with nothing behind it.</summary>
    public const byte Ipv6NoNext = 59;

    /// <summary>IPv6 destination options.</summary>
    public const byte Ipv6Destination = 60;
}
