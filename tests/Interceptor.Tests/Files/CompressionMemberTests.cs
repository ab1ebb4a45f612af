using System.IO.Compression;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

/// <summary>A gzip file that grows is a row of members, each of which can be unpacked without the others; a Zstandard file is one frame, as Wireshark wants it.</summary>
public sealed class CompressionMemberTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.pcapng.gz", "gzip")]
    [InlineData("a.pcap.gz", "gzip")]
    public void A_file_with_an_ended_member_is_whole_to_every_reader_while_it_is_open(string name, string tool)
    {
        KernelTest.RequireTool(tool);
        string path = _folder.File(name);
        using CaptureFileWriter writer = CaptureFile.Create(path);
        for (int packets = 1; packets <= 3; packets++)
        {
            writer.Write(TestPackets.Packet(60 + packets).ToPacket());
            writer.Flush();
            CaptureFileSummary open = CaptureFileSummary.Read(path);
            Assert.Equal((packets, CaptureFileFault.Truncated), ((int)open.Packets, open.Error?.Fault));
            writer.EndMember();
            writer.EndMember();
            CaptureFileSummary ended = CaptureFileSummary.Read(path);
            Assert.Equal((packets, (CaptureFileException?)null), ((int)ended.Packets, ended.Error));
            ChildResult check = ChildProcess.Run(null, TimeSpan.FromSeconds(30), tool, "--test", path);
            Assert.True(check.ExitCode == 0, check.Error);
            Assert.Equal(new FileInfo(path).Length, writer.BytesStored);
        }
    }

    [Fact]
    public void A_zstandard_file_is_one_frame_that_gives_all_its_packets_after_each_flush_and_that_tshark_reads_to_its_end()
    {
        KernelTest.RequireTool("tshark");
        string path = _folder.File("a.pcapng.zst");
        using (CaptureFileWriter writer = CaptureFile.Create(path))
        {
            byte[] noise = new byte[1000];
            var random = new Random(1);
            for (int packets = 1; packets <= 3600; packets++)
            {
                random.NextBytes(noise);
                writer.Write((TestPackets.Packet(1000) with { Bytes = Convert.ToHexString(noise) }).ToPacket());
                if (packets % 1200 == 0)
                {
                    writer.EndMember();
                    CaptureFileSummary open = CaptureFileSummary.Read(path);
                    Assert.Equal((packets, CaptureFileFault.Truncated), ((int)open.Packets, open.Error?.Fault));
                }
            }
        }

        Assert.Equal((3600L, (CaptureFileException?)null), (CaptureFileSummary.Read(path).Packets, CaptureFileSummary.Read(path).Error));
        ChildResult tshark = ChildProcess.Run(null, TimeSpan.FromSeconds(60), "tshark", "-r", path, "-T", "fields", "-e", "frame.number");
        Assert.True(tshark.ExitCode == 0, tshark.Error);
        Assert.Equal(3600, tshark.Output.Count(static at => at == '\n'));
    }

    [Fact]
    public void A_member_is_unpacked_without_those_before_it()
    {
        string path = _folder.File("a.pcap.gz");
        using CaptureFileWriter writer = CaptureFile.Create(path);
        writer.Write(TestPackets.Packet(60).ToPacket());
        writer.EndMember();
        long second = writer.BytesStored;
        writer.Write(TestPackets.Packet(61).ToPacket());
        writer.EndMember();
        using var member = new MemoryStream(File.ReadAllBytes(path)[(int)second..]);
        using var unpacked = new MemoryStream();
        using (var stream = new GZipStream(member, CompressionMode.Decompress))
        {
            stream.CopyTo(unpacked);
        }

        Assert.Equal(16 + 61, unpacked.Length);
    }

    [Theory]
    [InlineData(CaptureFileMode.Direct, 3)]
    [InlineData(CaptureFileMode.Replace, 1)]
    public void A_file_that_grows_ends_a_member_at_the_first_block_behind_each_MiB_and_one_that_appears_whole_is_one(CaptureFileMode mode, int members)
    {
        string path = _folder.File("a.pcapng.gz");
        byte[] noise = new byte[1000];
        var random = new Random(1);
        using (CaptureFileWriter writer = CaptureFile.Create(path, mode))
        {
            for (int i = 0; i < 3600; i++)
            {
                random.NextBytes(noise);
                writer.Write((TestPackets.Packet(1000) with { Bytes = Convert.ToHexString(noise) }).ToPacket());
            }

            writer.Commit();
        }

        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        Assert.Equal(members, file.Count(file[..10]));
        Assert.Equal((3600L, (CaptureFileException?)null), (CaptureFileSummary.Read(path).Packets, CaptureFileSummary.Read(path).Error));
    }

    [Fact]
    public void A_member_may_end_at_any_byte_of_a_piece_that_the_reader_unpacks_at_once()
    {
        foreach ((int length, string path) in FilesWhoseFirstMemberEndsAnywhere(seed: 2, packetsBehind: 2))
        {
            CaptureFileSummary summary = CaptureFileSummary.Read(path);
            Assert.True(summary is { Packets: 3, Error: null }, $"{length}: {summary.Packets} packets, {summary.Error?.Message}");
        }
    }

    [Fact]
    public void Something_behind_the_last_member_is_told_wherever_in_a_piece_that_member_ends()
    {
        foreach ((int length, string path) in FilesWhoseFirstMemberEndsAnywhere(seed: 3, packetsBehind: 0))
        {
            byte[] file = File.ReadAllBytes(path);
            Assert.Null(CaptureFileSummary.Read(path).Error);
            foreach (int behind in (int[])[1, 2, 9, 511, 512, 513])
            {
                File.WriteAllBytes(path, [.. file, .. Enumerable.Repeat((byte)'!', behind)]);
                CaptureFileSummary summary = CaptureFileSummary.Read(path);
                Assert.True(summary is { Packets: 1, Error.Fault: CaptureFileFault.Corrupt }, $"{behind} behind {file.Length}: {summary.Packets} packets, {summary.Error?.Message}");
            }
        }
    }

    [Fact]
    public void A_name_that_is_taken_is_refused_where_nothing_may_be_replaced()
    {
        string path = _folder.File("a.pcapng");
        CaptureFile.Create(path, CaptureFileMode.New).Dispose();
        CaptureFileException failure = Assert.Throws<CaptureFileException>(() => CaptureFile.Create(path, CaptureFileMode.New));
        Assert.Contains("there is something of that name already", failure.Message, StringComparison.Ordinal);
    }

    // At each of the 512 places of a piece; a first packet that does not shrink, so that its length decides.
    private IEnumerable<(int Length, string Path)> FilesWhoseFirstMemberEndsAnywhere(int seed, int packetsBehind)
    {
        byte[] noise = new byte[1400];
        new Random(seed).NextBytes(noise);
        var places = new HashSet<long>();
        for (int length = 60; places.Count < 512; length++)
        {
            string path = _folder.File($"{length}.pcap.gz");
            using (CaptureFileWriter writer = CaptureFile.Create(path))
            {
                writer.Write((TestPackets.Packet(length) with { Bytes = Convert.ToHexString(noise.AsSpan(0, length)) }).ToPacket());
                writer.EndMember();
                places.Add(writer.BytesStored % 512);
                for (int i = 0; i < packetsBehind; i++)
                {
                    writer.Write(TestPackets.Packet(60).ToPacket());
                }
            }

            yield return (length, path);
        }
    }
}
