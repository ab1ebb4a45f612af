using System.Text.Json;
using Interceptor.Capture.Files;
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
    public void Standard_input_is_read() =>
        Assert.Contains("Packets:            1\n", CliProcess.Run(TestPackets.WritePcapNg(TestPackets.Packet(60)), ["info", "-"]).Output, StringComparison.Ordinal);
}
