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
