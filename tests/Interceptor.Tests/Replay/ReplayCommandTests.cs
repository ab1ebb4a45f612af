using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Testing;
using Interceptor.Tests.Files;

namespace Interceptor.Tests.Replay;

public sealed class ReplayCommandTests
{
    [Fact]
    public void A_rehearsal_tells_time_and_rate_without_taking_them()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, 0, 1_000_000_000, 10_000_000_000);
        CliResult result = CliProcess.Run("replay", path, "--dry-run", "--speed", "0.01", "--json", "-w", folder.File("out.pcapng"));
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument summary = JsonDocument.Parse(Assert.Single(result.Lines));
        Assert.Equal(3, summary.RootElement.GetProperty("packets").GetInt32());
        Assert.Equal(180, summary.RootElement.GetProperty("bytes").GetInt32());
        Assert.Equal(1_000_000, summary.RootElement.GetProperty("elapsed_ms").GetDouble());
        Assert.Equal(0, summary.RootElement.GetProperty("timing_error_ms").GetProperty("p99").GetDouble());
        using CaptureFileReader written = CaptureFile.OpenRead(folder.File("out.pcapng"));
        Assert.Equal([0L, 100_000_000_000, 1_000_000_000_000], TestPackets.ReadAll(written).Select(packet => packet.Time - TestPackets.SomeTime));
    }

    [Theory]
    [InlineData(1, "none of its 1 packets matches the filter", "--dry-run", "tcp port 1")]
    [InlineData(2, "exclude one another", "--dry-run", "--pps", "5", "--top-speed")]
    [InlineData(2, "needs -i INTERFACE")]
    [InlineData(2, "can't parse filter expression", "--dry-run", "tcp porpoise")]
    [InlineData(2, "is not a speed", "--dry-run", "--speed", "fast")]
    public void Nothing_sent_is_never_success(int code, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        CliResult result = CliProcess.Run(["replay", Write(folder, 0), .. arguments]);
        Assert.True(result.ExitCode == code, result.ToString());
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_capture_on_standard_output_has_the_summary_beside_it()
    {
        using var folder = new TemporaryFolder();
        CliResult result = CliProcess.Run("replay", Write(folder, 0, 1), "--dry-run", "-w", "-");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.DoesNotContain("Dry run:", result.Output, StringComparison.Ordinal);
        Assert.Contains("Dry run: 2 packets (120 bytes) would be sent", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_capture_is_bad_input()
    {
        using var folder = new TemporaryFolder();
        CliResult result = CliProcess.Run("replay", Write(folder), "--dry-run");
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("no packet was sent: it holds none", result.Error, StringComparison.Ordinal);
    }

    private static string Write(TemporaryFolder folder, params long[] offsets)
    {
        string path = folder.File("in.pcapng");
        File.WriteAllBytes(path, TestPackets.WritePcapNg(offsets.Select(offset => TestPackets.Packet(60, TestPackets.SomeTime + offset))));
        return path;
    }
}
