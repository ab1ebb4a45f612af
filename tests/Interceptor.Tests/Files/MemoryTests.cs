using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Files;

/// <summary>What whole processes need, by the kernel's high-water mark, and what they do where they may not have more.</summary>
public sealed class MemoryTests
{
    private const int PayloadLength = 1300;
    private const int PacketsOfPiece = 1000;
    private const int WarmUpPieces = 20;
    private const int Pieces = 160;

    /// <summary>In KiB: what compiled code and the collector's own spread add after the warm-up. The input adds 200 MB.</summary>
    private const long MostGrowth = 24 * 1024;

    /// <summary>The promise for damaged files is 256 MiB for the process; the runtime itself and its code take less than half of that.</summary>
    private const long LargestHeap = 128L << 20;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false, "info")]
    [InlineData(true, "info")]
    [InlineData(true, "read")]
    [InlineData(false, "read", "-w", "/dev/null")]
    [InlineData(true, "read", "-w", "/dev/null", "udp")]
    public async Task The_memory_of_a_run_does_not_grow_with_the_length_of_its_input(bool sections, params string[] command)
    {
        byte[] piece = Piece(sections);
        using Process process = Process.Start(CliProcess.StartInfo([command[0], "-", .. command[1..]]))!;
        Task<long> output = CountLines(process.StandardOutput);
        Task<string> error = process.StandardError.ReadToEndAsync();
        Stream input = process.StandardInput.BaseStream;
        long warm = 0;
        for (int i = 0; i < Pieces; i++)
        {
            // A section repeats all that a file begins with; the header of a pcap file comes once.
            input.Write(sections || i == 0 ? piece : piece.AsSpan(PcapRecordReader.FileHeaderLength));
            if (i == WarmUpPieces)
            {
                warm = PeakKibibytes(process);
            }
        }

        // All but the pipe's 64 KiB was taken: the process still waits for more.
        long peak = PeakKibibytes(process);
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(Deadline));
        Assert.Equal((0, ""), (process.ExitCode, await error));
        Assert.InRange(peak - warm, 0, MostGrowth);
        if (command is ["read"])
        {
            Assert.Equal(Pieces * PacketsOfPiece, await output);
        }
    }

    [Fact]
    public async Task The_damaged_captures_are_read_with_little_memory()
    {
        string folder = Path.Combine(ProjectPaths.RequireSharedCaptures(), "bad");
        string[] files = [.. Table.Read(Path.Combine(folder, "PEERS.tsv")).Keys.Select(file => Path.Combine(folder, file))];
        ProcessStartInfo start = CliProcess.StartInfo(["info", "--json", .. files]);
        start.Environment["DOTNET_GCHeapHardLimit"] = LargestHeap.ToString("x", CultureInfo.InvariantCulture);
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        Assert.True(process.WaitForExit(Deadline));
        Assert.Equal(4, process.ExitCode);
        Assert.DoesNotContain("   at ", await error, StringComparison.Ordinal);

        string[] lines = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(files.Length + 1, lines.Length);
        int damaged = lines[..^1].Count(line => JsonDocument.Parse(line).RootElement.GetProperty("error").ValueKind == JsonValueKind.String);
        Assert.Equal(damaged, (await error).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.True(damaged > 10, $"Only {damaged} of {files.Length} are damaged.");
    }

    private static byte[] Piece(bool sections)
    {
        byte[] datagram = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4).Udp(5000, 53)
            .Payload(new byte[PayloadLength]).ToArray();
        var packet = new StoredPacket(TestPackets.SomeTime, true, datagram.Length, LinkType.Ethernet, 0, Convert.ToHexString(datagram), default);
        IEnumerable<StoredPacket> packets = Enumerable.Range(0, PacketsOfPiece).Select(i => packet with { Time = packet.Time + i });
        return sections ? TestPackets.WritePcapNg(packets) : TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), packets);
    }

    private static long PeakKibibytes(Process process)
    {
        const string Field = "VmHWM:";
        string line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/status"))
            .Single(line => line.StartsWith(Field, StringComparison.Ordinal));
        return long.Parse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    private static async Task<long> CountLines(StreamReader reader)
    {
        long lines = 0;
        char[] text = new char[64 * 1024];
        int read;
        while ((read = await reader.ReadAsync(text)) > 0)
        {
            lines += text.AsSpan(0, read).Count('\n');
        }

        return lines;
    }
}
