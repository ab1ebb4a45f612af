using System.Buffers.Binary;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

public sealed class CopyTests
{
    private const uint MicrosecondsOfSecond = 1_000_000;

    private delegate void CopyOne(CaptureFileCopier copier, CapturedPacket packet);

    public static TheoryData<string> GoodFiles => ProjectPaths.SharedCapturesOrNull is { } root
        ? [.. Table.Read(Path.Combine(root, "good", "oracle", "files.tsv")).Keys]
        : [];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_block_and_option_is_copied_in_its_place_from_either_byte_order(bool bigEndian) =>
        Assert.Equal(Convert.ToHexString(Everything(false, 9)), Convert.ToHexString(Copy(Everything(bigEndian, 9))));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_obsolete_packet_block_is_read_and_becomes_an_enhanced_one_with_all_that_it_says(bool bigEndian)
    {
        var said = new PcapNgPacketOptions { Comment = "old", Flags = 1, DropCount = 0, Hash = new PcapNgHash(PcapNgHashAlgorithm.Crc32, new byte[] { 9, 8, 7, 6 }) };
        StoredPacket[] packets =
        [
            TestPackets.Packet(4) with { Options = said },
            TestPackets.Packet(5, linkType: LinkType.Raw) with { InterfaceId = 1, OriginalLength = 60, Options = new() { DropCount = 3 } },
            TestPackets.Packet(0),
        ];
        byte[] file =
        [
            .. ObsoletePackets.Section(bigEndian, LinkType.Ethernet, LinkType.Raw),
            .. packets.SelectMany(packet => ObsoletePackets.Block(bigEndian, packet, (ushort)(packet.Options.DropCount ?? ObsoletePackets.UnknownDrops))),
        ];
        Assert.Equal(packets, TestPackets.ReadAll(file));
        byte[] copy = Copy(file);
        Assert.Equal(packets, TestPackets.ReadAll(copy));
        Assert.Equal([0x0A0D0D0A, 1, 1, 6, 6, 6], BlockTypes(copy));
    }

    [Fact]
    public void Instants_become_nanoseconds_and_an_offset_is_taken_in() =>
        Assert.Equal(Convert.ToHexString(Everything(false, 9, seconds: 1_000_100)), Convert.ToHexString(Copy(Everything(true, 6, offset: 100))));

    [Fact]
    public void What_may_not_be_copied_is_left_out()
    {
        byte[] file =
        [
            .. Everything(false, 9),
            .. new BlockBytes(false).Block(0x40000BAD, body => body.UInt32(32473).Text("priv")),
            .. new BlockBytes(false).Block(0x7777, body => body.UInt32(1)),
        ];
        Assert.Equal(Everything(false, 9), Copy(file));
    }

