namespace Interceptor.Packets;

/// <summary>IP protocol numbers (IANA) that the decoder names.</summary>
public static class IpProtocol
{
    /// <summary>ICMP for IPv4.</summary>
    public const byte Icmp = 1;

    /// <summary>TCP.</summary>
    public const byte Tcp = 6;

    /// <summary>UDP.</summary>
    public const byte Udp = 17;

    /// <summary>ICMP for IPv6.</summary>
    public const byte Icmpv6 = 58;
}
