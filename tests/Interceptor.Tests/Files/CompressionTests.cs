using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

/// <summary>What gzip and Zstandard have in common; what only Zstandard has is in <see cref="ZstandardTests"/>.</summary>
public sealed class CompressionTests
{
    [Theory]
    [InlineData("gzip", "out.pcapng.gz", CaptureFileFormat.PcapNg)]
    [InlineData("gzip", "out.pcap.gz", CaptureFileFormat.Pcap)]
    [InlineData("gzip", "out.GZ", CaptureFileFormat.PcapNg)]
    [InlineData("zstd", "out.pcapng.zst", CaptureFileFormat.PcapNg)]
    [InlineData("zstd", "out.pcap.zst", CaptureFileFormat.Pcap)]
    [InlineData("zstd", "out.ZST", CaptureFileFormat.PcapNg)]
    public void A_name_that_asks_for_compression_is_written_as_one_whole_compressed_file(string tool, string name, CaptureFileFormat format)
    {
        KernelTest.RequireTool(tool);
        using var folder = new TemporaryFolder();
        string input = Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");
        CliResult result = CliProcess.Run("read", input, "-w", folder.File(name));
        Assert.True(result is { ExitCode: 0, Output: "" }, result.ToString());
        Assert.Equal([folder.File(name)], Directory.GetFiles(folder.Path));
        string[] suffix = tool == "gzip" ? ["--suffix", Path.GetExtension(name)] : [];
        ChildResult check = ChildProcess.Run(null, TimeSpan.FromSeconds(30), tool, ["--test", .. suffix, folder.File(name)]);
        Assert.True(check.ExitCode == 0, check.Error);
        CaptureFileSummary written = CaptureFileSummary.Read(folder.File(name), hash: true);
        Assert.Equal((format, (CaptureFileException?)null), (written.Format, written.Error));
        Assert.Equal(CaptureFileSummary.Read(input, hash: true).PacketsSha256, written.PacketsSha256);
    }

    [Theory]
    [InlineData("a.pcapng.gz")]
    [InlineData("a.pcapng.zst")]
    public void A_compressed_file_that_grows_under_its_name_can_be_read_so_far_and_is_whole_when_it_is_closed(string name)
    {
        using var folder = new TemporaryFolder();
        using (CaptureFileWriter writer = CaptureFile.Create(folder.File(name)))
        {
            writer.Write(TestPackets.Packet(60).ToPacket());
            writer.Flush();
            Assert.Equal(1, CaptureFileSummary.Read(folder.File(name)).Packets);
            writer.Write(TestPackets.Packet(61).ToPacket());
        }

        CaptureFileSummary written = CaptureFileSummary.Read(folder.File(name));
        Assert.Equal((2L, (CaptureFileException?)null), (written.Packets, written.Error));
    }

    [Theory]
    [InlineData("full.gz")]
    [InlineData("full.zst")]
    public void A_full_disk_is_told_of_a_compressed_file_too(string name)
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File(name), "/dev/full");
        CliResult result = CliProcess.Run("read", Path.Combine(ProjectPaths.OwnCaptures, "pcap-nanoseconds.pcap"), "-w", folder.File(name));
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("can't be written: no space is left on the device.", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CaptureCompression.Gzip)]
    [InlineData(CaptureCompression.Zstandard)]
    public void A_file_that_unpacks_without_end_is_refused_with_its_first_packets_delivered(CaptureCompression compression)
    {
        using var bomb = new MemoryStream();
        using (Stream packer = CompressionFormat.Pack(compression, bomb)!)
        using (var writer = new PcapWriter(packer))
        {
            byte[] zeros = new byte[256 * 1024];
            for (int i = 0; i < 400; i++)
            {
                writer.Write(new CapturedPacket(zeros, new PacketMetadata { HasTimestamp = true, OriginalLength = zeros.Length, LinkType = LinkType.Ethernet }));
            }
        }

        bomb.Position = 0;
        using CaptureFileReader reader = CaptureFile.OpenRead(bomb, "bomb.pcap");
        CaptureFileException failure = Assert.Throws<CaptureFileException>(() => ReadToEnd(reader));
        Assert.Equal(CaptureFileFault.Corrupt, failure.Fault);
        Assert.Contains("more than 500 times its own size", failure.Message, StringComparison.Ordinal);
        Assert.InRange(reader.PacketsRead, 200, 260);
    }

    [Theory]
    [InlineData(CaptureCompression.Gzip)]
    [InlineData(CaptureCompression.Zstandard)]
    public void A_compressed_file_cut_anywhere_gives_what_can_be_unpacked_and_says_once_where_it_ends(CaptureCompression compression)
    {
        byte[] packed = PackInPieces(compression, packets: 40, piece: 4);
        long before = 0;
        for (int length = 4; length < packed.Length; length += 7)
        {
            // A beginning that unpacks to nothing is refused on opening.
            CaptureFileSummary cut = Summarise(packed[..length]);
            Assert.True(cut.Error is { Fault: CaptureFileFault.Truncated, Offset: >= 0 }, $"{length} of {packed.Length} bytes: {cut.Error?.Message}");
            Assert.True(cut.Packets >= before, $"{length} bytes give {cut.Packets} packets, fewer bytes gave {before}.");
            before = cut.Packets;
        }

        Assert.Equal((40L, (CaptureFileException?)null), (Summarise(packed).Packets, Summarise(packed).Error));
        Assert.Equal(40, before);
    }

    [Theory]
    [InlineData(CaptureCompression.Gzip)]
    [InlineData(CaptureCompression.Zstandard)]
    public void A_changed_bit_is_told_or_means_nothing(CaptureCompression compression)
    {
        byte[] packed = PackInPieces(compression, packets: 40, piece: 4);
        int told = 0;
        for (int at = 4; at < packed.Length; at += 3)
        {
            byte[] changed = [.. packed];
            changed[at] ^= 0x10;
            CaptureFileSummary summary = Summarise(changed);
            told += summary.Error is null ? 0 : 1;
            Assert.True(summary.Error is not null || summary.Packets == 40, $"Byte {at}: {summary.Packets} packets and no complaint.");
            Assert.True(summary.Error is null or { Fault: CaptureFileFault.Corrupt or CaptureFileFault.Truncated or CaptureFileFault.UnknownFormat }, summary.Error?.Message);
        }

        Assert.InRange(told, packed.Length / 3 * 9 / 10, packed.Length);
    }

    /// <summary>A pcapng file in which a reader of the compressed bytes can have each piece of so many packets by itself.</summary>
    private static byte[] PackInPieces(CaptureCompression compression, int packets, int piece)
    {
        var random = new Random(1);
        using var packed = new MemoryStream();
        using (Stream packer = CompressionFormat.Pack(compression, packed)!)
        using (var writer = new PcapNgWriter(packer, PcapNgSection.Empty))
        {
            for (int i = 0; i < packets; i++)
            {
                byte[] data = new byte[100];
                random.NextBytes(data);
                writer.Write(new CapturedPacket(data, new PacketMetadata { HasTimestamp = true, OriginalLength = data.Length, LinkType = LinkType.Ethernet }));
                if (i % piece == piece - 1)
                {
                    writer.Flush();
                }
            }
        }

        return packed.ToArray();
    }

    private static CaptureFileSummary Summarise(byte[] file)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("capture"), file);
        return CaptureFileSummary.Read(folder.File("capture"));
    }

    private static void ReadToEnd(CaptureFileReader reader)
    {
        while (reader.TryRead(out _))
        {
        }
    }
}
