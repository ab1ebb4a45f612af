using System.Buffers.Binary;
using System.Text;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Replay.Rewriting;
using Interceptor.Testing;
using Interceptor.Tests.Allocations;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Replay.Rewriting;

/// <summary>Each edit by itself: what it makes of packets of every kind, and what it costs.</summary>
public sealed class EditTests
{
    private static readonly MacAddress OtherMac = MacAddress.FromBits(0x0A0000000063);

    private static (string Name, PacketEdits Edits)[] Each { get; } =
    [
        ("source-mac and destination-mac", new() { SourceMac = OtherMac, DestinationMac = MacAddress.Broadcast }),
        ("mac", new() { Macs = [new MacMapping(Sample.ClientMac, OtherMac)] }),
        ("address", new() { Addresses = [Rewritten.Mapping("192.0.2.0/24=10.9.8.0/24"), Rewritten.Mapping("2001:db8::/64=fd00:1:2:3::/64")] }),
        ("source-address", new() { SourceAddresses = [Rewritten.Mapping("192.0.2.1=10.9.8.7"), Rewritten.Mapping("2001:db8::1=fd00::7")] }),
        ("destination-address", new() { DestinationAddresses = [Rewritten.Mapping("192.0.2.2=10.9.8.7"), Rewritten.Mapping("2001:db8::2=fd00::7")] }),
        ("anonymise", new() { Anonymisation = AnonymisationKey.From("key") }),
        ("port", new() { Ports = [new PortMapping(7001, 17001), new PortMapping(9999, 8888)] }),
        ("vlan-add", new() { AddVlan = new VlanTag(42, 5) }),
        ("vlan-set", new() { SetVlan = 42 }),
        ("vlan-remove", new() { RemovesVlan = true }),
        ("ttl", new() { TimeToLive = HopChange.Parse("-60") }),
        ("tos", new() { TypeOfService = 0xB8 }),
        ("mss", new() { MaximumSegmentSize = 536 }),
        ("mtu", new() { Mtu = 68 }),
        ("zero-payload", new() { ZeroesPayload = true }),
    ];

    [Fact]
    public void Each_edit_makes_of_each_kind_of_packet_what_the_golden_file_shows()
    {
        var text = new StringBuilder();
        var formatter = new PacketFormatter(new PacketFormatOptions { Verbosity = 2, LinkHeader = true });
        foreach ((string name, PacketEdits edits) in Each)
        {
            text.Append("=== ").AppendLine(name);
            foreach (Dissections.Sample sample in Dissections.All())
            {
                List<OutPacket> packets = Rewritten.By(edits, out RewriteReport report, (sample.Data, sample.LinkType, sample.Data.Length));
                foreach (RewriteReasonCount reason in report.Reasons)
                {
                    text.AppendLine($"{sample.Name}: {(reason.IsDropped ? "left out" : "not edited")}: {reason.Reason}");
                }

                if (report.Edited > 0)
                {
                    text.AppendLine($"{sample.Name}:");
                    packets.ForEach(packet => text.AppendLine($"    {formatter.Format(PacketView.Parse(packet.Data, packet.LinkType, packet.OriginalLength)).ToString().Replace("\n", "\n    ", StringComparison.Ordinal)}"));
                }
            }
        }

        GoldenFile.Verify("rewrite/edits.txt", text.ToString());
    }

