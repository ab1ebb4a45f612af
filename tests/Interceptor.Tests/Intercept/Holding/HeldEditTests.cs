using System.Text;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using static Interceptor.Tests.Intercept.Holding.HoldBench;

namespace Interceptor.Tests.Intercept.Holding;

public sealed class HeldEditTests
{
    [Theory]
    [InlineData("ttl=9", "ttl 9")]
    [InlineData("tos=0x10", "tos 16")]
    [InlineData("ip.id=513", "id 513")]
    [InlineData("sport=1", "sport 1")]
    [InlineData("dport=65535", "dport 65535")]
    [InlineData("tcp.flags=SA", "flags 18")]
    [InlineData("tcp.flags=fin+ack", "flags 17")]
    [InlineData("tcp.flags=F.", "flags 17")]
    [InlineData("tcp.flags=0x14", "flags 20")]
    [InlineData("tcp.seq=4294967295", "seq 4294967295")]
    [InlineData("tcp.ack=5", "ack 5")]
    [InlineData("tcp.window=0", "window 0")]
    [InlineData("tcp.urgent=2", "urgent 2")]
    [InlineData("payload=ab\\n\\x00\\\\", "payload 61620a005c")]
    [InlineData("40:58 59", "payload 5859636465")]
    [InlineData("0x28:58", "payload 5862636465")]
    public void An_edit_changes_its_field_and_no_other(string text, string changed)
    {
        byte[] before = Segment(100, "abcde");
        Assert.True(HeldEdit.TryParse(text, out HeldEdit edit, out _));
        Assert.True(HeldPacketEditor.TryApply(before, [edit], out byte[] after, out string? reason), reason);
        string[] fields = Fields(after);
        Assert.Equal([changed], fields.Except(Fields(before)));
        PacketView view = PacketView.Parse(after, LinkType.Raw, after.Length);
        ChecksumReport checksums = PacketChecksums.Verify(in view);
        Assert.Equal((ChecksumStatus.Correct, ChecksumStatus.Correct), (checksums.Ipv4Header, checksums.Transport));
    }

    [Theory]
    [InlineData("ttl=256", "'256' is no value of ttl here, or this packet has no such field.")]
    [InlineData("tcp.flags=SX", "'SX' is no value of tcp.flags here, or this packet has no such field.")]
    [InlineData("color=red", "there is no field 'color': ttl, tos, ip.id, sport, dport, tcp.flags, tcp.seq, tcp.ack, tcp.window, tcp.urgent, payload.")]
    [InlineData("payload=longer", "the payload has 5 bytes and would get 6: the connection would lose its count. A held segment keeps its length; --replace changes lengths and keeps the connection valid.")]
    [InlineData("payload=\\q", "'\\q': a backslash is followed by n, r, t, 0, \\, = or x and two hexadecimal digits.")]
    [InlineData("44:0102", "2 bytes at 44 are beyond the packet's 45.")]
    public void An_edit_that_cannot_be_made_says_why(string text, string reason)
    {
        Assert.True(HeldEdit.TryParse(text, out HeldEdit edit, out _));
        Assert.False(HeldPacketEditor.TryApply(Segment(100, "abcde"), [edit], out _, out string? said));
        Assert.Equal(reason, said);
    }

    [Theory]
    [InlineData("ttl", "'ttl' is no edit: field=value, or offset:hex.")]
    [InlineData("40:zz", "'zz' are no bytes in hexadecimal, as 474554.")]
    [InlineData("-1:00", "'-1:00' is no edit: field=value, or offset:hex.")]
    public void What_is_no_edit_is_told(string text, string reason)
    {
        Assert.False(HeldEdit.TryParse(text, out _, out string said));
        Assert.Equal(reason, said);
    }

    [Fact]
    public void A_datagram_may_get_another_length()
    {
        Assert.True(HeldPacketEditor.TryApply(Datagram("short"), [HeldEdit.OfPayload("much longer"u8.ToArray())], out byte[] after, out _));
        PacketView view = PacketView.Parse(after, LinkType.Raw, after.Length);
        Assert.Equal("much longer", Encoding.ASCII.GetString(view.Payload));
        Assert.True(view.TryGetUdp(out UdpView udp) && udp.DatagramLength == 8 + 11);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(in view).Transport);
    }

    [Fact]
    public void Of_IPv6_the_hop_limit_is_set()
    {
        byte[] packet = new PacketBuilder().Ipv6(AddressOf("2001:db8::1"), AddressOf("2001:db8::2")).Udp(1, 2).Payload("x"u8).ToArray();
        Assert.True(HeldPacketEditor.TryApply(packet, [HeldEdit.OfField("ttl", "5")], out byte[] after, out _));
        Assert.Equal(5, after[7]);
        Assert.False(HeldPacketEditor.TryApply(packet, [HeldEdit.OfField("tcp.seq", "5")], out _, out _));
    }

    private static IpAddress AddressOf(string text) => IpAddress.TryParse(text, out IpAddress address) ? address : throw new FormatException(text);

    private static string[] Fields(byte[] packet)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw, packet.Length);
        Assert.True(view.TryGetIpv4(out Ipv4View ip));
        Assert.True(view.TryGetTcp(out TcpView tcp));
        return
        [
            $"ttl {ip.TimeToLive}", $"tos {ip.TypeOfService}", $"id {ip.Identification}", $"sport {tcp.SourcePort}", $"dport {tcp.DestinationPort}", $"flags {(int)tcp.Flags}",
            $"seq {tcp.Sequence}", $"ack {tcp.Acknowledgment}", $"window {tcp.WindowField}", $"urgent {tcp.UrgentPointer}", $"payload {Convert.ToHexStringLower(view.Payload)}",
        ];
    }
}
