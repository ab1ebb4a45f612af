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
    [InlineData(2, "exclude one another", "--dry-run", "--step", "--pps", "5")]
    [InlineData(2, "--max-gap shortens the waits of the capture", "--dry-run", "--max-gap", "1s", "--pps", "5")]
    [InlineData(2, "it needs --loop", "--dry-run", "--loop-delay", "1s")]
    [InlineData(2, "--interval wants 100 ms at least", "--dry-run", "--interval", "1ms")]
    [InlineData(130, "ended before a packet was sent", "--dry-run", "--step")]
    [InlineData(1, "none of its 1 packets matches the filter", "--dry-run", "--preload", "tcp port 1")]
    public void Nothing_sent_is_never_success(int code, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        CliResult result = CliProcess.Run(["replay", Write(folder, 0), .. arguments]);
        Assert.True(result.ExitCode == code, result.ToString());
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_are_steps_and_a_number_is_so_many()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, 0, 1, 2, 3, 4, 5, 6, 7);
        CliResult result = CliProcess.Run("\n3\nnext\nq\n\n"u8.ToArray(), ["replay", path, "--dry-run", "--step"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(5, result.Lines.Count(static line => line.Contains("ethertype", StringComparison.Ordinal)));
        Assert.Contains("Dry run: 5 packets", result.Output, StringComparison.Ordinal);
        CliResult json = CliProcess.Run("2\n"u8.ToArray(), ["replay", path, "--dry-run", "--step", "--json"]);
        Assert.Equal(["packet", "packet", "summary"], json.Lines.Select(static line => JsonDocument.Parse(line).RootElement.GetProperty("type").GetString()));
        CliResult both = CliProcess.Run(File.ReadAllBytes(path), ["replay", "-", "--dry-run", "--step"]);
        Assert.Equal(2, both.ExitCode);
        Assert.Contains("can't be both the capture and the steps", both.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_capture_is_sent_as_far_as_it_goes()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, 0, 1, 2);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^3]);
        foreach (string[] more in (string[][])[[], ["--preload"]])
        {
            CliResult result = CliProcess.Run(["replay", path, "--dry-run", .. more]);
            Assert.Equal(4, result.ExitCode);
            Assert.Contains("Dry run: 2 packets", result.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Packets_that_were_cut_are_told_and_can_be_left_out()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("cut.pcapng");
        File.WriteAllBytes(path, TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(60) with { OriginalLength = 1500 }));
        CliResult all = CliProcess.Run("replay", path, "--dry-run");
        Assert.Equal(0, all.ExitCode);
        Assert.Contains("1 packet had been cut when captured", all.Error, StringComparison.Ordinal);
        CliResult whole = CliProcess.Run("replay", path, "--dry-run", "--skip-truncated", "--json");
        using JsonDocument summary = JsonDocument.Parse(Assert.Single(whole.Lines));
        Assert.Equal((1, 1, 0), (summary.RootElement.GetProperty("packets").GetInt32(), summary.RootElement.GetProperty("skipped_truncated").GetInt32(),
            summary.RootElement.GetProperty("truncated").GetInt32()));
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
