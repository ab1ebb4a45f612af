using System.Buffers.Binary;
using System.Globalization;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

public sealed class ZstandardTests
{
    /// <summary>The three frames below are made by hand, after RFC 8878: raw blocks, no checksum.</summary>
    private static readonly byte[] Capture = TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(1500), TestPackets.Packet(61));

    [Fact]
    public void Frames_in_a_row_are_one_capture_and_skippable_and_empty_ones_add_nothing()
    {
        byte[] file = [.. Skippable(5), .. Frame(Capture.AsSpan(0, 100)), .. Skippable(0), .. Frame([]), .. Frame(Capture.AsSpan(100, 1)), .. Frame(Capture.AsSpan(101)), .. Skippable(70_000)];
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file), "memory");
        Assert.Equal((CaptureCompression.Zstandard, CaptureFileFormat.PcapNg), (reader.Compression, reader.Format));
        Assert.Equal(TestPackets.ReadAll(Capture), TestPackets.ReadAll(reader));
        Assert.EndsWith(", Zstandard", reader.FormatDetail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_window_that_is_too_large_is_refused_before_there_is_memory_for_it()
    {
        Assert.Equal(3, TestPackets.ReadAll(Frame(Capture, windowLog: 27)).Count);
        CaptureFileException refused = Assert.Throws<CaptureFileException>(() => TestPackets.ReadAll(Frame(Capture, windowLog: 28)));
        Assert.Equal(CaptureFileFault.Corrupt, refused.Fault);
        Assert.Contains("a window of more than 134217728 bytes; unpack it with: zstd -d --long=31", refused.Message, StringComparison.Ordinal);

        // A second frame's window counts too, and what the first one held is delivered.
        byte[] file = [.. Frame(Capture), .. Frame(Capture, windowLog: 31)];
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file), "memory");
        Assert.Throws<CaptureFileException>(() => TestPackets.ReadAll(reader));
        Assert.Equal(3, reader.PacketsRead);
    }

    [Fact]
    public void Something_else_behind_the_last_frame_is_told_after_the_packets()
    {
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream([.. Frame(Capture), .. "something else"u8]), "memory");
        CaptureFileException failure = Assert.Throws<CaptureFileException>(() => TestPackets.ReadAll(reader));
        Assert.Equal(3, reader.PacketsRead);
        Assert.Equal(CaptureFileFault.Corrupt, failure.Fault);
        Assert.Contains("no Zstandard frame", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("-19")]
    [InlineData("--ultra", "-22", "--long=27")]
    [InlineData("--format=gzip")]
    public void What_the_tools_pack_is_read_and_a_cut_file_ends_with_exit_code_4_and_the_packets_before(params string[] options)
    {
        KernelTest.RequireTool("zstd");
        using var folder = new TemporaryFolder();
        string plain = Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");
        string packed = folder.File("packed");
        ChildResult zstd = ChildProcess.Run(null, TimeSpan.FromSeconds(60), "zstd", [.. options, "-q", plain, "-o", packed]);
        Assert.True(zstd.ExitCode == 0, zstd.Error);
        Assert.Equal(CaptureFileSummary.Read(plain, hash: true).PacketsSha256, CaptureFileSummary.Read(packed, hash: true).PacketsSha256);

        byte[] whole = File.ReadAllBytes(packed);
        File.WriteAllBytes(packed, whole[..^5]);
        CliResult read = CliProcess.Run("read", packed);
        Assert.Equal(4, read.ExitCode);
        Assert.Matches(@"^interceptor: .*: at byte \d+: the compressed file ends inside its data\.\n$", read.Error);
        Assert.Equal(CaptureFileSummary.Read(packed).Packets.ToString(CultureInfo.InvariantCulture), read.Lines.Length.ToString(CultureInfo.InvariantCulture));
    }

    private static byte[] Frame(ReadOnlySpan<byte> content, int windowLog = 17)
    {
        byte[] header = [0x28, 0xB5, 0x2F, 0xFD, 0x00, (byte)((windowLog - 10) << 3)];
        byte[] block = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(block, (content.Length << 3) | 1);
        return [.. header, .. block[..3], .. content];
    }

    private static byte[] Skippable(int length)
    {
        byte[] header = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0x184D2A5C);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), length);
        return [.. header, .. new byte[length]];
    }
}
