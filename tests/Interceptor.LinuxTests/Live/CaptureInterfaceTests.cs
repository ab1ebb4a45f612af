using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>Several interfaces, other namespaces, and interfaces that change or go away under a capture.</summary>
public sealed class CaptureInterfaceTests : IDisposable
{
    private const string Client = NetworkLab.ClientInterface;

    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly string _directory = Directory.CreateTempSubdirectory("interceptor-test").FullName;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("was switched off while it was captured", "link", "set", Client, "down")]
    [InlineData("was deleted, or moved to another network namespace", "link", "delete", Client)]
    public void An_interface_that_is_lost_ends_the_capture_with_what_came_before(string message, params string[] change)
    {
        string path = Path.Combine(_directory, "lost.pcapng");
        using ToolRun run = Start(_lab.Client, 1, "-i", Client, "-w", path, "udp", "port", "9");
        SendOverTheLink();
        Ip(change);
        CliResult result = run.AwaitEnd();
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"capture on interface {Client}", result.Error, StringComparison.Ordinal);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Contains("1 packet captured", result.Error, StringComparison.Ordinal);
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        Assert.Equal(1, Count(reader));
        Assert.Equal(1ul, Assert.Single(reader.Interfaces).Statistics.AcceptedByFilter);
    }

    [Fact]
    public void A_renamed_interface_is_captured_on()
    {
        using ToolRun run = Start(_lab.Client, 1, "-i", Client, "--json", "udp", "port", "9");
        SendOverTheLink();
        Assert.NotNull(run.ReadOutput());
        ChildResult renamed = ChildProcess.Run(_lab.Client, "ip", "link", "set", Client, "name", "other0");
        if (renamed.ExitCode != 0)
        {
            Assert.Skip($"This kernel renames no interface that is up: {renamed.Error}");
        }

        run.AwaitLine($"interceptor: interface {Client} is now called other0; its capture goes on");
        SendOverTheLink();
        Assert.NotNull(run.ReadOutput());
        CliResult result = run.Stop();
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("2 packets captured", result.Error, StringComparison.Ordinal);
        Ip("link", "delete", "other0");
    }

    [Fact]
    public void Of_several_interfaces_the_others_go_on_and_each_has_its_packets_and_counters()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string path = Path.Combine(_directory, "several.pcapng");
        using ToolRun run = Start(_lab.Client, 2, "-i", Client, "-i", "lo", "-w", path, "--print", "--json", "udp", "and", "not", "ip6");
        SendOverTheLink();
        Assert.NotNull(run.ReadOutput());
        Ip("link", "delete", Client);
        run.AwaitLine($"interceptor: capture on interface {Client}: ");
        sender.Send(1);
        sender.Send(2);
        Assert.NotNull(run.ReadOutput());
        Assert.NotNull(run.ReadOutput());
        CliResult result = run.Stop();
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument summary = JsonDocument.Parse(result.Output);
        Assert.Equal(3, summary.RootElement.GetProperty("captured").GetInt32());
        Assert.Contains("The other interfaces go on.", result.Error, StringComparison.Ordinal);
        Assert.Equal([1, 2], summary.RootElement.GetProperty("interfaces").EnumerateArray().Select(static at => at.GetProperty("received").GetInt32()));
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        var ids = new List<int>();
        while (reader.TryRead(out CapturedPacket packet))
        {
            ids.Add(packet.Metadata.InterfaceId);
        }

        Assert.Equal([0, 1, 1], ids);
        Assert.Equal([Client, "lo"], reader.Interfaces.Select(static at => at.Name));
        Assert.Equal([1ul, 2ul], reader.Interfaces.Select(static at => at.Statistics.AcceptedByFilter ?? 0));
        Assert.Equal([1ul, 2ul], reader.Interfaces.Select(static at => at.Statistics.Delivered ?? 0));
    }

    [Fact]
    public void When_the_last_of_several_interfaces_is_gone_the_capture_fails()
    {
        using ToolRun run = Start(_lab.Client, 2, "-i", Client, "-i", "lo");
        Ip("link", "delete", Client);
        run.AwaitLine($"interceptor: capture on interface {Client}: ");
        Ip("link", "set", "lo", "down");
        CliResult result = run.AwaitEnd();
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("capture on interface lo", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Pcap_refuses_interfaces_of_different_link_types_before_it_makes_a_file()
    {
        string path = Path.Combine(_directory, "mixed.pcapng");
        ChildResult result = ChildProcess.Run(_lab.Client, "dotnet", CliProcess.AssemblyPath, "capture", "-i", "any", "-i", Client, "-w", path, "--format", "pcap");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"pcap holds one link type, and any has LINUX_SLL2 where {Client} has EN10MB", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void The_format_can_be_another_than_the_name_says()
    {
        string path = Path.Combine(_directory, "named.pcapng");
        using ToolRun run = Start(_lab.Client, 1, "-i", Client, "-c", "1", "-w", path, "--format", "pcap", "udp", "port", "9");
        SendOverTheLink();
        Assert.Equal(0, run.AwaitEnd().ExitCode);
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        Assert.Equal(CaptureFileFormat.Pcap, reader.Format);
        Assert.Equal(1, Count(reader));
    }

    [Fact]
    public void Another_namespace_is_captured_in_by_path_and_by_process()
    {
        using ToolRun run = Start(_lab.Server, 1, "--netns", _lab.Client.Path, "-i", Client, "-c", "1", "--json", "udp", "port", "9");
        SendOverTheLink();
        Assert.NotNull(run.ReadOutput());
        Assert.Equal(0, run.AwaitEnd().ExitCode);

        using ToolRun inside = Start(_lab.Client, 1, "-i", Client);
        CliResult interfaces = CliProcess.Run("interfaces", "--netns", $"{inside.Pid}");
        Assert.True(interfaces.ExitCode == 0, interfaces.ToString());
        Assert.Contains(Client, interfaces.Output, StringComparison.Ordinal);
        CliResult missing = CliProcess.Run("interfaces", "--netns", "no-such-namespace");
        Assert.Equal(1, missing.ExitCode);
        Assert.Contains("no-such-namespace", missing.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("udp")]
    public async Task What_comes_before_and_after_the_capture_does_not_count_as_filtered_out(string filter)
    {
        using var sender = new LoopbackSender(_lab.Client);
        using var stop = new CancellationTokenSource();
        var traffic = new Thread(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                sender.Send(i);
                stop.Token.WaitHandle.WaitOne(1);
            }
        });
        traffic.Start();
        try
        {
            using CaptureRun run = await CaptureRun.StartAsync(_lab.Client, ["-i", "lo", "-w", Path.Combine(_directory, "a.pcapng"), "--json", .. filter.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
            run.Signal("USR1");
            await run.AwaitErrorAsync("packets received by filter");
            run.Signal("TERM");
            (int code, string[] lines) = await run.EndAsync();
            Assert.True(code == 0, run.Error);
            using JsonDocument summary = JsonDocument.Parse(lines[^1]);

            // The kernel gathers for 100 ms more: some 90 packets. One or two may come between two looks.
            Assert.InRange(summary.RootElement.GetProperty("filtered").GetInt32(), 0, filter.Length == 0 ? 0 : 10);
        }
        finally
        {
            await stop.CancelAsync();
            traffic.Join();
        }
    }

    [Fact]
    public void What_a_limit_leaves_unread_is_counted()
    {
        using var sender = new LoopbackSender(_lab.Client);
        using ToolRun run = Start(_lab.Client, 1, "-i", "lo", "-c", "2", "--json", "udp");
        for (int i = 0; i < 7; i++)
        {
            sender.Send(i);
        }

        CliResult result = run.AwaitEnd();
        Assert.Equal(0, result.ExitCode);
        using JsonDocument summary = JsonDocument.Parse(result.Lines[^1]);
        Assert.Equal(2, summary.RootElement.GetProperty("captured").GetInt32());
        int received = summary.RootElement.GetProperty("received").GetInt32();
        Assert.Equal(received - 2, summary.RootElement.GetProperty("left_unread").GetInt32());
    }

    [Fact]
    public void Time_sources_are_listed_and_one_that_is_not_there_is_refused_with_those_that_are()
    {
        ChildResult list = ChildProcess.Run(_lab.Client, "dotnet", CliProcess.AssemblyPath, "capture", "-i", Client, "--list-time-sources", "--json");
        Assert.True(list.ExitCode == 0, list.Error);
        Assert.Contains("\"type\":\"summary\"", list.Output, StringComparison.Ordinal);
        ChildResult refused = ChildProcess.Run(_lab.Client, "dotnet", CliProcess.AssemblyPath, "capture", "-i", Client, "--time-source", "adapter");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"set time source adapter on interface {Client}", refused.Error, StringComparison.Ordinal);
        ChildResult unknown = ChildProcess.Run(_lab.Client, "dotnet", CliProcess.AssemblyPath, "capture", "-i", Client, "--time-source", "sundial");
        Assert.Equal(2, unknown.ExitCode);
    }

    private static ToolRun Start(NetworkNamespace where, int interfaces, params string[] arguments)
    {
        var run = new ToolRun(where, [], ["capture", .. arguments]);
        for (int i = 0; i < interfaces; i++)
        {
            run.AwaitLine("listening on");
        }

        return run;
    }

    private static int Count(CaptureFileReader reader)
    {
        int packets = 0;
        while (reader.TryRead(out _))
        {
            packets++;
        }

        return packets;
    }

    private void SendOverTheLink() => _lab.Server.Run(static () =>
    {
        using var socket = new System.Net.Sockets.UdpClient();
        socket.Send([1], NetworkLab.ClientAddress, 9);
    });

    private void Ip(params string[] arguments)
    {
        ChildResult result = ChildProcess.Run(_lab.Client, "ip", arguments);
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
