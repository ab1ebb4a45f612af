using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Packets;

public class PacketBuilderTests
{
    [Fact]
    public void A_syn_has_the_bytes_the_kernel_would_send()
    {
        byte[] packet = new PacketBuilder()
            .Ethernet(Sample.ClientMac, Sample.ServerMac)
            .Ipv4(Sample.Client4, Sample.Server4, dontFragment: true, identification: 0x1234)
            .Tcp(49152, 80, new(0xFFFFFFF0), default, TcpFlags.Syn)
            .MaximumSegmentSize(1460).SackPermitted().Timestamps(1, 0).NoOperation().WindowScale(7)
            .ToArray();

        Assert.Equal(
            "020000000002020000000001080045" + "00003c123440004006a4" + "84c0000201c0000202"
            + "c0000050fffffff000000000a002faf0", Convert.ToHexStringLower(packet)[..100]);
        Assert.Equal("020405b40402080a000000010000000001030307", Convert.ToHexStringLower(packet.AsSpan(54)));
        ChecksumReport report = PacketChecksums.Verify(PacketView.Parse(packet, LinkType.Ethernet));
        Assert.Equal((ChecksumStatus.Correct, ChecksumStatus.Correct), (report.Ipv4Header, report.Transport));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void What_is_built_is_parsed_back(int version)
    {
        PropertyCheck.ForAll(Sample.Segments(version), segment =>
        {
            byte[] poisoned = new byte[2048];
            poisoned.AsSpan().Fill(0xDB);
            int length = segment.Build(version).Build(poisoned);

            Assert.All(poisoned[length..], value => Assert.Equal(0xDB, value));
            var view = PacketView.Parse(poisoned.AsSpan(0, length), LinkType.Raw);
            Assert.Equal(PacketFault.None, view.Fault);
            Assert.True(view.TryGetTcp(out TcpView tcp));
            Assert.Equal((segment.SourcePort, segment.DestinationPort), (tcp.SourcePort, tcp.DestinationPort));
            Assert.Equal((segment.Sequence, segment.Acknowledgment), (tcp.Sequence, tcp.Acknowledgment));
            Assert.Equal((segment.Flags, segment.Window), (tcp.Flags, tcp.WindowField));
            Assert.Equal(segment.Payload, view.Payload.ToArray());
            Assert.True(TcpOptionSummary.Read(tcp) is { HasTimestamps: true } options && options.TimestampValue == segment.TimestampValue);
            Assert.False(PacketChecksums.Verify(view).HasIncorrect);
            Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(view).Transport);
        });
    }

    [Fact]
    public void A_builder_used_again_leaves_nothing_of_the_packet_before()
    {
        var builder = new PacketBuilder(16);
        builder.Ipv4(Sample.Client4, Sample.Server4).Udp(1, 2).Payload(new byte[200]).PadTo(600).ToArray();
        byte[] again = builder.Clear().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4).Udp(3, 4).ToArray();

        Assert.Equal(new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4).Udp(3, 4).ToArray(), again);
    }

    [Fact]
    public void Ethernet_padding_is_in_no_payload()
    {
        byte[] packet = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4)
            .Tcp(1, 2, new(5), new(6), TcpFlags.Ack).PadTo(60).ToArray();

        var view = PacketView.Parse(packet, LinkType.Ethernet);
        Assert.Equal(60, packet.Length);
        Assert.Equal(0, view.PayloadLength);
        Assert.True(view.Payload.IsEmpty);
        Assert.Equal(6, view.PaddingLength);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(view).Transport);
    }

    [Fact]
    public void A_lease_takes_the_packet_with_its_metadata()
    {
        var pool = new PacketLeasePool(diagnostic: true);
        using PacketLease lease = new PacketBuilder().Ipv6(Sample.Client6, Sample.Server6).Icmpv6Echo(7, 1).ToLease(pool, new CaptureTimestamp(5));

        Assert.Equal((48, LinkType.Raw, 5), (lease.Metadata.OriginalLength, lease.Metadata.LinkType, lease.Metadata.Timestamp.Nanoseconds));
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(lease.Packet.Parse()).Transport);
    }

    [Fact]
    public void Options_that_do_not_fit_are_refused()
    {
        PacketBuilder builder = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Tcp(1, 2, default, default, TcpFlags.Ack);
        Assert.Throws<InvalidOperationException>(() => builder.TcpOptions(new byte[41]));
        Assert.Throws<InvalidOperationException>(() => new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).NoOperation());
    }

    [Fact]
    public void A_steady_loop_allocates_nothing()
    {
        var builder = new PacketBuilder();
        byte[] destination = new byte[256];
        int Once() => builder.Clear().Ethernet(Sample.ClientMac, Sample.ServerMac).Vlan(3).Ipv6(Sample.Client6, Sample.Server6)
            .Tcp(1, 2, new(5), new(6), TcpFlags.Ack).Timestamps(1, 2).Payload("data"u8).Build(destination);
        Once();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Once();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
