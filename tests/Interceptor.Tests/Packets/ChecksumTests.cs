using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Packets;

public class ChecksumTests
{
    [Fact]
    public void The_example_of_rfc_1071_sums_to_ddf2()
    {
        Assert.Equal(0xDDF2, InternetChecksum.Sum([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]));
    }

    [Fact]
    public void The_example_of_rfc_1624_is_updated_to_zero()
    {
        Assert.Equal(0x0000, InternetChecksum.Update((ushort)0xDD2F, (ushort)0x5555, (ushort)0x3285));
    }

    [Fact]
    public void The_sum_is_that_of_the_plain_loop_at_any_length()
    {
        PropertyCheck.ForAllBytes(bytes => Assert.Equal(PlainSum(bytes), InternetChecksum.Sum(bytes)), maximumLength: 700);
        byte[] full = new byte[70_001];
        full.AsSpan().Fill(0xFF);
        Assert.Equal(PlainSum(full), InternetChecksum.Sum(full));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void An_incremental_update_equals_the_whole_computation(int version)
    {
        PropertyCheck.ForAll(Sample.Segments(version), segment =>
        {
            byte[] packet = segment.Build(version).ToArray();
            byte[] old = (byte[])packet.Clone();
            int ip = version == 4 ? Ipv4View.MinimumLength : Ipv6View.FixedLength;
            var editor = new PacketEditor(packet, LinkType.Raw);
            Assert.True(editor.TryGetTcp(out TcpEditor tcp));
            tcp.Sequence += 12345;
            tcp.WindowField = segment.DestinationPort;
            ushort incremental = InternetChecksum.Update(tcp.Checksum, old.AsSpan(ip, 16), packet.AsSpan(ip, 16));
            ushort byField = InternetChecksum.Update(
                InternetChecksum.Update(tcp.Checksum, segment.Sequence.Value, tcp.Sequence.Value), segment.Window, tcp.WindowField);

            editor.FixChecksums();

            Assert.Equal(tcp.Checksum, incremental);
            Assert.Equal(tcp.Checksum, byField);
        });
    }

    [Fact]
    public void A_udp_datagram_without_checksum_stays_without()
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Udp(1, 2).Payload("abc"u8).ToArray();
        var editor = new PacketEditor(packet, LinkType.Raw);
        Assert.True(editor.TryGetUdp(out UdpEditor udp));
        udp.Checksum = 0;

        editor.FixChecksums();

        Assert.Equal(0, udp.Checksum);
        Assert.Equal(ChecksumStatus.Absent, PacketChecksums.Verify(editor.View).Transport);
        Assert.Equal(0, InternetChecksum.UpdateUdp(0, [0, 1], [0, 2]));
    }

    [Fact]
    public void A_udp_checksum_that_computes_to_zero_is_sent_as_all_ones()
    {
        // The payload word is chosen so that everything else sums to its complement.
        PacketBuilder With(ushort word) => new PacketBuilder().Ipv6(Sample.Client6, Sample.Server6).Udp(1, 2).Payload([(byte)(word >> 8), (byte)word]);
        byte[] zeroWord = With(0).ToArray();
        ushort checksum = (ushort)((zeroWord[46] << 8) | zeroWord[47]);

        byte[] packet = With(checksum).ToArray();

        Assert.Equal(0xFFFF, (packet[46] << 8) | packet[47]);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(PacketView.Parse(packet, LinkType.Raw)).Transport);
    }

    [Fact]
    public void A_udp_checksum_of_zero_over_ipv6_is_wrong()
    {
        byte[] packet = new PacketBuilder().Ipv6(Sample.Client6, Sample.Server6).Udp(1, 2).ToArray();
        packet[46] = packet[47] = 0;
        Assert.Equal(ChecksumStatus.Incorrect, PacketChecksums.Verify(PacketView.Parse(packet, LinkType.Raw)).Transport);
        PacketChecksums.FixChecksums(packet, LinkType.Raw);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(PacketView.Parse(packet, LinkType.Raw)).Transport);
    }

    [Fact]
    public void What_can_not_be_checked_is_told_apart_from_what_is_wrong()
    {
        byte[] segment = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Tcp(1, 2, new(3), new(4), TcpFlags.Ack).Payload("hello"u8).ToArray();
        ChecksumStatus Status(byte[] packet, int captured) => PacketChecksums.Verify(PacketView.Parse(packet.AsSpan(0, captured), LinkType.Raw, packet.Length)).Transport;

        Assert.Equal(ChecksumStatus.Correct, Status(segment, 45));
        Assert.Equal(ChecksumStatus.Truncated, Status(segment, 44));

        byte[] wrong = (byte[])segment.Clone();
        wrong[44] ^= 1;
        Assert.Equal(ChecksumStatus.Incorrect, Status(wrong, 45));

        byte[] offloaded = (byte[])segment.Clone();
        ushort partial = InternetChecksum.PseudoHeaderSum(Sample.Client4, Sample.Server4, IpProtocol.Tcp, 25);
        (offloaded[36], offloaded[37]) = ((byte)(partial >> 8), (byte)partial);
        Assert.Equal(ChecksumStatus.Offloaded, Status(offloaded, 45));

        byte[] fragment = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4, moreFragments: true).Tcp(1, 2, new(3), new(4), TcpFlags.Ack).ToArray();
        Assert.Equal(ChecksumStatus.Fragment, Status(fragment, 40));
    }

    [Fact]
    public void The_final_destination_of_a_routing_header_is_what_is_summed()
    {
        byte[] via = new byte[16];
        Sample.Address("2001:db8::99").CopyTo(via);
        byte[] routing = [0, 1, 0, 0, 0, 0, .. via];
        byte[] packet = new PacketBuilder().Ipv6(Sample.Client6, Sample.Server6).Ipv6Extension(IpProtocol.Ipv6Routing, routing).Udp(1, 2).ToArray();

        byte[] direct = new PacketBuilder().Ipv6(Sample.Client6, Sample.Address("2001:db8::99")).Udp(1, 2).ToArray();
        Assert.Equal(direct[^2..], packet[^2..]);
    }

    [Fact]
    public void Lengths_are_fixed_when_the_payload_grew()
    {
        foreach (Dissections.Sample sample in Dissections.All().Where(sample => !sample.IsMalformed && sample.Name.StartsWith("tcp-", StringComparison.Ordinal)))
        {
            var before = PacketView.Parse(sample.Data, sample.LinkType);
            byte[] grown = [.. sample.Data.AsSpan(0, sample.Data.Length - before.PaddingLength), 1, 2, 3];

            Assert.True(PacketChecksums.FixLengthsAndChecksums(grown, sample.LinkType));

            var after = PacketView.Parse(grown, sample.LinkType);
            Assert.Equal(before.PayloadLength + 3, after.PayloadLength);
            Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(after).Transport);
        }
    }

    private static ushort PlainSum(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (int i = 0; i < data.Length; i++)
        {
            sum += i % 2 == 0 ? (uint)data[i] << 8 : data[i];
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (ushort)sum;
    }
}
