using FsCheck;
using FsCheck.Fluent;
using Interceptor.Packets;
using Interceptor.Replay.Rewriting;
using Interceptor.Testing;
using Interceptor.Tests.Allocations;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Replay.Rewriting;

/// <summary>What holds of every edit of every packet.</summary>
public sealed class EditPropertyTests
{
    private static readonly AnonymisationKey Key = AnonymisationKey.From("key");

    /// <summary>Edits that change no length.</summary>
    internal static PacketEdits[] SameLength { get; } =
    [
        new() { Addresses = [Rewritten.Mapping("0.0.0.0/0=10.0.0.0/8"), Rewritten.Mapping("::/0=2001:db8::/32")] },
        new() { SourceAddresses = [Rewritten.Mapping("0.0.0.0/0=198.51.100.7")], DestinationAddresses = [Rewritten.Mapping("::/0=2001:db8::7/128")] },
        new() { Anonymisation = Key, KeepsUnknown = true },
        new() { Macs = [MacMapping.Parse("02:00:00:00:00:01=02:00:00:00:00:09")], Ports = [PortMapping.Parse("7001=17001"), PortMapping.Parse("1=65535")] },
        new() { TimeToLive = new HopChange(-70, IsRelative: true), TypeOfService = 0xB8 },
        new() { MaximumSegmentSize = 536 },
        new() { ZeroesPayload = true },
        new() { Anonymisation = Key, KeepsUnknown = true, ZeroesPayload = true, Ports = [PortMapping.Parse("49152=1")], TimeToLive = new HopChange(9, IsRelative: false) },
    ];

    public static TheoryData<int> Edits => [.. Enumerable.Range(0, SameLength.Length)];

    [Theory]
    [MemberData(nameof(Edits))]
    public void Checksums_and_layers_of_every_kind_of_packet_are_after_an_edit_what_they_were(int edit)
    {
        foreach (Dissections.Sample sample in Dissections.All())
        {
            Check(SameLength[edit], sample.Data, sample.LinkType, sample.Data.Length, sample.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Edits))]
    public void Packets_cut_anywhere_keep_right_checksums_right(int edit)
    {
        foreach (Dissections.Sample sample in Dissections.All())
        {
            for (int length = 0; length < sample.Data.Length; length++)
            {
                CheckCut(SameLength[edit], sample, length);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Edits))]
    public void Packets_of_captures_keep_right_checksums_right(int edit)
    {
        foreach (RealPacket packet in RealPackets.All.Where((_, i) => i % 7 == edit % 7))
        {
            Check(SameLength[edit], packet.Data, packet.LinkType, packet.OriginalLength, "a real packet");
        }
    }

    [Fact]
    public void A_wrong_checksum_stays_wrong_by_as_much()
    {
        PropertyCheck.ForAll(Sample.Segments(4), segment =>
        {
            byte[] packet = segment.Build(4).ToArray();
            packet[36] ^= 0x5A;
            packet[11] ^= 0x21;
            byte[] edited = Rewritten.One(SameLength[0], packet, LinkType.Raw);
            byte[] expected = segment.Build(4).ToArray();
            expected = Rewritten.One(SameLength[0], expected, LinkType.Raw);
            Assert.Equal(Difference(expected, edited, 10), Difference(segment.Build(4).ToArray(), packet, 10));
            Assert.Equal(Difference(expected, edited, 36), Difference(segment.Build(4).ToArray(), packet, 36));
        });
    }

    [Fact]
    public void Random_segments_in_random_tunnels_keep_right_checksums_right()
    {
        Gen<(Sample.Segment Segment, int Tunnel, int Edit)> cases =
            from segment in Sample.Segments(4).Generator
            from tunnel in Gen.Choose(0, 6)
            from edit in Gen.Choose(0, SameLength.Length - 1)
            select (segment, tunnel, edit);
        PropertyCheck.ForAll(cases.ToArbitrary(), at =>
        {
            byte[] packet = InTunnel(at.Segment, at.Tunnel);
            byte[] edited = Check(SameLength[at.Edit], packet, LinkType.Ethernet, packet.Length, $"tunnel {at.Tunnel}");
            Assert.DoesNotContain("Incorrect", Checked.States(edited, LinkType.Ethernet, edited.Length), StringComparison.Ordinal);
            if (at.Tunnel is 4 or 5 && at.Edit == 0)
            {
                // What the error quotes is edited as if it were alone.
                byte[] quoted = at.Segment.Build(at.Tunnel == 4 ? 4 : 6).ToArray();
                byte[] alone = Rewritten.One(SameLength[0], quoted, LinkType.Raw);
                int start = at.Tunnel == 4 ? 42 : 62;
                Assert.Equal(Convert.ToHexStringLower(alone.AsSpan(0, Math.Min(alone.Length, edited.Length - start))), Convert.ToHexStringLower(edited.AsSpan(start)));
            }
        }, count: 400);
    }

    [Fact]
    public void Any_bytes_are_edited_or_listed_and_then_unchanged()
    {
        PropertyCheck.ForAllBytes(
            bytes =>
            {
                foreach (LinkType linkType in Sample.LinkTypes)
                {
                    foreach (PacketEdits edits in SameLength)
                    {
                        OutPacket packet = Assert.Single(Rewritten.By(edits, out RewriteReport report, (bytes, linkType, bytes.Length + 3)));
                        if (report.NotEditable > 0)
                        {
                            Assert.Equal(bytes, packet.Data);
                        }

                        Assert.Equal(report.Edited == 0, bytes.AsSpan().SequenceEqual(packet.Data));
                    }
                }
            },
            count: 60);
    }

