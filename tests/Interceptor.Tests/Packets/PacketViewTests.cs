using Interceptor.Packets;

namespace Interceptor.Tests.Packets;

public class PacketViewTests
{
    [Fact]
    public void An_option_of_length_zero_ends_the_walk()
    {
        byte[] packet = Of("tcp-option-of-length-zero").Data;
        Assert.True(PacketView.Parse(packet, LinkType.Ethernet).TryGetTcp(out TcpView tcp));
        TcpOptionEnumerator options = tcp.EnumerateOptions();

        Assert.False(options.MoveNext());
        Assert.True(options.IsMalformed);
        Assert.False(options.MoveNext());
    }

    [Fact]
    public void Urgent_data_does_not_disturb_options_and_the_pointer_is_unsigned()
    {
        var view = PacketView.Parse(Of("tcp-urgent-with-options").Data, LinkType.Ethernet);
        Assert.True(view.TryGetTcp(out TcpView tcp));

        Assert.Equal(65535, tcp.UrgentPointer);
        Assert.True(TcpOptionSummary.Read(tcp) is { HasTimestamps: true, TimestampValue: 2, TimestampEcho: 1 });
        Assert.Equal("!"u8, view.Payload);
    }

    [Fact]
    public void Sack_edges_near_the_wrap_are_read_as_they_are()
    {
        Assert.True(PacketView.Parse(Of("tcp-sack-near-wrap").Data, LinkType.Ethernet).TryGetTcp(out TcpView tcp));
        SackBlock[] blocks = new SackBlock[4];

        Assert.Equal(2, TcpOptionSummary.ReadSackBlocks(tcp, blocks));
        Assert.Equal(13, blocks[0].Right - blocks[0].Left);
        Assert.True(blocks[0].Left < blocks[0].Right);
        Assert.Equal(1, TcpOptionSummary.ReadSackBlocks(tcp, blocks.AsSpan(0, 1)));
    }

    [Fact]
    public void A_cut_packet_keeps_its_length_on_the_wire()
    {
        byte[] packet = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4)
            .Tcp(1, 2, new(3), new(4), TcpFlags.Ack).Payload(new byte[1000]).ToArray();
        var view = PacketView.Parse(packet.AsSpan(0, 96), LinkType.Ethernet, packet.Length);

