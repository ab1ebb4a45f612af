using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Packets;

public class PacketViewPropertyTests
{
    private static readonly byte[][] Seeds = Dissections.All().Select(sample => sample.Data).ToArray();

    [Fact]
    public void Any_bytes_are_decoded_on_any_link_without_a_throw_a_change_or_an_allocation()
    {
        ReadEverything([1, 2, 3], LinkType.Ethernet, 60);
        PropertyCheck.ForAllBytes(CheckTotal, count: 300);
    }

    [Fact]
    public void Packets_with_damaged_bytes_are_decoded_too()
    {
        ReadEverything([1, 2, 3], LinkType.Ethernet, 60);
        PropertyCheck.ForAllBytes(
            damage =>
            {
                foreach (byte[] seed in Seeds)
                {
                    byte[] packet = (byte[])seed.Clone();
                    for (int i = 0; i + 1 < damage.Length; i += 2)
                    {
                        packet[damage[i] % packet.Length] = damage[i + 1];
                    }

                    CheckTotal(packet);
                }
            },
            count: 60,
            maximumLength: 8);
    }

    [Fact]
    public void Packets_cut_anywhere_are_decoded_and_never_called_malformed()
    {
        foreach (Dissections.Sample sample in Dissections.All().Where(sample => !sample.IsMalformed))
        {
            for (int length = 0; length < sample.Data.Length; length++)
            {
                var view = PacketView.Parse(sample.Data.AsSpan(0, length), sample.LinkType, sample.Data.Length);
                Assert.True(view.Fault is PacketFault.None or PacketFault.Truncated, $"{sample.Name} cut to {length}: {view.Fault}");
                Assert.True(view.IsTruncated);
                Assert.Equal(sample.Data.Length, view.OriginalLength);
            }
        }
    }

    [Fact]
    public void Anything_can_be_printed_and_enumerated()
    {
        var formatter = new PacketFormatter(new PacketFormatOptions { Verbosity = 1, LinkHeader = true, HexDump = HexDumpStyle.HexAndText });
        PropertyCheck.ForAllBytes(
            bytes =>
            {
                foreach (LinkType linkType in Sample.LinkTypes)
                {
                    var view = PacketView.Parse(bytes, linkType, bytes.Length + 10);
                    foreach (char c in formatter.Format(view))
                    {
                        Assert.True(c is (>= ' ' and <= '~') or '\n' or '\t', $"character {(int)c:x} was printed");
                    }

                    PacketFields.Write(view, new FieldText());
                }
            },
            count: 300);
    }

    [Fact]
    public void Checksums_of_anything_can_be_checked_and_fixed()
    {
        PropertyCheck.ForAllBytes(
            bytes =>
            {
                foreach (LinkType linkType in Sample.LinkTypes)
                {
                    byte[] packet = (byte[])bytes.Clone();
                    PacketChecksums.Verify(PacketView.Parse(packet, linkType));
                    PacketChecksums.FixChecksums(packet, linkType);
                    Assert.False(PacketChecksums.Verify(PacketView.Parse(packet, linkType)).HasIncorrect);
                    PacketChecksums.FixLengthsAndChecksums(packet, linkType);
                }
            },
            count: 300);
    }

    private static void CheckTotal(byte[] bytes)
    {
        byte[] before = (byte[])bytes.Clone();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        foreach (LinkType linkType in Sample.LinkTypes)
        {
            ReadEverything(bytes, linkType, bytes.Length);
            ReadEverything(bytes, linkType, bytes.Length + 1000);
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Assert.Equal(0, allocated);
        Assert.True(bytes.AsSpan().SequenceEqual(before), "reading changed the packet");
    }

    /// <summary>Calls every accessor of every view that the packet has; the sum keeps the calls alive.</summary>
    internal static long ReadEverything(ReadOnlySpan<byte> bytes, LinkType linkType, int originalLength)
    {
        var view = PacketView.Parse(bytes, linkType, originalLength);
        long sum = view.PayloadLength + view.Payload.Length + view.PaddingLength + (long)view.Fault;
        for (int i = 0; i < view.LayerCount; i++)
        {
            Layer layer = view[i];
            Assert.True(layer.Offset + layer.HeaderLength <= bytes.Length && layer.PayloadLength >= 0);
            sum += view.HeaderOf(layer).Length;
        }

        sum += view.TryGetEthernet(out EthernetView ethernet) ? (long)ethernet.Destination.Bits + ethernet.TypeOrLength + (long)ethernet.Source.Bits : 0;
        sum += view.TryGetVlan(out VlanView vlan) ? vlan.VlanId + vlan.Priority + vlan.TypeOrLength : 0;
        sum += view.TryGetLlc(out LlcView llc) ? llc.DestinationSap + llc.SourceSap + llc.Control + llc.Organization + llc.ProtocolId : 0;
        sum += view.TryGetLinuxCooked(out LinuxCookedView cooked) ? cooked.PacketType + cooked.HardwareType + cooked.Address.Length + cooked.Protocol : 0;
        sum += view.TryGetLinuxCooked2(out LinuxCooked2View two) ? two.PacketType + two.HardwareType + two.Address.Length + two.Protocol + two.InterfaceIndex : 0;
        sum += view.TryGetNull(out NullView family) ? family.Family : 0;
        sum += view.TryGetArp(out ArpView arp)
            ? arp.Operation + arp.HardwareType + arp.ProtocolType + arp.SenderHardware.Length + arp.SenderProtocol.Length + arp.TargetHardware.Length + arp.TargetProtocol.Length
            : 0;
        sum += view.TryGetIpv4(out Ipv4View ip) ? ip.TotalLength + ip.Options.Length + ip.Checksum + ip.FragmentOffset + ip.Source.Length + ip.Destination.Length : 0;
        sum += view.TryGetIpv6(out Ipv6View ip6) ? ip6.PayloadLength + ip6.FlowLabel + ip6.TrafficClass + ip6.Source.Length + ip6.Destination.Length + ip6.HopLimit : 0;
        sum += view.TryGetIpv6Fragment(out Ipv6FragmentView fragment) ? fragment.FragmentOffset + fragment.Identification + fragment.NextHeader : 0;
        sum += view.TryGetUdp(out UdpView udp) ? udp.SourcePort + udp.DestinationPort + udp.DatagramLength + udp.Checksum : 0;
        sum += view.TryGetIcmp(out IcmpView icmp) ? icmp.Type + icmp.Code + icmp.Checksum + icmp.Identifier + icmp.Sequence + icmp.RestOfHeader : 0;
        sum += view.TryGetIcmpv6(out Icmpv6View icmpv6) ? icmpv6.Type + icmpv6.Code + icmpv6.Checksum : 0;
        if (view.TryGetTcp(out TcpView tcp))
        {
            Span<SackBlock> blocks = stackalloc SackBlock[4];
            sum += tcp.Sequence.Value + tcp.Acknowledgment.Value + tcp.WindowField + tcp.UrgentPointer + tcp.Checksum + (long)tcp.Flags;
            sum += TcpOptionSummary.Read(tcp).SackBlockCount + TcpOptionSummary.ReadSackBlocks(tcp, blocks);
        }

        sum += view.TryGetFlow(out FlowKey flow) ? flow.GetHashCode() + flow.Canonical(out _).Protocol : 0;
        return sum + (long)PacketChecksums.Verify(view).Transport;
    }
}