    [Fact]
    public void What_can_not_be_anonymised_does_not_come_out()
    {
        PacketEdits edits = new() { Anonymisation = Key };
        foreach (Dissections.Sample sample in Dissections.All())
        {
            List<OutPacket> packets = Rewritten.By(edits, out RewriteReport report, (sample.Data, sample.LinkType, sample.Data.Length));
            Assert.Equal(packets.Count == 0, report.DroppedAsNotEditable == 1);
            string hex = packets.Count == 0 ? "" : Convert.ToHexStringLower(packets[0].Data);
            Assert.DoesNotContain("c0000201", hex, StringComparison.Ordinal);
            Assert.DoesNotContain("c0000202", hex, StringComparison.Ordinal);
            Assert.DoesNotContain("20010db8", hex, StringComparison.Ordinal);
            Assert.DoesNotContain("0200000000", hex, StringComparison.Ordinal);
        }
    }

    private static byte[] InTunnel(Sample.Segment segment, int tunnel)
    {
        byte[] inner = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Payload(segment.Build(4).ToArray()).ToArray();
        inner[12] = 8;
        byte[] bare = segment.Build(4).ToArray();
        PacketBuilder outer = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac);
        return tunnel switch
        {
            0 => outer.Ipv4(Sample.Client4, Sample.Server4).Udp(5555, 4789).Payload([8, 0, 0, 0, 0, 0, 7, 0, .. inner]).ToArray(),
            1 => outer.Ipv6(Sample.Client6, Sample.Server6).Udp(5555, 6081).Payload([0, 0, 0x65, 0x58, 0, 0, 7, 0, .. inner]).ToArray(),
            2 => outer.Ipv4(Sample.Client4, Sample.Server4, protocol: IpProtocol.Gre).Payload([0, 0, 8, 0, .. bare]).ToArray(),
            3 => outer.Ipv6(Sample.Client6, Sample.Server6).Udp(2152, 2152).Payload([0x30, 0xFF, (byte)(bare.Length >> 8), (byte)bare.Length, 0, 0, 0, 1, .. bare]).ToArray(),
            4 => outer.Ipv4(Sample.Client4, Sample.Server4).Icmp(3, 1).Payload(bare.AsSpan(0, Math.Min(bare.Length, 548))).ToArray(),
            5 => outer.Ipv6(Sample.Client6, Sample.Server6).Icmpv6(1, 4).Payload(segment.Build(6).Finish()).ToArray(),
            _ => outer.Vlan(7).Ipv4(Sample.Client4, Sample.Server4, protocol: IpProtocol.Ipv4).Payload(bare).ToArray(),
        };
    }

    private static int Difference(byte[] right, byte[] wrong, int offset)
    {
        int distance = ((wrong[offset] << 8) | wrong[offset + 1]) - ((right[offset] << 8) | right[offset + 1]);
        return distance < 0 ? distance + 0xFFFF : distance;
    }

    private static byte[] Check(PacketEdits edits, byte[] data, LinkType linkType, int originalLength, string what)
    {
        OutPacket packet = Assert.Single(Rewritten.By(edits, out RewriteReport report, (data, linkType, originalLength)));
        Assert.Equal((originalLength, data.Length), (packet.OriginalLength, packet.Data.Length));
        if (report.NotEditable > 0)
        {
            Assert.Equal(data, packet.Data);
            return packet.Data;
        }

        string context = $"{what}: {Convert.ToHexStringLower(data)} became {Convert.ToHexStringLower(packet.Data)}";
        if (!edits.ZeroesPayload)
        {
            string before = Checked.States(data, linkType, originalLength);
            string after = Checked.States(packet.Data, linkType, originalLength);
            Assert.True(before == after, $"{before} became {after}: {context}");
            Assert.Equal(Checked.Layers(data, linkType, originalLength), Checked.Layers(packet.Data, linkType, originalLength));
        }
        else if (!Checked.States(data, linkType, originalLength).Contains("Incorrect", StringComparison.Ordinal))
        {
            Assert.DoesNotContain("Incorrect", Checked.States(packet.Data, linkType, originalLength), StringComparison.Ordinal);
        }

        return packet.Data;
    }

    /// <summary>A cut packet is edited as its whole is, as far as it goes: so its checksums are right for the bytes that are not there.</summary>
    private static void CheckCut(PacketEdits edits, Dissections.Sample sample, int length)
    {
        byte[] cut = sample.Data[..length];
        OutPacket packet = Assert.Single(Rewritten.By(edits, out RewriteReport report, (cut, sample.LinkType, sample.Data.Length)));
        if (report.NotEditable > 0)
        {
            Assert.Equal(cut, packet.Data);
        }
        else if (!edits.ZeroesPayload && !sample.IsMalformed)
        {
            byte[] whole = Assert.Single(Rewritten.By(edits, out _, (sample.Data, sample.LinkType, sample.Data.Length))).Data;
            Assert.True(whole.AsSpan(0, length).SequenceEqual(packet.Data),
                $"{sample.Name} cut to {length}: {Convert.ToHexStringLower(packet.Data)} and not {Convert.ToHexStringLower(whole.AsSpan(0, length))}");
        }
    }
}
