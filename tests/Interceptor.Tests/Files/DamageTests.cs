using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

/// <summary>Damaged files through the commands: what is readable is delivered, then one error with the place and the reason, and exit code 4.</summary>
public sealed class DamageTests
{
    private static readonly byte[] Pcap = File.ReadAllBytes(Path.Combine(ProjectPaths.OwnCaptures, "pcap-microseconds.pcap"));
    private static readonly byte[] PcapNg = File.ReadAllBytes(Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng"));
    private static readonly int PacketsOfPcapNg = 87;

    public static TheoryData<string, int, string> Damage => new()
    {
        { "a pcap that is cut", 2, "at byte 172: the file ends inside packet 3: 49 of 54 bytes are there" },
        { "a pcap with bytes behind its end", 3, "at byte 242: the file ends inside the header of packet 4" },
        { "a pcap with a length beyond all limits", 0, "at byte 24: packet 1 claims 2147483647 captured bytes" },
        { "a pcapng that is cut", 87, "at byte 69260: the file ends inside an interface statistics block" },
        { "a pcapng with a length that no block has", 5, "claims a length of 7 bytes" },
        { "a pcapng with bytes behind its end", 87, "at byte 69360: a block of type" },
        { "a gzip file that is cut in its data", 0, "the compressed file ends inside its data" },
        { "a gzip file that is cut in its checksum", 87, "at byte 69360: the compressed file ends inside its data" },
        { "a gzip file whose checksum is wrong", 87, "at byte 69360: the compressed data is damaged" },
        { "a gzip file whose length is wrong", 87, "at byte 69360: the compressed data is damaged" },
        { "a gzip file of two members, the second with a wrong checksum", 87, "at byte 69360: the compressed data is damaged" },
        { "a gzip file of a capture that is cut", 2, "at byte 172: the file ends inside packet 3" },
        { "a gzip file with something behind its end", 87, "at byte 69360: what comes after the compressed data is no gzip member" },
        { "a gzip file with a byte behind its end", 87, "at byte 69360: what comes after the compressed data is no gzip member" },
        { "a gzip file with much behind its end", 87, "at byte 69360: what comes after the compressed data is no gzip member" },
        { "a gzip file with zeros and then something behind its end", 87, "at byte 69360: what comes after the compressed data is no gzip member" },
        { "a gzip file of two members, the second with a wrong beginning", 5, "what comes after the compressed data is no gzip member" },
    };

    [Theory]
    [MemberData(nameof(Damage))]
    public void What_is_readable_is_delivered_and_the_damage_told_once(string damage, int packets, string reason)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("damaged");
        File.WriteAllBytes(path, Make(damage));
        foreach (string command in (string[])["info", "read", "tcp"])
        {
            CliResult result = CliProcess.Run(command, "--json", path);
            Assert.True(result.ExitCode == 4, $"{command}: {result}");
            Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
            Assert.Contains(reason, result.Error, StringComparison.Ordinal);
            JsonElement last = JsonDocument.Parse(result.Lines[^1]).RootElement;
            Assert.Equal("summary", last.GetProperty("type").GetString());
            JsonElement teller = command == "info" ? JsonDocument.Parse(result.Lines[0]).RootElement : last;
            Assert.Contains(reason, teller.GetProperty("error").GetString(), StringComparison.Ordinal);
            int delivered = teller.TryGetProperty("packets", out JsonElement count) ? count.GetInt32() : 0;
            Assert.True(packets == delivered || (packets == 0 && delivered is >= 0 and < 87), $"{command} gave {delivered} packets.");
        }
    }

    [Fact]
    public void Damage_inside_a_large_gzip_file_costs_little_of_what_stands_before_it()
    {
        byte[] header = PcapNg[..PcapNg.AsSpan().IndexOf((ReadOnlySpan<byte>)[6, 0, 0, 0])];
        using var folder = new TemporaryFolder();
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(header);
            for (int i = 0; i < 50; i++)
            {
                gzip.Write(PcapNg.AsSpan(header.Length..^100));
            }
        }

