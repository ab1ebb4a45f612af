using System.Buffers.Binary;
using System.IO.Compression;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Tests.Files;

public sealed class ReaderTests
{
    [Fact]
    public void Endless_names_of_interfaces_are_refused_before_they_fill_the_memory()
    {
        var interfaces = Enumerable.Repeat(new CaptureInterface(LinkType.Ethernet, 0, new string('n', 65_000)), 300);
        byte[] file = TestPackets.Write(stream => new PcapNgWriter(stream, leaveOpen: true), [TestPackets.Packet(60)], [.. interfaces]);
        CaptureFileException refused = Assert.Throws<CaptureFileException>(() => TestPackets.ReadAll(file));
        Assert.Equal(CaptureFileFault.Corrupt, refused.Fault);
    }

    [Fact]
    public void Reading_allocates_nothing_per_packet()
    {
        byte[] pcapng = TestPackets.WritePcapNg(Enumerable.Range(0, 20_000).Select(i => TestPackets.Packet(60 + (i % 200))));
        byte[] pcap = TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), Enumerable.Range(0, 20_000).Select(_ => TestPackets.Packet(100)));
        foreach (byte[] file in (byte[][])[pcapng, pcap])
        {
            using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file), "memory");
            for (int i = 0; i < 10_000; i++)
            {
                Assert.True(reader.TryRead(out _));
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            long bytes = 0;
            while (reader.TryRead(out CapturedPacket packet))
            {
                bytes += packet.Data.Length;
            }

            AssertNothingPerPacket(GC.GetAllocatedBytesForCurrentThread() - before, packets: 10_000);
            Assert.True(bytes > 0);
            Assert.Equal(20_000, reader.PacketsRead);
        }
    }

    [Fact]
    public void Writing_allocates_nothing_per_packet()
    {
        using var pcapng = new PcapNgWriter(Stream.Null);
        StoredPacket stored = TestPackets.Packet(1000);
        CapturedPacket packet = stored.ToPacket();
        long allocated = 0;
        for (int round = 0; round < 2; round++)
        {
            // The first round compiles, and calls what allocates once.
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10_000; i++)
            {
                pcapng.Write(packet);
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        AssertNothingPerPacket(allocated, packets: 10_000);
    }

    [Fact]
    public void A_cut_file_gives_its_whole_packets_and_then_says_where_it_was_cut()
    {
        byte[] file = TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), [TestPackets.Packet(60), TestPackets.Packet(60)]);
        for (int length = 24; length < file.Length; length++)
        {
            int whole = (length - 24) / 76;
            using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file, 0, length), "memory");
            for (int i = 0; i < whole; i++)
            {
                Assert.True(reader.TryRead(out _));
            }

            if ((length - 24) % 76 != 0)
            {
                CaptureFileException failure = Assert.Throws<CaptureFileException>(() => reader.TryRead(out _));
                Assert.Equal((CaptureFileFault.Truncated, 24L + (whole * 76)), (failure.Fault, failure.Offset));
            }

            Assert.False(reader.TryRead(out _));
        }
    }

    [Fact]
    public void A_cut_pcapng_file_is_cut_wherever_no_block_ends()
    {
        byte[] file = TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(61));
        var ends = new HashSet<int>();
        for (int at = 0; at < file.Length; at += BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4)))
        {
            ends.Add(at);
        }

        for (int length = 0; length < file.Length; length++)
        {
            CaptureFileFault? fault = Summarise(file[..length]).Error?.Fault;
            Assert.Equal(ends.Contains(length) && length > 0 ? null : CaptureFileFault.Truncated, fault);
        }
    }

    [Fact]
    public void Gzip_is_told_by_content_and_its_damage_is_told()
    {
        byte[] plain = TestPackets.WritePcapNg(Enumerable.Range(0, 5000).Select(i => TestPackets.Packet(100, TestPackets.SomeTime + i)));
        byte[] packed = Compress(plain);
        using (CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(packed), "memory"))
        {
            Assert.Equal(CaptureCompression.Gzip, reader.Compression);
            Assert.Equal(5000, TestPackets.ReadAll(reader).Count);
        }

        CaptureFileSummary cut = Summarise(packed[..(packed.Length / 2)]);
        Assert.Equal(CaptureFileFault.Truncated, cut.Error?.Fault);
        Assert.InRange(cut.Packets, 1, 4999);
        packed[packed.Length / 2] ^= 0x55;
        Assert.Contains(Summarise(packed).Error?.Fault, (CaptureFileFault?[])[CaptureFileFault.Corrupt, CaptureFileFault.Truncated]);
    }

    [Theory]
    [InlineData("", CaptureFileFault.Truncated, "the file is empty")]
    [InlineData("d4c3", CaptureFileFault.Truncated, "ends after 2 bytes")]
    [InlineData("d4c3b2a102000400", CaptureFileFault.Truncated, "the pcap file header")]
    [InlineData("68656c6c6f20776f726c64", CaptureFileFault.UnknownFormat, "neither pcap nor pcapng: it begins with 68 65 6c 6c")]
    [InlineData("28b52ffd", CaptureFileFault.Truncated, "the compressed file ends inside its data")]
    [InlineData("736e6f6f700000000000000200000004", CaptureFileFault.UnknownFormat, "it looks like snoop, Solaris's format; convert it with: editcap -F pcapng")]
    [InlineData("6274736e6f6f7000000000010000", CaptureFileFault.UnknownFormat, "looks like btsnoop")]
    [InlineData("69707472616365203230", CaptureFileFault.UnknownFormat, "looks like an iptrace of AIX")]
    [InlineData("474d4255", CaptureFileFault.UnknownFormat, "Microsoft Network Monitor")]
    [InlineData("52545353", CaptureFileFault.UnknownFormat, "Microsoft Network Monitor")]
    [InlineData("5452534e49464620646174612020", CaptureFileFault.UnknownFormat, "a Sniffer capture")]
    [InlineData("fd377a585a000004", CaptureFileFault.UnknownFormat, "xz -d")]
    [InlineData("425a683931415926", CaptureFileFault.UnknownFormat, "bzip2 -d")]
    [InlineData("04224d18", CaptureFileFault.UnknownFormat, "lz4 -d")]
    [InlineData("504b0304", CaptureFileFault.UnknownFormat, "unzip")]
    public void What_is_no_capture_is_told(string hex, CaptureFileFault fault, string reason)
    {
        CaptureFileException failure = Assert.Throws<CaptureFileException>(() => CaptureFile.OpenRead(new MemoryStream(Convert.FromHexString(hex)), "memory"));
        Assert.Equal(fault, failure.Fault);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_directory_are_told()
    {
        Assert.Contains("there is no such file", Assert.Throws<CaptureFileException>(() => CaptureFile.OpenRead("/no/such/file")).Message, StringComparison.Ordinal);
        Assert.Contains("it is a directory", Assert.Throws<CaptureFileException>(() => CaptureFile.OpenRead("/tmp")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(543, 0, true)]
    [InlineData(2, 1, true)]
    [InlineData(2, 3, true)]
    [InlineData(2, 4, false)]
    public void Old_versions_hold_the_two_lengths_the_other_way_round(ushort major, ushort minor, bool swapped)
    {
        byte[] file = TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), [TestPackets.Packet(40) with { OriginalLength = 90 }]);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(4), major);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(6), minor);
        if (swapped)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(32), 90);
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(36), 40);
        }

        StoredPacket packet = Assert.Single(TestPackets.ReadAll(file));
        Assert.Equal((90, 80), (packet.OriginalLength, packet.Bytes.Length));
    }

    [Fact]
    public void A_lying_length_costs_no_memory()
    {
        byte[] file = TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), [TestPackets.Packet(40)]);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(16), int.MaxValue);
        foreach (int claimed in (int[])[int.MaxValue, 16_000_000, -1])
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(32), claimed);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.NotNull(Summarise(file).Error);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_500_000);
        }
    }

    [Fact]
    public void A_stream_that_gives_one_byte_at_a_time_reads_the_same()
    {
        StoredPacket[] packets = [TestPackets.Packet(60), TestPackets.Packet(1500)];
        byte[] file = Compress(TestPackets.WritePcapNg(packets));
        Assert.Equal(packets, TestPackets.ReadAll(CaptureFile.OpenRead(new TricklingStream(file), "memory")));
    }

    [Theory]
    [InlineData(6, 0, 1_000_001, 1_000_001_000)]
    [InlineData(9, 0, 1_000_001, 1_000_001)]
    [InlineData(12, 0, 1_999, 1)]
    [InlineData(0, 5, 7, 12_000_000_000)]
    [InlineData(0x8A, 0, 1025, 1_000_976_562)]
    [InlineData(6, -1, 0, -1_000_000_000)]
    [InlineData(6, 0, -1, -1_000)]
    [InlineData(0, 0, long.MaxValue, long.MaxValue)]
    [InlineData(0xFF, 0, long.MaxValue, 0)]
    [InlineData(0x7F, 0, 12345, 0)]
    public void Timestamps_are_exact_and_saturate(byte resolution, long offset, long counter, long expected) =>
        Assert.Equal(expected, new TimestampScale(resolution, offset).ToTimestamp(unchecked((ulong)counter)).Nanoseconds);

    /// <summary>The runtime allocates a few hundred bytes on any thread when it compiles a method again; one object a packet would be 24 bytes each.</summary>
    private static void AssertNothingPerPacket(long allocated, int packets) => Assert.InRange(allocated, 0, packets);

    private static CaptureFileSummary Summarise(byte[] file)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("file");
        File.WriteAllBytes(path, file);
        return CaptureFileSummary.Read(path);
    }

    private static byte[] Compress(byte[] plain)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(plain);
        }

        return packed.ToArray();
    }

    private sealed class TricklingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(1, buffer.Length)]);

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(1, count));
    }
}
