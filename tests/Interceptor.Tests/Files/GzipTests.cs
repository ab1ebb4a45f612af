using System.IO.Compression;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

public sealed class GzipTests
{
    [Theory]
    [InlineData("out.pcapng.gz", CaptureFileFormat.PcapNg)]
    [InlineData("out.pcap.gz", CaptureFileFormat.Pcap)]
    [InlineData("out.GZ", CaptureFileFormat.PcapNg)]
    public void A_name_in_gz_is_written_as_one_whole_gzip_file(string name, CaptureFileFormat format)
    {
        using var folder = new TemporaryFolder();
        string input = Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");
        CliResult result = CliProcess.Run("read", input, "-w", folder.File(name));
        Assert.True(result is { ExitCode: 0, Output: "" }, result.ToString());
        Assert.Equal([folder.File(name)], Directory.GetFiles(folder.Path));
        ChildResult gunzip = ChildProcess.Run(null, TimeSpan.FromSeconds(30), "gzip", "--test", "--suffix", Path.GetExtension(name), folder.File(name));
        Assert.True(gunzip.ExitCode == 0, gunzip.Error);
        CaptureFileSummary written = CaptureFileSummary.Read(folder.File(name), hash: true);
        Assert.Equal((format, (CaptureFileException?)null), (written.Format, written.Error));
        Assert.Equal(CaptureFileSummary.Read(input, hash: true).PacketsSha256, written.PacketsSha256);
    }

    [Fact]
    public void A_compressed_file_that_grows_under_its_name_is_whole_when_it_is_closed()
    {
        using var folder = new TemporaryFolder();
        using (CaptureFileWriter writer = CaptureFile.Create(folder.File("a.pcapng.gz")))
        {
            writer.Write(TestPackets.Packet(60).ToPacket());
            writer.Flush();
            writer.Write(TestPackets.Packet(61).ToPacket());
        }

        CaptureFileSummary written = CaptureFileSummary.Read(folder.File("a.pcapng.gz"));
        Assert.Equal((2L, (CaptureFileException?)null), (written.Packets, written.Error));
    }

    [Fact]
    public void A_full_disk_is_told_of_a_compressed_file_too()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File("full.gz"), "/dev/full");
        CliResult result = CliProcess.Run("read", Path.Combine(ProjectPaths.OwnCaptures, "pcap-nanoseconds.pcap"), "-w", folder.File("full.gz"));
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("can't be written: no space is left on the device.", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_unpacks_without_end_is_refused_with_its_first_packets_delivered()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        using (var writer = new PcapWriter(gzip))
        {
            byte[] zeros = new byte[256 * 1024];
            for (int i = 0; i < 400; i++)
            {
                writer.Write(new CapturedPacket(zeros, new PacketMetadata { HasTimestamp = true, OriginalLength = zeros.Length, LinkType = LinkType.Ethernet }));
            }
        }

        packed.Position = 0;
        using CaptureFileReader reader = CaptureFile.OpenRead(packed, "bomb.pcap.gz");
        CaptureFileException failure = Assert.Throws<CaptureFileException>(() =>
        {
            while (reader.TryRead(out _))
            {
            }
        });
        Assert.Equal(CaptureFileFault.Corrupt, failure.Fault);
        Assert.Contains("more than 500 times its own size", failure.Message, StringComparison.Ordinal);
        Assert.InRange(reader.PacketsRead, 200, 260);
    }
}
