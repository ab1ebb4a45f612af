using Interceptor.Packets;

namespace Interceptor.Tests.Packets;

/// <summary>Small packets of every kind that is decoded, built here, and a few that are wrong on purpose.</summary>
internal static class Dissections
{
    internal sealed record Sample(string Name, LinkType LinkType, byte[] Data, bool IsMalformed = false);

    internal static IEnumerable<Sample> All()
    {
        PacketBuilder Ethernet() => new PacketBuilder().Ethernet(Packets.Sample.ClientMac, Packets.Sample.ServerMac);
        PacketBuilder V4(PacketBuilder builder) => builder.Ipv4(Packets.Sample.Client4, Packets.Sample.Server4, identification: 1, dontFragment: true);
        PacketBuilder V6(PacketBuilder builder) => builder.Ipv6(Packets.Sample.Client6, Packets.Sample.Server6);
        PacketBuilder Segment(PacketBuilder builder) => builder.Tcp(49152, 7001, new(0xFFFFFFF0), new(7), TcpFlags.Psh | TcpFlags.Ack, 502);

        yield return Of("tcp-syn", V4(Ethernet()).Tcp(49152, 7001, new(1), default, TcpFlags.Syn)
            .MaximumSegmentSize(1460).SackPermitted().Timestamps(1, 0).NoOperation().WindowScale(7));
        yield return Of("tcp-data-across-the-wrap", Segment(V4(Ethernet())).NoOperation().NoOperation().Timestamps(2, 1).Payload("a request of some bytes"u8));
        yield return Of("tcp-sack-near-wrap", V4(Ethernet()).Tcp(7001, 49152, new(7), new(0xFFFFFFF0), TcpFlags.Ack)
            .NoOperation().NoOperation().Sack(new SackBlock(new(0xFFFFFFF8), new(5)), new SackBlock(new(20), new(30))));
        yield return Of("tcp-urgent-with-options", V4(Ethernet()).Tcp(1, 2, new(9), new(8), TcpFlags.Urg | TcpFlags.Ack, urgentPointer: 0xFFFF)
            .NoOperation().NoOperation().Timestamps(2, 1).Payload("!"u8));
        yield return Of("tcp-every-flag", V4(Ethernet()).Tcp(1, 2, new(9), new(8), (TcpFlags)0xFFF));
        yield return Of("tcp-option-of-length-zero", V4(Ethernet()).Tcp(1, 2, new(9), new(8), TcpFlags.Ack).TcpOptions([8, 0, 1, 1]));
        yield return Of("tcp-padded-to-60", V4(Ethernet()).Tcp(1, 2, new(9), new(8), TcpFlags.Fin | TcpFlags.Ack).PadTo(60));
        yield return Of("tcp-over-ipv6-vlan", Segment(V6(Ethernet().Vlan(5, 3))).Payload("six"u8));
        yield return Of("udp-in-two-tags", V4(Ethernet().Vlan(100, etherType: EtherType.ServiceVlan).Vlan(200)).Udp(68, 67).Payload(new byte[12]));
        yield return Of("udp-over-ipv6-hop-by-hop", V6(new PacketBuilder()).Ipv6Extension(IpProtocol.Ipv6HopByHop, [1, 4, 0, 0, 0, 0]).Udp(1000, 2000).Payload("x"u8));
        yield return Of("icmp-echo", V4(Ethernet()).IcmpEcho(7, 1).Payload("ping"u8));
        yield return Of("icmp-port-unreachable", V4(Ethernet()).Icmp(3, 3).Payload(V4(new PacketBuilder()).Udp(5, 9999).Payload("lost"u8).ToArray()));
        yield return Of("icmp-frag-needed", V4(Ethernet()).Icmp(3, 4, 1400).Payload(Segment(V4(new PacketBuilder())).ToArray()));
        yield return Of("icmpv6-echo", V6(Ethernet()).Icmpv6Echo(7, 2, isReply: true).Payload("ping"u8));
        yield return Of("icmpv6-neighbor-solicitation", V6(Ethernet()).Icmpv6(135, 0).Payload(
            Convert.FromHexString("20010db8000000000000000000000002" + "0101020000000001")));
        yield return Of("arp-request", Ethernet().Arp(1, Packets.Sample.ClientMac, Packets.Sample.Client4, default, Packets.Sample.Server4).PadTo(60));
        yield return Of("arp-reply", Ethernet().Arp(2, Packets.Sample.ServerMac, Packets.Sample.Server4, Packets.Sample.ClientMac, Packets.Sample.Client4));
        yield return Of("ipv4-first-fragment", Ethernet().Ipv4(Packets.Sample.Client4, Packets.Sample.Server4, identification: 9, moreFragments: true)
            .Udp(1, 2, 34).Payload(new byte[16]));
        yield return Of("ipv4-later-fragment", Ethernet().Ipv4(Packets.Sample.Client4, Packets.Sample.Server4, identification: 9, fragmentOffset: 24, protocol: IpProtocol.Udp)
            .Payload(new byte[10]));
        yield return Of("ipv6-first-fragment", V6(Ethernet()).Ipv6Fragment(0xABCD, 0, moreFragments: true).Udp(1, 2, 24).Payload(new byte[8]));
        yield return Of("ipv6-later-fragment", V6(Ethernet()).Ipv6Fragment(0xABCD, 16, moreFragments: false, IpProtocol.Udp).Payload(new byte[8]));
        yield return Of("ip-in-ip", Segment(V4(V4(Ethernet()))).Payload("in"u8));
        yield return Of("unknown-protocol", V4(Ethernet()).Payload("????"u8));
        yield return Of("linux-cooked", Segment(V4(new PacketBuilder().LinuxCooked(Packets.Sample.ClientMac))));
        yield return new Sample("snap", LinkType.Ethernet, Snap(Segment(V4(new PacketBuilder())).ToArray()));
        yield return new Sample("unknown-ethertype", LinkType.Ethernet, Packets.Sample.Hex("020000000002 020000000001 88b5 0102030405060708"));
        yield return new Sample("null-ipv6", LinkType.Null, [30, 0, 0, 0, .. Segment(V6(new PacketBuilder())).ToArray()]);
        yield return new Sample("cooked2", LinkType.LinuxCooked2, [.. Packets.Sample.Hex("0800 0000 00000014 0001 00 06 f03f958f8263 0000"), .. Segment(V4(new PacketBuilder())).ToArray()]);
        byte[] inner = Segment(V4(new PacketBuilder())).Payload("in"u8).ToArray();
        yield return new Sample("mpls", LinkType.Ethernet, [.. Packets.Sample.Hex("020000000002 020000000001 8847 000130fe 000101ff"), .. inner]);
        yield return new Sample(
            "pppoe", LinkType.Ethernet, [.. Packets.Sample.Hex("020000000002 020000000001 8864 1100 0011"), 0, (byte)(inner.Length + 2), 0, 0x21, .. inner]);
        yield return Of("gre-with-key", Ethernet().Ipv4(Packets.Sample.Client4, Packets.Sample.Server4, protocol: IpProtocol.Gre)
            .Payload([0x20, 0, 8, 0, 0, 0, 0, 7, .. inner]));
        foreach (Sample sample in Malformed(Segment(V4(new PacketBuilder())).Payload("abc"u8).ToArray()))
        {
            yield return sample;
        }
    }

    private static IEnumerable<Sample> Malformed(byte[] segment)
    {
        yield return Broken("bad-version", segment, 0, 0x55);
        yield return Broken("bad-ip-header-length", segment, 0, 0x44);
        yield return Broken("bad-tcp-data-offset", segment, 32, 0x40);
        yield return Broken("tcp-data-offset-beyond-the-packet", segment, 32, 0xF0);
        yield return Broken("ip-checksum-wrong", segment, 10, (byte)(segment[10] ^ 1));
        yield return Broken("tcp-checksum-wrong", segment, 36, (byte)(segment[36] ^ 1));
    }

    private static Sample Broken(string name, byte[] packet, int offset, byte value)
    {
        byte[] broken = (byte[])packet.Clone();
        broken[offset] = value;
        return new Sample(name, LinkType.Raw, broken, IsMalformed: true);
    }

    private static Sample Of(string name, PacketBuilder builder) => new(name, builder.LinkType, builder.ToArray());

    private static byte[] Snap(byte[] ip) =>
        [.. Packets.Sample.Hex("020000000002 020000000001 00"), (byte)(ip.Length + 8), .. Packets.Sample.Hex("aaaa03 000000 0800"), .. ip, 0, 0, 0, 0];
}
