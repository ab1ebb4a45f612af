using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Packets;

public class EditorTests
{
    private delegate void Ipv4Edit(Ipv4Editor editor);

    private delegate void Ipv6Edit(Ipv6Editor editor);

    private delegate void TcpEdit(TcpEditor editor);

    private delegate void UdpEdit(UdpEditor editor);

    [Fact]
    public void An_ipv4_edit_touches_only_its_bytes()
    {
        (int Offset, int Length, Ipv4Edit Edit)[] edits =
        [
            (1, 1, editor => editor.TypeOfService ^= 0xFF), (2, 2, editor => editor.TotalLength ^= 0xFFFF), (4, 2, editor => editor.Identification ^= 0xFFFF),
            (6, 1, editor => editor.DontFragment ^= true), (6, 1, editor => editor.MoreFragments ^= true), (8, 1, editor => editor.TimeToLive ^= 0xFF),
            (9, 1, editor => editor.Protocol ^= 0xFF), (10, 2, editor => editor.Checksum ^= 0xFFFF),
            (12, 4, editor => editor.Source = Sample.Address("10.9.8.7")), (16, 4, editor => editor.Destination = Sample.Address("10.9.8.7")),
        ];
        CheckEdits(4, 0, edits.Select(edit => (edit.Offset, edit.Length)).ToArray(), (packet, i) =>
        {
            Assert.True(new PacketEditor(packet, LinkType.Raw).TryGetIpv4(out Ipv4Editor editor));
            edits[i].Edit(editor);
        });
    }

    [Fact]
    public void An_ipv6_edit_touches_only_its_bytes()
    {
        (int Offset, int Length, Ipv6Edit Edit)[] edits =
        [
            (0, 2, editor => editor.TrafficClass ^= 0xFF), (1, 3, editor => editor.FlowLabel ^= 0xFFFFF), (4, 2, editor => editor.PayloadLength ^= 0xFFFF),
            (6, 1, editor => editor.NextHeader ^= 0xFF), (7, 1, editor => editor.HopLimit ^= 0xFF),
            (8, 16, editor => editor.Source = Sample.Address("fe80::1")), (24, 16, editor => editor.Destination = Sample.Address("fe80::1")),
        ];
        CheckEdits(6, 0, edits.Select(edit => (edit.Offset, edit.Length)).ToArray(), (packet, i) =>
        {
            Assert.True(new PacketEditor(packet, LinkType.Raw).TryGetIpv6(out Ipv6Editor editor));
            edits[i].Edit(editor);
        });
    }

    [Fact]
    public void A_tcp_edit_touches_only_its_bytes()
    {
        (int Offset, int Length, TcpEdit Edit)[] edits =
        [
            (0, 2, editor => editor.SourcePort ^= 0xFFFF), (2, 2, editor => editor.DestinationPort ^= 0xFFFF), (4, 4, editor => editor.Sequence += 1),
            (8, 4, editor => editor.Acknowledgment -= 1), (12, 2, editor => editor.Flags ^= (TcpFlags)0xFFF), (14, 2, editor => editor.WindowField ^= 0xFFFF),
            (16, 2, editor => editor.Checksum ^= 0xFFFF), (18, 2, editor => editor.UrgentPointer ^= 0xFFFF),
            (24, 8, editor => Assert.True(editor.TrySetTimestamps(0xAAAAAAAA, 0xBBBBBBBB))),
            (22, 10, editor => Assert.Equal(1, editor.BlankOptions(TcpOptionKind.Timestamps))),
        ];
        CheckEdits(4, Ipv4View.MinimumLength, edits.Select(edit => (edit.Offset, edit.Length)).ToArray(), (packet, i) =>
        {
            Assert.True(new PacketEditor(packet, LinkType.Raw).TryGetTcp(out TcpEditor editor));
            edits[i].Edit(editor);
        });
    }