    [Fact]
    public void A_datagram_in_fragments_has_a_right_checksum_when_all_of_it_is_zero()
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Udp(5, 6).Payload([.. Enumerable.Range(1, 1001).Select(i => (byte)i)]).ToArray();
        List<OutPacket> pieces = Rewritten.By(new PacketEdits { Mtu = 300 }, out _, (packet, LinkType.Raw, packet.Length));
        List<OutPacket> zeroed = Rewritten.By(
            new PacketEdits { ZeroesPayload = true, Addresses = [Rewritten.Mapping("192.0.2.1=10.9.8.7")] }, out _, pieces.Select(piece => (piece.Data, LinkType.Raw, piece.Data.Length)));
        byte[] whole = Rewritten.One(new PacketEdits { ZeroesPayload = true, Addresses = [Rewritten.Mapping("192.0.2.1=10.9.8.7")] }, packet, LinkType.Raw);
        Assert.Equal(whole.AsSpan(20).ToArray(), zeroed.SelectMany(piece => piece.Data[20..]));
        Assert.Equal("Correct/Correct", Checked.States(whole, LinkType.Raw, whole.Length));
    }

    [Fact]
    public void Editing_allocates_nothing_for_a_packet()
    {
        foreach ((string name, PacketEdits edits) in Each)
        {
            using var rewriter = new PacketRewriter(edits, new RewriteReport());
            long allocated = RealPackets.AllocatedBy(() =>
            {
                foreach (RealPacket packet in RealPackets.All)
                {
                    rewriter.Rewrite(packet.ToCaptured());
                    while (rewriter.HasPieces)
                    {
                        rewriter.NextPiece();
                    }
                }
            });
            Assert.Equal((name, 0L), (name, allocated));
        }
    }

    [Fact]
    public void A_segment_is_cut_as_offload_does()
    {
        byte[] payload = [.. Enumerable.Range(0, 2500).Select(i => (byte)i)];
        byte[] packet = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4, identification: 0xFFFF, dontFragment: true)
            .Tcp(1, 2, new(0xFFFFFF00), new(5), TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Fin | TcpFlags.Cwr | TcpFlags.Ece).NoOperation().NoOperation().Timestamps(7, 8).Payload(payload).ToArray();
        List<OutPacket> pieces = Rewritten.By(new PacketEdits { Mtu = 1000 }, out RewriteReport report, (packet, LinkType.Ethernet, packet.Length));
        Assert.Equal((1L, 3L, 1L), (report.Cut, report.Pieces, report.Edited));
        Assert.Equal([RewriteOutcome.FirstPiece, RewriteOutcome.LaterPiece, RewriteOutcome.LaterPiece], pieces.Select(piece => piece.Outcome));
        Assert.Equal([1014, 1014, 670], pieces.Select(piece => piece.Data.Length));
        var stream = new List<byte>();
        for (int i = 0; i < pieces.Count; i++)
        {
            PacketView view = PacketView.Parse(pieces[i].Data, LinkType.Ethernet, pieces[i].OriginalLength);
            Assert.True(view.TryGetTcp(out TcpView tcp));
            Assert.True(view.TryGetIpv4(out Ipv4View ip));
            Assert.Equal("Correct/Correct", Checked.States(pieces[i].Data, LinkType.Ethernet, pieces[i].OriginalLength));
            Assert.Equal(new SequenceNumber(0xFFFFFF00) + (i * 948), tcp.Sequence);
            TcpFlags expected = TcpFlags.Ack | TcpFlags.Ece | (i == 0 ? TcpFlags.Cwr : 0) | (i == 2 ? TcpFlags.Psh | TcpFlags.Fin : 0);
            Assert.Equal((expected, (ushort)(0xFFFF + i)), (tcp.Flags, ip.Identification));
            Assert.Equal(packet.AsSpan(54, 12).ToArray(), pieces[i].Data.AsSpan(54, 12).ToArray());
            stream.AddRange(view.Payload);
        }

        Assert.Equal(payload, stream);
    }

    [Fact]
    public void Fragments_come_together_to_the_datagram_that_was_cut()
    {
        byte[] payload = [.. Enumerable.Range(0, 3000).Select(i => (byte)(i * 7))];
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4, identification: 9).Udp(5, 6).Payload(payload).ToArray();
        List<OutPacket> pieces = Rewritten.By(new PacketEdits { Mtu = 576 }, out _, (packet, LinkType.Raw, packet.Length));
        Assert.All(pieces, piece => Assert.InRange(piece.Data.Length, 21, 576));

        // Cut once more: fragments are cut as well as whole datagrams.
        pieces = Rewritten.By(new PacketEdits { Mtu = 100 }, out _, pieces.Select(piece => (piece.Data, LinkType.Raw, piece.Data.Length)));
        byte[] body = new byte[3008];
        int covered = 0;
        foreach (OutPacket piece in pieces)
        {
            Assert.InRange(piece.Data.Length, 21, 100);
            Assert.True(Ipv4View.TryParse(piece.Data, out Ipv4View ip));
            Assert.Equal(0, InternetChecksum.Compute(ip.Header));
            Assert.Equal(ip.FragmentOffset + piece.Data.Length - 20 != body.Length, ip.MoreFragments);
            piece.Data.AsSpan(20).CopyTo(body.AsSpan(ip.FragmentOffset));
            covered += piece.Data.Length - 20;
        }

        Assert.Equal(body.Length, covered);
        Assert.Equal(packet.AsSpan(20).ToArray(), body);
    }

    [Theory]
    [InlineData(true, false, RewriteReason.DontFragment)]
    [InlineData(false, true, RewriteReason.WrongChecksum)]
    public void What_must_not_be_cut_is_listed_and_stays_whole(bool dontFragment, bool isWrong, RewriteReason expected)
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4, dontFragment: dontFragment).Udp(5, 6).Payload(new byte[900]).ToArray();
        packet[11] ^= isWrong ? (byte)1 : (byte)0;
        OutPacket kept = Assert.Single(Rewritten.By(new PacketEdits { Mtu = 500, TimeToLive = new HopChange(1, false) }, out RewriteReport report, (packet, LinkType.Raw, packet.Length)));
        Assert.Equal(packet, kept.Data);
        Assert.Equal(expected, Assert.Single(report.Reasons).Reason);
    }

    [Fact]
    public void Repair_completes_what_was_left_to_the_device_and_leaves_no_checksum_out_that_was_there()
    {
        byte[] right = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Vlan(3).Ipv4(Sample.Client4, Sample.Server4)
            .Tcp(1, 2, new(1), new(2), TcpFlags.Ack).Payload("bytes"u8).ToArray();
        byte[] partial = (byte[])right.Clone();
        BinaryPrimitives.WriteUInt16BigEndian(partial.AsSpan(54), InternetChecksum.PseudoHeaderSum(Sample.Client4, Sample.Server4, IpProtocol.Tcp, 25));
        BinaryPrimitives.WriteUInt16BigEndian(partial.AsSpan(20), 0);
        partial[28] ^= 0xFF;
        Assert.Equal("Incorrect/Offloaded", Checked.States(partial, LinkType.Ethernet, partial.Length));
        Assert.Equal(right, Rewritten.One(new PacketEdits { Repairs = true }, partial));
        byte[] without = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Udp(1, 2).Payload("bytes"u8).ToArray();
        without.AsSpan(26, 2).Clear();
        Assert.Equal(without, Rewritten.One(new PacketEdits { Repairs = true }, without, LinkType.Raw));
    }

    [Fact]
    public void What_was_left_to_the_device_stays_so_and_follows_addresses()
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Tcp(1, 2, new(1), new(2), TcpFlags.Ack).Payload("bytes"u8).ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(36), InternetChecksum.PseudoHeaderSum(Sample.Client4, Sample.Server4, IpProtocol.Tcp, 25));
        byte[] edited = Rewritten.One(new PacketEdits { Addresses = [Rewritten.Mapping("192.0.2.0/24=10.0.0.0/24")], Ports = [new PortMapping(1, 9)] }, packet, LinkType.Raw);
        Assert.Equal("Correct/Offloaded", Checked.States(edited, LinkType.Raw, edited.Length));
    }

    [Fact]
    public void A_frame_check_sequence_that_fits_follows_the_edits_of_its_802_11_frame()
    {
        byte[] frame = Sample.Hex("0801 0000 020000000002 020000000001 020000000003 0000 aaaa03000000 0800");
        frame = [.. frame, .. new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Udp(1, 2).Payload("bytes"u8).ToArray()];
        byte[] check = BitConverter.GetBytes(FrameCheckSequence.Compute(frame));
        Assert.Equal(0xCBF43926, FrameCheckSequence.Compute("123456789"u8));
        PacketEdits edits = new() { Addresses = [Rewritten.Mapping("192.0.2.0/24=10.0.0.0/24")], Macs = [new MacMapping(Sample.ClientMac, OtherMac)], TimeToLive = new HopChange(9, false) };
        byte[] without = Rewritten.One(edits, frame, (LinkType)105);
        byte[] with = Rewritten.One(edits, [.. frame, .. check], (LinkType)105);
        Assert.NotEqual(frame, without);
        Assert.Equal(OtherMac, MacAddress.FromBytes(without.AsSpan(10)));
        Assert.Equal("Correct/Correct", Checked.States(without, (LinkType)105, without.Length).Split(' ')[^1]);
        Assert.Equal([.. without, .. BitConverter.GetBytes(FrameCheckSequence.Compute(without))], with);
    }

    [Theory]
    [InlineData(TruncatedPackets.Pad, 240)]
    [InlineData(TruncatedPackets.Shorten, 100)]
    public void A_truncated_packet_becomes_whole(TruncatedPackets how, int length)
    {
        byte[] packet = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Udp(5, 6).Payload([.. Enumerable.Range(0, 212).Select(i => (byte)i)]).ToArray();
        OutPacket whole = Assert.Single(Rewritten.By(new PacketEdits { Truncated = how }, out _, (packet[..100], LinkType.Raw, packet.Length)));
        Assert.Equal((length, length), (whole.Data.Length, whole.OriginalLength));
        Assert.Equal("Correct/Correct", Checked.States(whole.Data, LinkType.Raw, length));
        Assert.Equal(length - 20, BinaryPrimitives.ReadUInt16BigEndian(whole.Data.AsSpan(24)));
        Assert.Equal(packet.AsSpan(28, 72).ToArray(), whole.Data.AsSpan(28, 72).ToArray());
    }

    [Fact]
    public void A_truncated_packet_behind_a_label_is_shortened_too_and_one_in_a_fragment_keeps_its_length()
    {
        byte[] inner = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4).Tcp(1, 2, new(1), new(2), TcpFlags.Ack).Payload(new byte[300]).ToArray();
        byte[] labelled = [.. Sample.Hex("020000000002 020000000001 8847 000131ff"), .. inner];
        OutPacket whole = Assert.Single(Rewritten.By(new PacketEdits { Truncated = TruncatedPackets.Shorten }, out _, (labelled[..100], LinkType.Ethernet, labelled.Length)));
        Assert.Equal("Correct/Correct", Checked.States(whole.Data, LinkType.Ethernet, 100).Split(' ')[^1]);
        byte[] fragment = new PacketBuilder().Ipv4(Sample.Client4, Sample.Server4, moreFragments: true, protocol: IpProtocol.Ipv4).Payload(inner.AsSpan(0, 96)).ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(fragment.AsSpan(22), (ushort)inner.Length);
        BinaryPrimitives.WriteUInt16BigEndian(fragment.AsSpan(30), BinaryPrimitives.ReadUInt16BigEndian(inner.AsSpan(10)));
        Assert.Equal(fragment, Rewritten.One(new PacketEdits { Repairs = true }, fragment, LinkType.Raw));
    }

    [Fact]
    public void A_tag_that_goes_leaves_no_frame_too_short()
    {
        byte[] tagged = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Vlan(3).Ipv4(Sample.Client4, Sample.Server4)
            .Tcp(1, 2, new(1), new(2), TcpFlags.Ack).PadTo(60).ToArray();
        byte[] bare = Rewritten.One(new PacketEdits { RemovesVlan = true }, tagged);
        Assert.Equal(60, bare.Length);
        Assert.Equal("Correct/Correct", Checked.States(bare, LinkType.Ethernet, 60));
        byte[] again = Rewritten.One(new PacketEdits { AddVlan = new VlanTag(3) }, bare);
        Assert.Equal(tagged.AsSpan(0, 58).ToArray(), again.AsSpan(0, 58).ToArray());
    }

    [Fact]
    public void Damaged_captures_are_rewritten_without_a_throw()
    {
        string folder = Path.Combine(ProjectPaths.RequireSharedCaptures(), "bad");
        long packets = 0;
        foreach (string path in Directory.EnumerateFiles(folder).Where(path => Path.GetExtension(path) is ".pcap" or ".pcapng" or ".bin"))
        {
            foreach (PacketEdits edits in Each.Select(each => each.Edits).Append(new() { Repairs = true, Truncated = TruncatedPackets.Pad }))
            {
                packets += RewriteAll(path, edits);
            }
        }

        Assert.InRange(packets, 1000, long.MaxValue);
    }

    private static long RewriteAll(string path, PacketEdits edits)
    {
        long packets = 0;
        try
        {
            using var stage = new EditStage(CaptureFile.OpenRead(path), edits, new RewriteReport());
            while (stage.TryRead(out CapturedPacket packet))
            {
                packets++;
                Assert.True(packet.Data.Length <= packet.Metadata.OriginalLength);
            }
        }
        catch (CaptureFileException)
        {
            // What such a file is known for.
        }

        return packets;
    }
}
