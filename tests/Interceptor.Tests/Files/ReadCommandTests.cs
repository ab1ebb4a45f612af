using System.Diagnostics;
using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

public sealed class ReadCommandTests
{
    private static readonly IpAddress Client = IpAddress.FromIpv4(0xC0000201);
    private static readonly IpAddress Server = IpAddress.FromIpv4(0xC0000202);

    [Fact]
    public void Packets_are_printed_in_the_notation_of_tcpdump_with_the_time_in_utc()
    {
        using var folder = new TemporaryFolder();
        CliResult result = CliProcess.Run("read", Write(folder, 80, 443), "tcp", "port", "443");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.StartsWith("22:13:20.123457 IP 192.0.2.1.49152 > 192.0.2.2.443: Flags [S], seq 1,", Assert.Single(result.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Json_has_the_keys_of_the_contract_and_the_fields()
    {
        using var folder = new TemporaryFolder();
        CliResult result = CliProcess.Run("read", "--json", "-c", "1", Write(folder, 80, 443));
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument packet = JsonDocument.Parse(result.Lines[0]);
        JsonElement root = packet.RootElement;
        Assert.Equal(("packet", 1, TestPackets.SomeTime), (root.GetProperty("type").GetString(), root.GetProperty("number").GetInt32(), root.GetProperty("timestamp_ns").GetInt64()));
        Assert.Equal(root.GetProperty("captured_length").GetInt32(), root.GetProperty("original_length").GetInt32());
        JsonElement tcp = root.GetProperty("layers").EnumerateArray().Single(layer => layer.GetProperty("layer").GetString() == "tcp");
        Assert.Equal(80, tcp.GetProperty("destination_port").GetInt32());
        Assert.StartsWith("{\"type\":\"summary\",\"packets\":1,", result.Lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-tn", "IP ")]
    [InlineData("-tt", "1700000000.123456 IP ")]
    [InlineData("-ttt", " 00:00:00.000000 IP ", " 00:00:00.000001 IP ", "-00:00:00.000001 IP ", " 50:00:00.000000 IP ", "-522670:13:20.123456 IP ")]
    [InlineData("-tttt", "2023-11-14 22:13:20.123456 IP ", "2023-11-14 22:13:20.123457 IP ", "2023-11-14 22:13:20.123456 IP ", "2023-11-17 00:13:20.123456 IP ", "1964-04-02 02:00:00.000000 IP ")]
    [InlineData("-ttttt", " 00:00:00.000000 IP ", " 00:00:00.000001 IP ", " 00:00:00.000000 IP ", " 50:00:00.000000 IP ", "-522620:13:20.123456 IP ")]
    [InlineData("--nano", "22:13:20.123456789 IP ", "22:13:20.123457790 IP ", "22:13:20.123456789 IP ", "00:13:20.123456789 IP ", "02:00:00.000000000 IP ")]
    [InlineData("-#", "    1  22:13:20.123456 IP ", "    2  22:13:20.123457 IP ")]
    public void Times_are_printed_as_tcpdump_prints_them(string option, params string[] beginnings)
    {
        long[] times = [TestPackets.SomeTime, TestPackets.SomeTime + 1001, TestPackets.SomeTime, TestPackets.SomeTime + 180_000_000_000_000, -181_432_800_000_000_000];
        byte[] file = TestPackets.WritePcapNg(times.Select(time => Udp() with { Time = time }));
        CliResult result = CliProcess.Run(file, ["read", option, "-"]);
        Assert.True(result is { ExitCode: 0, Error: "" }, result.ToString());
        Assert.Equal(times.Length, result.Lines.Length);
        for (int i = 0; i < beginnings.Length; i++)
        {
            Assert.StartsWith(beginnings[i], result.Lines[i], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_first_and_the_last_instant_that_there_are_have_a_time()
    {
        byte[] file = TestPackets.WritePcapNg(Udp() with { Time = long.MinValue }, Udp() with { Time = long.MaxValue });
        Assert.Equal(["1677-09-21 00:12:43.145224 IP", "2262-04-11 23:47:16.854775 IP"], Beginnings("-tttt", 29));
        Assert.Equal(["-9223372036.854775 IP", "9223372036.854775 IP "], Beginnings("-tt", 21));
        Assert.Equal([" 00:00:00.000000 IP", " 5124095:34:33.7095"], Beginnings("-ttt", 19));
        string[] Beginnings(string option, int length) => [.. CliProcess.Run(file, ["read", option, "-"]).Lines.Select(line => line[..length])];
    }

    [Fact]
    public void Letters_can_be_written_together_and_packets_passed_over()
    {
        using var folder = new TemporaryFolder();
        string[] lines = CliProcess.Run("read", "-ttnnvvS#", "--skip", "1", "-c1", Write(folder, 80, 443, 8080)).Lines;
        Assert.StartsWith("    2  1700000000.123457 IP (tos 0x0, ttl 64,", lines[0], StringComparison.Ordinal);
        Assert.Contains(".443: Flags [S], cksum 0x", lines[1], StringComparison.Ordinal);
        Assert.Equal(2, lines.Length);
    }

    [Theory]
    [InlineData("-tttttt", "up to five times")]
    [InlineData("--nano", "either micro or nano", "--micro")]
    [InlineData("--color", "never", "sometimes")]
    public void Contradictions_are_told(string option, string message, params string[] more)
    {
        CliResult result = CliProcess.Run(TestPackets.WritePcapNg(Udp()), ["read", "-", option, .. more]);
        Assert.True(result.ExitCode == 2 && result.Error.Contains(message, StringComparison.Ordinal), result.ToString());
    }

    [Fact]
    public void A_pipe_gets_no_colours_unless_it_asks_and_json_never()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, 80);
        Assert.DoesNotContain('\u001b', CliProcess.Run("read", path).Output);
        Assert.DoesNotContain('\u001b', CliProcess.Run("read", "--color", "always", "--json", path).Output);
        string colored = CliProcess.Run("read", "--color", "always", path).Output;
        Assert.StartsWith("\u001b[2m22:13:20.123457 \u001b[22mIP \u001b[36m192.0.2.1.49152\u001b[39m > \u001b[36m192.0.2.2.80\u001b[39m: Flags \u001b[32m[S]\u001b[39m, seq 1,", colored.Replace(".123456", ".123457", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void What_pcapng_records_of_a_packet_is_in_its_object_and_comments_are_shown_verbosely()
    {
        byte[] file = TestPackets.WritePcapNg(Udp() with
        {
            Options = new PcapNgPacketOptions
            {
                Comment = "a\u001b[31mb",
                Direction = PacketDirection.Outbound,
                DropCount = 7,
                PacketId = 8,
                Queue = 9,
                Verdict = new PcapNgVerdict(PcapNgVerdictSource.LinuxXdp, 1),
                Hash = new PcapNgHash(PcapNgHashAlgorithm.Crc32, new byte[] { 1, 2, 3, 255 }),
            },
        });
        string line = CliProcess.Run(file, ["read", "--json", "-"]).Lines[0];
        Assert.Contains("\"interface\":0,\"interface_name\":\"eth0\",\"link_type\":\"EN10MB\",\"comments\":[\"a\\u001B[31mb\"],\"direction\":\"out\",\"flags\":2,\"drop_count\":7,\"packet_id\":8,"
            + "\"queue\":9,\"verdict\":{\"source\":\"xdp\",\"value\":1},\"hash\":{\"algorithm\":\"crc32\",\"value\":\"010203ff\"},\"summary\":\"IP ", line, StringComparison.Ordinal);
        Assert.Contains("\n\tcomment: a\\x1b[31mb\n", CliProcess.Run(file, ["read", "-v", "-"]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_obsolete_packet_block_says_is_in_its_object()
    {
        CliResult read = CliProcess.Run("read", "--json", Path.Combine(ProjectPaths.OwnCaptures, "pcapng-obsolete-packet-blocks.pcapng"));
        Assert.True(read.ExitCode == 0, read.ToString());
        Assert.Contains("\"link_type\":\"EN10MB\",\"comments\":[\"the first\"],\"direction\":\"in\",\"flags\":1,\"drop_count\":0,\"summary\"", read.Lines[0], StringComparison.Ordinal);
        Assert.Contains("\"link_type\":\"EN10MB\",\"drop_count\":3,\"summary\"", read.Lines[1], StringComparison.Ordinal);
        Assert.DoesNotContain("drop_count", read.Lines[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("out.pcapng", CaptureFileFormat.PcapNg)]
    [InlineData("out.pcap", CaptureFileFormat.Pcap)]
    public void Matching_packets_are_written_in_the_format_of_the_name(string name, CaptureFileFormat format)
    {
        using var folder = new TemporaryFolder();
        string input = Write(folder, 80, 443, 80);
        CliResult result = CliProcess.Run("read", input, "-w", folder.File(name), "tcp port 80");
        Assert.True(result is { ExitCode: 0, Output: "" }, result.ToString());
        using CaptureFileReader all = CaptureFile.OpenRead(input);
        List<StoredPacket> expected = TestPackets.ReadAll(all);
        using CaptureFileReader written = CaptureFile.OpenRead(folder.File(name));
        Assert.Equal([expected[0], expected[2]], TestPackets.ReadAll(written));
        Assert.Equal(format, written.Format);
    }

    [Fact]
    public void A_capture_can_be_replaced_by_a_part_of_itself()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, 80, 443);
        Assert.Equal(0, CliProcess.Run("read", path, "-w", path, "tcp port 80").ExitCode);
        Assert.Equal(1, CaptureFileSummary.Read(path).Packets);
    }

    [Fact]
    public void A_cut_file_is_printed_up_to_the_cut_and_exits_with_4()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, 80, 443);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^5]);
        CliResult result = CliProcess.Run("read", path);
        Assert.Equal(4, result.ExitCode);
        Assert.Single(result.Lines);
        Assert.Contains("the file ends inside", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_written_is_a_failure_and_no_bad_input()
    {
        using var folder = new TemporaryFolder();
        string input = Write(folder, 80);
        CliResult missing = CliProcess.Run("read", input, "-w", folder.File("none/out.pcapng"));
        Assert.True(missing.ExitCode == 1, missing.ToString());
        Assert.Contains($"{folder.File("none/out.pcapng")}: can't be written: there is no such directory.", missing.Error, StringComparison.Ordinal);
        CliResult full = CliProcess.Run("read", input, "-w", "/dev/full");
        Assert.True(full.ExitCode == 1, full.ToString());
        Assert.Contains("/dev/full: can't be written: no space is left on the device.", full.Error, StringComparison.Ordinal);
        CliResult both = CliProcess.Run("read", input, "-w", "-", "--json");
        Assert.True(both is { ExitCode: 2, Output: "" }, both.ToString());
    }

    [Theory]
    [InlineData(4, "there is no such file", "/no/such/file")]
    [InlineData(2, "can't parse filter expression", "-", "tcp porpoise")]
    public void Mistakes_have_their_exit_codes(int code, string message, params string[] arguments)
    {
        CliResult result = CliProcess.Run(TestPackets.WritePcapNg(), ["read", .. arguments]);
        Assert.True(result.ExitCode == code, result.ToString());
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reader_that_goes_away_ends_it_quietly()
    {
        using var folder = new TemporaryFolder();
        using Process process = Process.Start(CliProcess.StartInfo("read", Write(folder, [.. Enumerable.Repeat((ushort)80, 20_000)])))!;
        Assert.Contains("192.0.2.2.80", process.StandardOutput.ReadLine(), StringComparison.Ordinal);
        process.StandardOutput.Close();
        Assert.Equal("", process.StandardError.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private static StoredPacket Udp()
    {
        byte[] frame = new PacketBuilder().Ethernet(MacAddress.FromBits(2), MacAddress.FromBits(4)).Ipv4(Client, Server).Udp(1, 2).Payload("x"u8).ToArray();
        return TestPackets.Packet(0) with { Bytes = Convert.ToHexString(frame), OriginalLength = frame.Length };
    }

    private static string Write(TemporaryFolder folder, params IEnumerable<ushort> ports)
    {
        string path = folder.File("in.pcapng");
        using CaptureFileWriter writer = CaptureFile.Create(path);
        long time = TestPackets.SomeTime;
        foreach (ushort port in ports)
        {
            byte[] frame = new PacketBuilder().Ethernet(MacAddress.FromBits(2), MacAddress.FromBits(4)).Ipv4(Client, Server)
                .Tcp(49152, port, new SequenceNumber(1), default, TcpFlags.Syn).ToArray();
            writer.Write(new CapturedPacket(frame, new PacketMetadata
            {
                Timestamp = new CaptureTimestamp(time),
                HasTimestamp = true,
                OriginalLength = frame.Length,
                LinkType = LinkType.Ethernet,
            }));
            time += 1000;
        }

        return path;
    }
}
