using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

public sealed class InfoCommandTests
{
    [Fact]
    public void Json_has_the_keys_of_the_contract()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("two.pcapng");
        File.WriteAllBytes(path, TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(40, TestPackets.SomeTime + 5) with { OriginalLength = 99 }));
        CliResult result = CliProcess.Run("info", "--json", "--hash", path);
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument capture = JsonDocument.Parse(result.Lines[0]);
        JsonElement root = capture.RootElement;
        Assert.Equal(("capture", path, "pcapng"), (root.GetProperty("type").GetString(), root.GetProperty("file").GetString(), root.GetProperty("format").GetString()));
        Assert.Equal("EN10MB", Assert.Single(root.GetProperty("link_types").EnumerateArray()).GetString());
        Assert.Equal((2, 100, 159, 1), (root.GetProperty("packets").GetInt32(), root.GetProperty("captured_bytes").GetInt32(),
            root.GetProperty("original_bytes").GetInt32(), root.GetProperty("truncated_packets").GetInt32()));
        Assert.Equal((TestPackets.SomeTime, TestPackets.SomeTime + 5), (root.GetProperty("first_packet_ns").GetInt64(), root.GetProperty("last_packet_ns").GetInt64()));
        Assert.Equal(CaptureFileSummary.Read(path, hash: true).PacketsSha256, root.GetProperty("packets_sha256").GetString());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("error").ValueKind);
        Assert.StartsWith("{\"type\":\"summary\",\"files\":1,", result.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_cut_file_is_told_with_what_it_holds_and_exit_code_4()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("cut\u001b[31m.pcapng");
        File.WriteAllBytes(path, TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(60))[..^3]);
        CliResult result = CliProcess.Run("info", path, "/no/such/file");
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("Packets:            1\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("the file ends inside an enhanced packet block", result.Error, StringComparison.Ordinal);
        Assert.Contains("/no/such/file: can't be read: there is no such file.", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output + result.Error);
    }

    [Fact]
    public void Rates_order_interfaces_and_comments_are_told()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("many.pcapng");
        using (var writer = new PcapNgWriter(File.Create(path), new PcapNgSection("a machine", "a system", "a program", "a \u001b comment")))
        {
            writer.AddInterface(new CaptureInterface(LinkType.Ethernet, 96, "eth0", "the wire") { Filter = "udp" });
            writer.Write(TestPackets.Packet(60).ToPacket(), new PcapNgPacketOptions { Comment = "c" });
            writer.Write(TestPackets.Packet(40, TestPackets.SomeTime + 2_000_000_000).ToPacket());
            writer.Write(TestPackets.Packet(20, TestPackets.SomeTime + 1_000_000_000).ToPacket());
            writer.WriteInterfaceStatistics(0, new CaptureTimestamp(TestPackets.SomeTime), new InterfaceStatistics { Received = 9, DroppedBySystem = 6 });
        }

        string text = CliProcess.Run("info", path).Output;
        foreach (string line in (string[])
            [
                $"File size:          {new FileInfo(path).Length} bytes", "Duration:           2.000000000 s", "In order of time:   no, 1 step back", "Average packet:     40 bytes",
                "Average rate:       1.5 packets/s, 480 bit/s", "With a comment:     1", "Dropped:            6", "Written by:         a program", "Operating system:   a system",
                "Hardware:           a machine", "Comment:            a \\x1b comment", "Interface 0:        eth0 (the wire), EN10MB, snap length 96, nanoseconds, 3 packets",
                "                    filter: udp", "                    recorded: 9 received, 6 dropped by the system",
            ])
        {
            Assert.Contains(line + "\n", text, StringComparison.Ordinal);
        }

        using JsonDocument capture = JsonDocument.Parse(CliProcess.Run("info", "--json", "--hash", path).Lines[0]);
        JsonElement root = capture.RootElement;
        Assert.Equal((2000, 1, 40, 1.5, 480), (root.GetProperty("duration_ms").GetDouble(), root.GetProperty("time_steps_back").GetInt32(),
            root.GetProperty("average_packet_bytes").GetDouble(), root.GetProperty("packets_per_second").GetDouble(), root.GetProperty("bits_per_second").GetDouble()));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))), root.GetProperty("file_sha256").GetString());
        Assert.Equal("udp", root.GetProperty("interfaces")[0].GetProperty("filter").GetString());
        Assert.Equal(9, root.GetProperty("interfaces")[0].GetProperty("statistics").GetProperty("received").GetInt32());
        Assert.Equal("a machine", root.GetProperty("sections")[0].GetProperty("hardware").GetString());
    }

    [Fact]
    public void A_table_has_a_line_for_each_file_damaged_ones_too()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("whole.pcapng"), TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(60)));
        File.WriteAllBytes(folder.File("cut.pcapng"), TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(60))[..^3]);
        CliResult result = CliProcess.Run("info", "-T", folder.File("whole.pcapng"), folder.File("cut.pcapng"));
        Assert.Equal(4, result.ExitCode);
        Assert.Equal(3, result.Lines.Length);
        Assert.Matches(@"^ +Packets +Bytes +Cut ", result.Lines[0]);
        Assert.Matches(@"^ +2 +120 +0 +- +0\.000000  2023-11-14 22:13:20\.123456789Z  pcapng +EN10MB +.*/whole\.pcapng$", result.Lines[1]);
        Assert.Matches(@"^ +1 +60 .*/cut\.pcapng \(damaged\)$", result.Lines[2]);
    }

    [Fact]
    public void Standard_input_is_read() =>
        Assert.Contains("Packets:            1\n", CliProcess.Run(TestPackets.WritePcapNg(TestPackets.Packet(60)), ["info", "-"]).Output, StringComparison.Ordinal);
}
