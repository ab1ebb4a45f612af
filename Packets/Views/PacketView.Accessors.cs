namespace Interceptor.Packets;

public readonly ref partial struct PacketView
{
    /// <summary>The Ethernet header.</summary>
    public bool TryGetEthernet(out EthernetView view)
    {
        view = default;
        return TryFind(LayerKind.Ethernet, out Layer layer) && EthernetView.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The innermost VLAN tag.</summary>
    public bool TryGetVlan(out VlanView view)
    {
        view = default;
        return TryFind(LayerKind.Vlan, out Layer layer) && VlanView.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The 802.2 header of an 802.3 frame.</summary>
    public bool TryGetLlc(out LlcView view)
    {
        view = default;
        return TryFind(LayerKind.Llc, out Layer layer) && LlcView.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The Linux cooked header, version 1.</summary>
    public bool TryGetLinuxCooked(out LinuxCookedView view)
    {
        view = default;
        return TryFind(LayerKind.LinuxCooked, out Layer layer) && LinuxCookedView.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The Linux cooked header, version 2.</summary>
    public bool TryGetLinuxCooked2(out LinuxCooked2View view)
    {
        view = default;
        return TryFind(LayerKind.LinuxCooked2, out Layer layer) && LinuxCooked2View.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The ARP packet.</summary>
    public bool TryGetArp(out ArpView view)
    {
        view = default;
        return TryFind(LayerKind.Arp, out Layer layer) && ArpView.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The innermost IPv4 header.</summary>
    public bool TryGetIpv4(out Ipv4View view)
    {
        view = default;
        return TryFind(LayerKind.Ipv4, out Layer layer) && Ipv4View.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The innermost IPv6 header.</summary>
    public bool TryGetIpv6(out Ipv6View view)
    {
        view = default;
        return TryFind(LayerKind.Ipv6, out Layer layer) && Ipv6View.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The IPv6 fragment header.</summary>
    public bool TryGetIpv6Fragment(out Ipv6FragmentView view)
    {
        view = default;
        return TryFind(LayerKind.Ipv6Fragment, out Layer layer) && Ipv6FragmentView.TryParse(HeaderOf(layer), out view);
    }

    /// <summary>The BSD loopback header.</summary>
    public bool TryGetNull(out NullView view)
    {
        view = default;
        return TryFind(LayerKind.Null, out Layer layer) && NullView.TryParse(HeaderOf(layer), LinkType == LinkType.Loop, out view);
    }

    /// <summary>The TCP header, if it is the innermost layer.</summary>
    public bool TryGetTcp(out TcpView view)
    {
        view = default;
        Layer last = Innermost;
        return last.Kind == LayerKind.Tcp && TcpView.TryParse(HeaderOf(last), out view);
    }

    /// <summary>The UDP header, if it is the innermost layer.</summary>
    public bool TryGetUdp(out UdpView view)
    {
        view = default;
        Layer last = Innermost;
        return last.Kind == LayerKind.Udp && UdpView.TryParse(HeaderOf(last), out view);
    }

    /// <summary>The ICMP header, if it is the innermost layer.</summary>
    public bool TryGetIcmp(out IcmpView view)
    {
        view = default;
        Layer last = Innermost;
        return last.Kind == LayerKind.Icmp && IcmpView.TryParse(HeaderOf(last), out view);
    }

    /// <summary>The ICMPv6 header with its message body, if it is the innermost layer.</summary>
    public bool TryGetIcmpv6(out Icmpv6View view)
    {
        view = default;
        Layer last = Innermost;
        return last.Kind == LayerKind.Icmpv6 && Icmpv6View.TryParse(HeaderOf(last), out view);
    }
}