        byte[] bytes = packed.ToArray();
        bytes.AsSpan(bytes.Length / 2, 8).Fill(0xFF);
        File.WriteAllBytes(folder.File("damaged.gz"), bytes);
        CliResult result = CliProcess.Run("read", "--json", folder.File("damaged.gz"));
        Assert.True(result.ExitCode == 4, result.Error);
        int delivered = JsonDocument.Parse(result.Lines[^1]).RootElement.GetProperty("packets").GetInt32();
        Assert.InRange(delivered, PacketsOfPcapNg * 24, PacketsOfPcapNg * 26);
    }

    [Theory]
    [InlineData("two members")]
    [InlineData("an empty member between")]
    [InlineData("a zero behind the end")]
    [InlineData("zeros behind the end")]
    [InlineData("a file of many zeros behind the end")]
    public void What_gzip_reads_without_loss_is_read(string what)
    {
        using var folder = new TemporaryFolder();
        int half = PcapNg.Length / 2;
        File.WriteAllBytes(folder.File("whole.gz"), what switch
        {
            "two members" => [.. Gzip(PcapNg[..half]), .. Gzip(PcapNg[half..])],
            "an empty member between" => [.. Gzip(PcapNg[..half]), .. Gzip([]), .. Gzip(PcapNg[half..])],
            "a zero behind the end" => [.. Gzip(PcapNg), 0],
            "zeros behind the end" => [.. Gzip(PcapNg), .. new byte[512]],
            _ => [.. Gzip(PcapNg), .. new byte[200_000]],
        });
        CliResult result = CliProcess.Run("info", "--json", folder.File("whole.gz"));
        Assert.True(result is { ExitCode: 0, Error: "" }, result.ToString());
        Assert.Equal(PacketsOfPcapNg, JsonDocument.Parse(result.Lines[0]).RootElement.GetProperty("packets").GetInt32());
    }

    private static byte[] Make(string damage)
    {
        byte[] changed;
        switch (damage)
        {
            case "a pcap that is cut":
                return Pcap[..^5];
            case "a pcap with bytes behind its end":
                return [.. Pcap, 1, 2, 3, 4];
            case "a pcap with a length beyond all limits":
                changed = [.. Pcap];
                BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(24 + 8), int.MaxValue);
                return changed;
            case "a pcapng that is cut":
                return PcapNg[..^7];
            case "a pcapng with a length that no block has":
                changed = [.. PcapNg];
                BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(OffsetOfBlock(7) + 4), 7);
                return changed;
            case "a pcapng with bytes behind its end":
                return [.. PcapNg, .. "junkjunkjunkjunk"u8];
            case "a gzip file that is cut in its data":
                return Gzip(PcapNg)[..^200];
            case "a gzip file that is cut in its checksum":
                return Gzip(PcapNg)[..^5];
            case "a gzip file whose checksum is wrong":
                return Flip(Gzip(PcapNg), 8);
            case "a gzip file whose length is wrong":
                return Flip(Gzip(PcapNg), 4);
            case "a gzip file of two members, the second with a wrong checksum":
                return [.. Gzip(PcapNg[..1000]), .. Flip(Gzip(PcapNg[1000..]), 8)];
            case "a gzip file of a capture that is cut":
                return Gzip(Pcap[..^5]);
            case "a gzip file with something behind its end":
                return [.. Gzip(PcapNg), .. "left over"u8];
            case "a gzip file with a byte behind its end":
                return [.. Gzip(PcapNg), (byte)'!'];
            case "a gzip file with much behind its end":
                return [.. Gzip(PcapNg), .. PcapNg, .. PcapNg];
            case "a gzip file with zeros and then something behind its end":
                return [.. Gzip(PcapNg), .. new byte[150_000], 1];
            case "a gzip file of two members, the second with a wrong beginning":
                changed = Gzip(PcapNg[OffsetOfBlock(7)..]);
                changed[0] ^= 1;
                return [.. Gzip(PcapNg[..OffsetOfBlock(7)]), .. changed];
            default:
                throw new ArgumentException(damage);
        }
    }

    /// <summary>Where the block of this number, from 0, begins.</summary>
    private static int OffsetOfBlock(int number)
    {
        int offset = 0;
        for (int i = 0; i < number; i++)
        {
            offset += BinaryPrimitives.ReadInt32LittleEndian(PcapNg.AsSpan(offset + 4));
        }

        return offset;
    }

    private static byte[] Flip(byte[] bytes, int fromEnd)
    {
        bytes[^fromEnd] ^= 1;
        return bytes;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }
}