        Assert.Equal((1054, true, PacketFault.None), (view.OriginalLength, view.IsTruncated, view.Fault));
        Assert.Equal((1000, 42), (view.PayloadLength, view.Payload.Length));
    }

    [Fact]
    public void A_super_packet_without_total_length_is_as_long_as_the_capture()
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Tcp(1, 2, new(3), new(4), TcpFlags.Ack).Payload(new byte[70_000]).ToArray();
        var view = PacketView.Parse(packet, LinkType.Raw);

        Assert.True(view.TryGetIpv4(out Ipv4View ip));
        Assert.Equal((0, 70_000), (ip.TotalLength, view.PayloadLength));
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(view).Transport);
    }

    [Fact]
    public void Llc_with_snap_leads_to_ip_and_padding_is_left_out()
    {
        Dissections.Sample sample = Of("snap");
        var view = PacketView.Parse(sample.Data, sample.LinkType);

        Assert.True(view.TryGetLlc(out LlcView llc));
        Assert.Equal((0xAA, 0xAA, 3, 0, EtherType.Ipv4), (llc.DestinationSap, llc.SourceSap, llc.Control, llc.Organization, llc.ProtocolId));
        Assert.Equal((LayerKind.Tcp, 0, 4), (view.Innermost.Kind, view.PayloadLength, view.PaddingLength));
    }

    [Fact]
    public void Tags_are_layers_of_their_own()
    {
        Dissections.Sample sample = Of("udp-in-two-tags");
        var view = PacketView.Parse(sample.Data, sample.LinkType);

        Assert.True(VlanView.TryParse(view.HeaderOf(view[1]), out VlanView outer));
        Assert.True(view.TryGetVlan(out VlanView inner));
        Assert.Equal((100, EtherType.Vlan, 200, EtherType.Ipv4), (outer.VlanId, outer.TypeOrLength, inner.VlanId, inner.TypeOrLength));
        Assert.True(view.TryGetUdp(out UdpView udp));
        Assert.Equal((68, 67, 20), (udp.SourcePort, udp.DestinationPort, udp.DatagramLength));
    }

    [Fact]
    public void Cooked_headers_are_read()
    {
        Dissections.Sample two = Of("cooked2");
        Assert.True(PacketView.Parse(two.Data, two.LinkType).TryGetLinuxCooked2(out LinuxCooked2View cooked2));
        Assert.Equal((20u, 0, MacAddress.FromBits(0xF03F958F8263)), (cooked2.InterfaceIndex, cooked2.PacketType, MacAddress.FromBytes(cooked2.Address)));

        Dissections.Sample one = Of("linux-cooked");
        Assert.True(PacketView.Parse(one.Data, one.LinkType).TryGetLinuxCooked(out LinuxCookedView cooked));
        Assert.Equal((0, 1, EtherType.Ipv4, Sample.ClientMac), (cooked.PacketType, cooked.HardwareType, cooked.Protocol, MacAddress.FromBytes(cooked.Address)));
    }

    [Theory]
    [InlineData("1e000000", true)]
    [InlineData("0000001e", true)]
    [InlineData("02000000", false)]
    [InlineData("00000002", false)]
    public void The_loopback_family_is_read_in_either_byte_order(string hex, bool isIpv6)
    {
        Assert.True(NullView.TryParse(Sample.Hex(hex), isNetworkOrder: false, out NullView view));
        Assert.Equal((isIpv6, !isIpv6), (view.IsIpv6, view.IsIpv4));
    }

    [Fact]
    public void Arp_addresses_are_read()
    {
        Assert.True(PacketView.Parse(Of("arp-reply").Data, LinkType.Ethernet).TryGetArp(out ArpView arp));
        Assert.True(arp.IsIpv4OverEthernet);
        Assert.Equal((2, Sample.Server4, Sample.Client4), (arp.Operation, IpAddress.FromBytes(arp.SenderProtocol), IpAddress.FromBytes(arp.TargetProtocol)));
        Assert.Equal((Sample.ServerMac, Sample.ClientMac), (MacAddress.FromBytes(arp.SenderHardware), MacAddress.FromBytes(arp.TargetHardware)));
    }

    [Fact]
    public void Extension_headers_are_walked()
    {
        Dissections.Sample sample = Of("udp-over-ipv6-hop-by-hop");
        var view = PacketView.Parse(sample.Data, sample.LinkType);

        Assert.Equal((LayerKind.Ipv6, LayerKind.Ipv6Extension, LayerKind.Udp), (view[0].Kind, view[1].Kind, view[2].Kind));
        Assert.True(Ipv6ExtensionView.TryParse(view.HeaderOf(view[1]), IpProtocol.Ipv6HopByHop, out Ipv6ExtensionView extension));
        Assert.Equal((8, IpProtocol.Udp), (extension.Header.Length, extension.NextHeader));
        Assert.True(view.TryGetFlow(out FlowKey flow));
        Assert.Equal((IpProtocol.Udp, (ushort)2000), (flow.Protocol, flow.Destination.Port));
    }

    [Fact]
    public void Later_fragments_have_no_transport_header()
    {
        Dissections.Sample sample = Of("ipv6-later-fragment");
        var view = PacketView.Parse(sample.Data, sample.LinkType);

        Assert.Equal(LayerKind.Ipv6Fragment, view.Innermost.Kind);
        Assert.True(view.TryGetIpv6Fragment(out Ipv6FragmentView fragment));
        Assert.Equal((16, false, 0xABCDu, IpProtocol.Udp), (fragment.FragmentOffset, fragment.MoreFragments, fragment.Identification, fragment.NextHeader));
        Assert.True(view.TryGetFlow(out FlowKey flow));
        Assert.Equal((IpProtocol.Udp, (ushort)0), (flow.Protocol, flow.Source.Port));
    }

    [Fact]
    public void A_packet_in_a_packet_is_decoded_to_the_innermost()
    {
        Dissections.Sample sample = Of("ip-in-ip");
        var view = PacketView.Parse(sample.Data, sample.LinkType);

        Assert.Equal(4, view.LayerCount);
        Assert.True(view.TryGetTcp(out _));
        Assert.Equal("in"u8, view.Payload);
    }

    [Fact]
    public void More_layers_than_are_kept_is_a_fault_and_not_a_loop()
    {
        var builder = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac);
        for (int i = 0; i < 20; i++)
        {
            builder.Vlan(i);
        }

        byte[] packet = builder.Ipv4(Sample.Client4, Sample.Server4).ToArray();
        var view = PacketView.Parse(packet, LinkType.Ethernet);
        Assert.Equal((16, PacketFault.TooManyLayers), (view.LayerCount, view.Fault));
    }

    private static Dissections.Sample Of(string name) => Dissections.All().Single(sample => sample.Name == name);
}