    [Fact]
    public void What_tells_addresses_besides_the_packets_can_be_left_out()
    {
        byte[] copy = Copy(Everything(false, 9), leavesOutAddresses: true);
        Assert.Equal([0x0A0D0D0A, 1, 6, 6, 3, 5, 0x0A0D0D0A, 1, 6, 6, 3, 5], BlockTypes(copy));
        string hex = Convert.ToHexStringLower(copy);
        Assert.DoesNotContain("c0000201", hex, StringComparison.Ordinal);
        Assert.DoesNotContain("020000000001", hex, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexStringLower("tcp port 80"u8), hex, StringComparison.Ordinal);
        Assert.Contains(Convert.ToHexStringLower("eth0"u8), hex, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_packet_keeps_no_hash_and_a_further_piece_only_its_flags()
    {
        var said = new PcapNgPacketOptions { Comment = "c", Flags = 0x61, Hash = new PcapNgHash(PcapNgHashAlgorithm.Crc32, new byte[] { 1, 2, 3, 4 }), Queue = 1, DropCount = 7 };
        byte[] file = TestPackets.WritePcapNg([TestPackets.Packet(60) with { Options = said }]);
        Assert.Equal(said with { Hash = null }, Assert.Single(TestPackets.ReadAll(Copy(file, (copier, packet) => copier.CopyChanged(packet)))).Options);
        Assert.Equal(new PcapNgPacketOptions { Flags = 0x61 }, Assert.Single(TestPackets.ReadAll(Copy(file, (copier, packet) => copier.CopyPiece(packet)))).Options);
    }

    [Fact]
    public void A_copy_of_a_copy_is_the_same()
    {
        foreach (string path in Directory.EnumerateFiles(ProjectPaths.OwnCaptures, "*.pcapng"))
        {
            CheckCopy(path);
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(GoodFiles))]
    public void Copies_of_the_shared_captures_hold_the_same(string file) => CheckCopy(Path.Combine(ProjectPaths.RequireSharedCaptures(), "good", file));

    [Fact]
    public void The_options_of_a_packet_are_lent_without_an_allocation()
    {
        byte[] file = TestPackets.WritePcapNg(Enumerable.Repeat(TestPackets.Packet(60) with { Options = new() { Comment = "c", Queue = 1 } }, 200));
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file), "memory");
        Assert.True(reader.TryRead(out _));
        long bytes = reader.PacketOptions.Bytes.Length;
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (reader.TryRead(out _))
        {
            bytes += reader.PacketOptions.Bytes.Length;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(200 * 20, bytes);
    }

    private static List<uint> BlockTypes(byte[] file)
    {
        var types = new List<uint>();
        for (int at = 0; at < file.Length; at += BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4)))
        {
            types.Add(BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)));
        }

        return types;
    }

    private static void CheckCopy(string path)
    {
        CaptureFileSummary before = CaptureFileSummary.Read(path, hash: true);
        if (before.Error is not null)
        {
            return;
        }

        byte[] copy = Copy(File.ReadAllBytes(path));
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(copy), "copy");
        CaptureFileSummary after = CaptureFileSummary.Read(reader, hash: true);
        Assert.Null(after.Error);
        Assert.Equal(before.PacketsSha256, after.PacketsSha256);
        Assert.Equal(before.Interfaces.Select(each => each with { TimestampResolution = 1_000_000_000 }), after.Interfaces);
        Assert.Equal(before.Dropped, after.Dropped);
        Assert.True(before.Format == CaptureFileFormat.Pcap || before.Sections.SequenceEqual(after.Sections));
        Assert.Equal(copy, Copy(copy));
    }

    private static byte[] Copy(byte[] file, CopyOne? copy = null, bool leavesOutAddresses = false)
    {
        copy ??= static (copier, packet) => copier.Copy(packet);
        using var folder = new TemporaryFolder();
        string output = folder.File("out.pcapng");
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file), "memory");
        using (CaptureFileWriter writer = CaptureFile.CreateCopy(output, reader))
        {
            var copier = new CaptureFileCopier(reader, writer) { LeavesOutAddresses = leavesOutAddresses };
            while (reader.TryRead(out CapturedPacket packet))
            {
                copy(copier, packet);
            }

            copier.Commit();
        }

        return File.ReadAllBytes(output);
    }

    /// <summary>Two sections with each kind of block and option; numbers and instants in the byte order and resolution asked for.</summary>
    private static byte[] Everything(bool big, byte resolution, ulong seconds = 1_000_000, ulong offset = 0) =>
        [.. Section(big, resolution, "the first", seconds, offset), .. Section(big, resolution, "the second", seconds, offset)];

    private static byte[] Section(bool big, byte resolution, string comment, ulong seconds, ulong offset)
    {
        ulong time = resolution == 9 ? (seconds * 1_000_000_000) + 5_000 : (seconds * MicrosecondsOfSecond) + 5;
        return
        [
            .. new BlockBytes(big).Block(0x0A0D0D0A, body => body.UInt32(0x1A2B3C4D).UInt16(1).UInt16(0).UInt64(ulong.MaxValue)
                .Option(1, value => value.Text(comment)).Option(1, value => value.Text("again")).Option(2, value => value.Text("x86"))
                .Option(2988, value => value.UInt32(32473).Text("custom")).Option(777, value => value.Text("unknown")).Option(0, _ => { })),
            .. new BlockBytes(big).Block(1, body => body.UInt16(1).UInt16(0).UInt32(65535)
                .Option(2, value => value.Text("eth0")).Option(3, value => value.Text("the wire")).Option(4, value => value.Bytes([192, 0, 2, 1, 255, 255, 255, 0]))
                .Option(6, value => value.Bytes([2, 0, 0, 0, 0, 1])).Option(8, value => value.UInt64(1_000_000_000)).Option(11, value => value.Text("\0tcp port 80"))
                .Option(12, value => value.Text("Linux 6.12")).Option(13, value => value.Bytes([4])).Option(15, value => value.Text("a card"))
                .Option(16, value => value.UInt64(10)).Option(17, value => value.UInt64(20)).Bytes(Offset(big, offset))
                .Option(9, value => value.Bytes([resolution])).Option(0, _ => { })),
            .. new BlockBytes(big).Block(10, body => body.UInt32(0x544C534B).UInt32(5).Text("LABEL").Bytes(new byte[3])
                .Option(1, value => value.Text("keys")).Option(0, _ => { })),
            .. new BlockBytes(big).Block(4, body => body.Option(1, value => value.Bytes([192, 0, 2, 1]).Text("client\0")).Option(0, _ => { })
                .Option(2, value => value.Text("dns")).Option(0, _ => { })),
            .. new BlockBytes(big).Block(6, body => body.UInt32(0).UInt32((uint)(time >> 32)).UInt32((uint)time).UInt32(5).UInt32(60)
                .Bytes([1, 2, 3, 4, 5, 0, 0, 0]).Option(1, value => value.Text("one")).Option(1, value => value.Text("two")).Option(2, value => value.UInt32(0x61))
                .Option(3, value => value.Bytes([2, 1, 2, 3, 4])).Option(4, value => value.UInt64(7)).Option(5, value => value.UInt64(0x0102030405060708))
                .Option(6, value => value.UInt32(3)).Option(7, value => value.Bytes([1]).UInt64(2)).Option(8, value => value.UInt32(12).UInt32(13))
                .Option(2989, value => value.UInt32(32473).Bytes([9, 8])).Option(0, _ => { })),
            .. new BlockBytes(big).Block(0xBAD, body => body.UInt32(32473).Bytes([1, 2, 3, 4])),
            .. new BlockBytes(big).Block(6, body => body.UInt32(0).UInt32((uint)(time >> 32)).UInt32((uint)time).UInt32(4).UInt32(4).Bytes([9, 9, 9, 9])),
            .. new BlockBytes(big).Block(3, body => body.UInt32(4).Bytes([7, 7, 7, 7])),
            .. new BlockBytes(big).Block(5, body => body.UInt32(0).UInt32((uint)(time >> 32)).UInt32((uint)time)
                .Option(2, value => value.UInt32((uint)(time >> 32)).UInt32((uint)time)).Option(4, value => value.UInt64(100)).Option(5, value => value.UInt64(2))
                .Option(6, value => value.UInt64(98)).Option(7, value => value.UInt64(1)).Option(8, value => value.UInt64(97)).Option(0, _ => { })),
        ];
    }

    private static byte[] Offset(bool big, ulong offset) =>
        offset == 0 ? [] : new BlockBytes(big).Option(14, value => value.UInt64(offset)).ToArray();
}
