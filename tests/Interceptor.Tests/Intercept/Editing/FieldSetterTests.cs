using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using Interceptor.Testing;
using Interceptor.Tests.Allocations;

namespace Interceptor.Tests.Intercept.Editing;

public sealed class FieldSetterTests
{
    private static readonly FieldSetter All = new([.. new[] { "ttl=9", "tos=0x10", "ip.id=4660", "tcp.window=77" }.Select(FieldSetting.Parse)]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_field_is_set_and_the_checksums_stay_right(bool isV6)
    {
        byte[] packet = Build(isV6, TcpFlags.Ack);
        Assert.True(All.Apply(packet, isChecksumReady: true));
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        ChecksumReport report = PacketChecksums.Verify(in view);
        Assert.Equal(ChecksumStatus.Correct, report.Transport);
        Assert.True(view.TryGetTcp(out TcpView tcp));
        Assert.Equal(77, tcp.WindowField);
        if (isV6)
        {
            Assert.True(view.TryGetIpv6(out Ipv6View ip6));
            Assert.Equal((9, 0x10), (ip6.HopLimit, ip6.TrafficClass));
            return;
        }

        Assert.Equal(ChecksumStatus.Correct, report.Ipv4Header);
        Assert.True(view.TryGetIpv4(out Ipv4View ip));
        Assert.Equal((9, 0x10, 4660), (ip.TimeToLive, ip.TypeOfService, ip.Identification));
        Assert.False(All.Apply(packet, isChecksumReady: true));
    }

    [Fact]
    public void A_wrong_checksum_stays_wrong_and_a_missing_one_is_computed()
    {
        byte[] packet = Build(isV6: false, TcpFlags.Ack);
        packet[^1] ^= 1;
        Assert.True(All.Apply(packet, isChecksumReady: true));
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        Assert.Equal(ChecksumStatus.Incorrect, PacketChecksums.Verify(in view).Transport);
        Assert.True(new FieldSetter([FieldSetting.Parse("ttl=10")]).Apply(packet, isChecksumReady: false));
        view = PacketView.Parse(packet, LinkType.Raw);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(in view).Transport);
    }

    [Fact]
    public void Any_bytes_are_taken_and_nothing_is_allocated()
    {
        PropertyCheck.ForAllBytes(bytes => All.Apply(bytes, isChecksumReady: true));
        byte[] packet = Build(isV6: false, TcpFlags.Ack);
        byte[] copy = new byte[packet.Length];
        Assert.Equal(0, RealPackets.AllocatedBy(() =>
        {
            packet.CopyTo(copy, 0);
            All.Apply(copy, isChecksumReady: true);
        }));
    }

    [Theory]
    [InlineData("ttl=256", "from 0 to 255")]
    [InlineData("tcp.window=-1", "from 0 to 65535")]
    [InlineData("ttl", "one of ttl, tos, ip.id, tcp.window")]
    [InlineData("mss=1=2", "one of ttl, tos, ip.id, tcp.window")]
    public void What_is_no_setting_is_refused_with_the_reason(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => FieldSetting.Parse(text)).Message, StringComparison.Ordinal);

    private static byte[] Build(bool isV6, TcpFlags flags)
    {
        Span<byte> address = stackalloc byte[16];
        address[15] = 1;
        var builder = new PacketBuilder();
        if (isV6)
        {
            builder.Ipv6(IpAddress.FromIpv6(address), IpAddress.FromIpv6(address));
        }
        else
        {
            builder.Ipv4(IpAddress.FromIpv4(1), IpAddress.FromIpv4(2));
        }

        byte[] packet = new byte[200];
        return packet[..builder.Tcp(1, 2, new(3), new(4), flags).Payload("some text"u8).Build(packet)];
    }
}
