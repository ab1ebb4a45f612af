using System.Diagnostics;
using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>What <c>interceptor replay</c> says, and its exit code, where a link does not take all, goes away, or is waited for.</summary>
public sealed class ReplayOutcomeTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("interceptor-test-").FullName;

    [Fact]
    public void Packets_longer_than_the_MTU_are_counted_with_it_and_the_rest_is_sent()
    {
        using NetworkLab lab = NetworkLab.Create();
        CliResult result = Replay(lab, Write([Frame(60), Frame(2000), Frame(1514)]));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Actual: 2 packets (1574 bytes)", result.Output, StringComparison.Ordinal);
        Assert.Contains("1 packet not sent: longer than the interface's MTU of 1500 bytes", result.Error, StringComparison.Ordinal);
        Assert.Contains("--mtu 1500", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interface_that_is_down_is_told_with_how_to_bring_it_up()
    {
        using NetworkLab lab = NetworkLab.Create();
        ChildResult down = ChildProcess.Run(lab.Client, "ip", "link", "set", NetworkLab.ClientInterface, "down");
        Assert.True(down.ExitCode == 0, down.Error);
        CliResult result = Replay(lab, Write([Frame(60)]));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"ip link set {NetworkLab.ClientInterface} up", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Actual: 1", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interface_that_goes_away_ends_the_replay_with_what_was_sent()
    {
        using NetworkLab lab = NetworkLab.Create();
        using Process process = Start(lab, Write([Frame(60)]), "--loop", "0", "--pps", "500", "--interval", "100ms", "--json");
        AwaitLine(process.StandardOutput, "\"progress\"");
        ChildResult gone = ChildProcess.Run(lab.Client, "ip", "link", "delete", NetworkLab.ClientInterface);
        Assert.True(gone.ExitCode == 0, gone.Error);
        string output = process.StandardOutput.ReadToEnd();
        string error = process.StandardError.ReadToEnd();
        Assert.True(process.WaitForExit(Deadline));
        Assert.True(process.ExitCode == 1, $"{process.ExitCode}: {error}");
        Assert.Contains($"send on interface {NetworkLab.ClientInterface}", error, StringComparison.Ordinal);
        using JsonDocument summary = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Equal("summary", summary.RootElement.GetProperty("type").GetString());
        Assert.True(summary.RootElement.GetProperty("packets").GetInt64() > 0);
    }

    [Fact]
    public void Link_types_that_the_interface_does_not_carry_are_skipped_and_listed()
    {
        using NetworkLab lab = NetworkLab.Create();
        CliResult both = Replay(lab, Write([Frame(60), Frame(40, LinkType.Raw), Frame(61)]));
        Assert.Equal(0, both.ExitCode);
        Assert.Contains("Actual: 2 packets", both.Output, StringComparison.Ordinal);
        Assert.Contains($"1 packet not sent for their link type (1 of RAW): interface {NetworkLab.ClientInterface} carries EN10MB", both.Error, StringComparison.Ordinal);
        CliResult none = Replay(lab, Write([Frame(40, LinkType.Raw)]));
        Assert.Equal(1, none.ExitCode);
        Assert.Contains("no packet was sent: its 1 packets are of link type RAW", none.Error, StringComparison.Ordinal);
        CliResult same = Replay(lab, Write([Frame(60), Frame(60, interfaceId: 2)]));
        Assert.Equal(0, same.ExitCode);
        Assert.Contains("Actual: 2 packets", same.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_permission_nothing_is_sent_and_the_remedy_is_told()
    {
        KernelTest.RequireTool("setpriv");
        CliResult result = CliProcess.RunWithoutPrivileges("replay", Write([Frame(60)]), "-i", "lo");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("CAP_NET_RAW", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fixed_rate_ends_when_it_should()
    {
        const int Packets = 20_000;
        const int Rate = 25_000;
        using NetworkLab lab = NetworkLab.Create();
        string path = Write([Frame(60)]);

        // What the machine does besides may make the last packet late; it can't do so each time.
        double least = double.MaxValue;
        for (int attempt = 0; attempt < 4 && least > 0.001; attempt++)
        {
            CliResult result = Replay(lab, path, "--loop", "0", "-c", $"{Packets}", "--pps", $"{Rate}", "--json");
            Assert.True(result.ExitCode == 0, result.ToString());
            using JsonDocument summary = JsonDocument.Parse(result.Lines[^1]);
            Assert.Equal(Packets, summary.RootElement.GetProperty("packets").GetInt32());
            double due = (Packets - 1) * 1000.0 / Rate;
            double late = summary.RootElement.GetProperty("elapsed_ms").GetDouble() - due;
            Assert.True(late >= 0, $"{-late} ms too early.");
            least = Math.Min(least, late / due);
        }

        Assert.True(least <= 0.001, $"at best it ended {least:P3} late.");
    }

    [Fact]
    public void Time_paused_and_stopped_is_told_and_not_caught_up()
    {
        using NetworkLab lab = NetworkLab.Create();
        using Process process = Start(lab, Write([Frame(60)]), "--loop", "200", "--pps", "250", "--json", "--interval", "100ms");
        AwaitLine(process.StandardOutput, "\"progress\"");
        Signal(process, "USR2");
        AwaitLine(process.StandardError, "paused");
        AwaitLine(process.StandardOutput, "\"paused\":true");
        Signal(process, "USR2");
        AwaitLine(process.StandardError, "goes on");
        Signal(process, "STOP");
        AwaitStopped(process);
        var stopped = Stopwatch.StartNew();
        SpinWait.SpinUntil(() => stopped.ElapsedMilliseconds > 150);
        Signal(process, "CONT");
        string[] lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(process.WaitForExit(Deadline));
        Assert.Equal(0, process.ExitCode);
        using JsonDocument document = JsonDocument.Parse(lines[^1]);
        JsonElement summary = document.RootElement;
        Assert.Equal(200, summary.GetProperty("packets").GetInt32());
        Assert.InRange(summary.GetProperty("paused_ms").GetDouble(), 130, 20_000);

        // 199 gaps of 4 ms: without the pauses, and nothing of them made up for.
        Assert.InRange(summary.GetProperty("elapsed_ms").GetDouble(), 796, 10_000);
        Assert.True(summary.GetProperty("timing_error_ms").GetProperty("p50").GetDouble() < 50, lines[^1]);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void AwaitLine(StreamReader reader, string text)
    {
        string? line;
        do
        {
            line = reader.ReadLine();
            Assert.NotNull(line);
        }
        while (!line.Contains(text, StringComparison.Ordinal));
    }

    private static void AwaitStopped(Process process)
    {
        long end = Environment.TickCount64 + 10_000;
        while (!File.ReadLines($"/proc/{process.Id}/status").Any(static line => line.StartsWith("State:\tT", StringComparison.Ordinal)))
        {
            Assert.True(Environment.TickCount64 < end, "it did not stop.");
            Thread.Yield();
        }
    }

    private static void Signal(Process process, string name)
    {
        ChildResult sent = ChildProcess.Run(null, TimeSpan.FromSeconds(5), "kill", $"-{name}", $"{process.Id}");
        Assert.True(sent.ExitCode == 0, sent.Error);
    }

    private static CliResult Replay(NetworkLab lab, string path, params string[] more) =>
        lab.Client.Run(() => CliProcess.Run(["replay", path, "-i", NetworkLab.ClientInterface, .. more]));

    private static Process Start(NetworkLab lab, string path, params string[] more) =>
        lab.Client.Run(() => Process.Start(CliProcess.StartInfo(["replay", path, "-i", NetworkLab.ClientInterface, .. more])))!;

    private static (byte[] Bytes, LinkType LinkType, int InterfaceId) Frame(int length, LinkType linkType = LinkType.Ethernet, int? interfaceId = null) =>
        ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0x5E, 0, 0x53, 1, 0x88, 0xB5, .. new byte[length - 14]], linkType, interfaceId ?? (linkType == LinkType.Ethernet ? 0 : 1));

    /// <summary>A capture with three interfaces: Ethernet, raw IP, Ethernet.</summary>
    private string Write((byte[] Bytes, LinkType LinkType, int InterfaceId)[] frames)
    {
        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.pcapng");
        using CaptureFileWriter writer = CaptureFile.Create(path);
        writer.AddInterface(new CaptureInterface(LinkType.Ethernet, 262144, "eth0"));
        writer.AddInterface(new CaptureInterface(LinkType.Raw, 262144, "tun0"));
        writer.AddInterface(new CaptureInterface(LinkType.Ethernet, 262144, "eth1"));
        foreach ((byte[] bytes, LinkType linkType, int interfaceId) in frames)
        {
            writer.Write(new CapturedPacket(bytes, new PacketMetadata { HasTimestamp = true, OriginalLength = bytes.Length, LinkType = linkType, InterfaceId = interfaceId }));
        }

        return path;
    }
}