    [Fact]
    public void A_udp_edit_touches_only_its_bytes()
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Udp(1, 2).Payload("abc"u8).ToArray();
        UdpEdit[] edits = [editor => editor.SourcePort = 9, editor => editor.DestinationPort = 9, editor => editor.DatagramLength = 99, editor => editor.Checksum = 9];
        for (int i = 0; i < edits.Length; i++)
        {
            byte[] edited = (byte[])packet.Clone();
            Assert.True(new PacketEditor(edited, LinkType.Raw).TryGetUdp(out UdpEditor editor));
            edits[i](editor);
            CheckOnlyChanged(packet, edited, 20 + (2 * i), 2);
        }
    }

    [Fact]
    public void What_is_set_is_read_back()
    {
        byte[] packet = new PacketBuilder().Ipv6(Sample.Client6, Sample.Server6, trafficClass: 0x12, flowLabel: 0x34567)
            .Tcp(1, 2, new(3), new(4), TcpFlags.Ack).MaximumSegmentSize(1460).WindowScale(7).NoOperation().ToArray();
        var editor = new PacketEditor(packet, LinkType.Raw);
        Assert.True(editor.TryGetIpv6(out Ipv6Editor ip) && editor.TryGetTcp(out TcpEditor tcp));
        Assert.True(editor.TryGetTcp(out tcp));
        ip.TrafficClass = 0xAB;
        ip.FlowLabel = 0x98765;
        tcp.Flags = TcpFlags.Rst | TcpFlags.Ae;
        Assert.True(tcp.TrySetMaximumSegmentSize(536) && tcp.TrySetWindowScale(3));
        Assert.False(tcp.TrySetTimestamps(1, 2));

        Assert.True(editor.View.TryGetIpv6(out Ipv6View ipView) && ipView.TrafficClass == 0xAB && ipView.FlowLabel == 0x98765);
        Assert.True(editor.View.TryGetTcp(out TcpView tcpView));
        Assert.Equal((TcpFlags.Rst | TcpFlags.Ae, 28), (tcpView.Flags, tcpView.HeaderLength));
        TcpOptionSummary options = TcpOptionSummary.Read(tcpView);
        Assert.Equal(((ushort?)536, (byte?)3), (options.MaximumSegmentSize, options.WindowScale));
    }

    [Fact]
    public void Sack_edges_move_across_the_wrap_with_the_sequence_numbers()
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Tcp(1, 2, new(3), new(0xFFFFFF00), TcpFlags.Ack)
            .NoOperation().NoOperation().Sack(new SackBlock(new(0xFFFFFFF0), new(0xFFFFFFFF))).ToArray();
        Assert.True(new PacketEditor(packet, LinkType.Raw).TryGetTcp(out TcpEditor editor));

        Assert.Equal(1, editor.ShiftSackBlocks(0x20));

        Assert.True(PacketView.Parse(packet, LinkType.Raw).TryGetTcp(out TcpView view));
        SackBlock[] blocks = new SackBlock[4];
        Assert.Equal(1, TcpOptionSummary.ReadSackBlocks(view, blocks));
        Assert.Equal(new SackBlock(new(0x10), new(0x1F)), blocks[0]);
        Assert.Equal(15, blocks[0].Right - blocks[0].Left);
    }

    [Fact]
    public void An_address_of_the_other_family_is_refused_and_nothing_changes()
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Udp(1, 2).ToArray();
        byte[] before = (byte[])packet.Clone();
        Assert.Throws<ArgumentException>(() =>
        {
            Assert.True(new PacketEditor(packet, LinkType.Raw).TryGetIpv4(out Ipv4Editor editor));
            editor.Source = Sample.Client6;
        });
        Assert.Equal(before, packet);
    }

    private static void CheckEdits(int version, int header, (int Offset, int Length)[] fields, Action<byte[], int> edit)
    {
        PropertyCheck.ForAll(
            Sample.Segments(version),
            segment =>
            {
                byte[] packet = segment.Build(version).ToArray();
                for (int i = 0; i < fields.Length; i++)
                {
                    byte[] edited = (byte[])packet.Clone();
                    edit(edited, i);
                    CheckOnlyChanged(packet, edited, header + fields[i].Offset, fields[i].Length);
                }
            },
            count: 50);
    }

    private static void CheckOnlyChanged(byte[] before, byte[] after, int offset, int length)
    {
        Assert.False(before.AsSpan(offset, length).SequenceEqual(after.AsSpan(offset, length)), $"the field at {offset} did not change");
        Assert.True(before.AsSpan(0, offset).SequenceEqual(after.AsSpan(0, offset)), $"bytes before the field at {offset} changed");
        Assert.True(before.AsSpan(offset + length).SequenceEqual(after.AsSpan(offset + length)), $"bytes behind the field at {offset} changed");
    }
}
