namespace Interceptor.Packets;

/// <summary>Ethernet types (IEEE, RFC 9542) that the decoder names.</summary>
public static class EtherType
{
    /// <summary>IPv4.</summary>
    public const ushort Ipv4 = 0x0800;

    /// <summary>Address resolution.</summary>
    public const ushort Arp = 0x0806;

    /// <summary>An 802.1Q customer tag.</summary>
    public const ushort Vlan = 0x8100;

    /// <summary>IPv6.</summary>
    public const ushort Ipv6 = 0x86DD;

    /// <summary>An 802.1ad service tag.</summary>
    public const ushort ServiceVlan = 0x88A8;
}
