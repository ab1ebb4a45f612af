using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

public sealed class InterceptCommandTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void A_signal_removes_the_rules_and_the_summary_adds_up(string signal)
    {
        using var loopback = new LoopbackQueue();
        string before = loopback.SaveTables("iptables-nft") + loopback.SaveTables("iptables-legacy");
        using Process child = Start(loopback, "intercept", "--json", "--hook", "input", "--delay", "30s", "--loss", "50%", "--seed", "3", $"udp dst port {loopback.Port}");
        loopback.Send(200);
        string[] packets = [.. Enumerable.Range(0, 200).Select(_ => child.StandardOutput.ReadLine()!)];
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "kill", $"-{signal}", $"{child.Id}").ExitCode);
        string rest = child.StandardOutput.ReadToEnd();
        Assert.True(child.WaitForExit(Deadline));
        Assert.Equal(0, child.ExitCode);
        JsonElement summary = Parse(rest.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        int lost = packets.Count(line => Parse(line).GetProperty("verdict").GetString() == "drop");
        Assert.InRange(lost, 60, 140);
        Assert.Equal("summary", summary.GetProperty("type").GetString());
        Assert.Equal(200, Number(summary, "received"));
        Assert.Equal(lost, Number(summary, "dropped"));
        Assert.Equal(200 - lost, Number(summary, "delayed"));
        Assert.Equal(200 - lost, Number(summary, "released"));
        Assert.Equal(Number(summary, "received"), Number(summary, "accepted") + Number(summary, "dropped") + Number(summary, "edited") + Number(summary, "lost_in_kernel"));
        string[] keys = ["duplicated", "reordered", "corrupted", "held", "injected", "kernel_queue_dropped", "kernel_user_dropped", "escaped"];
        Assert.All(keys, key => Assert.Equal(0, Number(summary, key)));
        Assert.Equal(200 - lost, loopback.Arrived().Count);
        string after = loopback.SaveTables("iptables-nft") + loopback.SaveTables("iptables-legacy");
        Assert.DoesNotContain("INTERCEPTOR-", before + after, StringComparison.Ordinal);
    }

    [Fact]
    public void A_killed_run_leaves_rules_that_cleanup_removes_once()
    {
        using var loopback = new LoopbackQueue();
        using Process child = Start(loopback, "intercept", "--quiet", "--drop", $"udp dst port {loopback.Port}");
        Guard(child).Kill();
        child.Kill();
        child.WaitForExit();
        Assert.Contains("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);

        // Closed: nobody listens, so nothing passes until the rules are gone.
        loopback.Send(1);
        Assert.Empty(loopback.Arrived());
        ChildResult first = Cli(loopback, "cleanup", "--json");
        Assert.Equal(0, first.ExitCode);
        Assert.True(Number(Parse(first.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]), "removed") > 0, first.Output + first.Error);
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables() + loopback.SaveTables("ip6tables"), StringComparison.Ordinal);
        ChildResult second = Cli(loopback, "cleanup");
        Assert.Equal(0, second.ExitCode);
        Assert.StartsWith("nothing to clean up", second.Output, StringComparison.Ordinal);
        loopback.Send(1, from: 8);
        Assert.Equal([8], loopback.Arrived());
    }

    [Theory]
    [InlineData("--drop")]
    [InlineData("--delay=30s")]
    public void A_killed_run_is_cleaned_up_by_its_guard(string action)
    {
        using var loopback = new LoopbackQueue();
        using Process child = Start(loopback, "intercept", "--quiet", "--hook", "input", action, $"udp dst port {loopback.Port}");
        using Process guard = Guard(child);
        Assert.Contains("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);
        loopback.Send(500);
        foreach (string signal in new[] { "INT", "TERM", "HUP" })
        {
            Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "kill", $"-{signal}", $"{guard.Id}").ExitCode);
        }

        child.Kill();
        Assert.Contains("ended without removing its firewall rules: they are removed now", child.StandardError.ReadToEnd(), StringComparison.Ordinal);
        Assert.True(guard.WaitForExit(Deadline));
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables() + loopback.SaveTables("ip6tables"), StringComparison.Ordinal);

        // What was held is gone with its queue, and what comes now passes.
        loopback.Send(1, from: 1000);
        Assert.Equal([1000], loopback.Arrived());
    }

    [Fact]
    public void What_the_kernel_drops_is_told_while_it_runs_and_counted_at_the_end()
    {
        using var loopback = new LoopbackQueue();
        using Process child = Start(
            loopback, "intercept", "--json", "--quiet", "--hook", "input", "--queue-length", "10", "--delay", "60s", $"udp dst port {loopback.Port}");
        loopback.Send(100);
        long told = 0;
        while (told < 90)
        {
            // More than one line where a look falls between them.
            string line = child.StandardError.ReadLine()!;
            Assert.EndsWith(" packets: the queue was full. Let more wait with --queue-length, or less with a narrower filter or a shorter delay.", line, StringComparison.Ordinal);
            told += long.Parse(line.Split(' ')[4], System.Globalization.CultureInfo.InvariantCulture);
        }

        Assert.Equal(90, told);
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "kill", "-TERM", $"{child.Id}").ExitCode);
        JsonElement summary = Parse(child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.True(child.WaitForExit(Deadline));
        Assert.Equal((10, 10, 90, 0), (Number(summary, "received"), Number(summary, "accepted"), Number(summary, "kernel_queue_dropped"), Number(summary, "escaped")));
        Assert.Equal(Enumerable.Range(0, 10), loopback.Arrived());
    }

    [Fact]
    public void A_run_that_ends_takes_its_guard_along()
    {
        using var loopback = new LoopbackQueue();
        using Process child = Start(loopback, "intercept", "--quiet", $"udp dst port {loopback.Port}");
        using Process guard = Guard(child);
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "kill", "-TERM", $"{child.Id}").ExitCode);
        string said = child.StandardError.ReadToEnd();
        Assert.True(child.WaitForExit(Deadline) && guard.WaitForExit(Deadline));
        Assert.Equal(0, child.ExitCode);
        Assert.DoesNotContain("ended without", said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_recorded_run_has_each_packet_with_its_verdict()
    {
        using var loopback = new LoopbackQueue();
        string path = Path.Combine(Path.GetTempPath(), $"intercept-{Guid.NewGuid():N}.pcapng");
        try
        {
            using Process child = Start(loopback, "intercept", "--hook", "output", "-c", "20", "--loss", "50%", "--corrupt", "50%", "--seed", "1", "-w", path, $"udp dst port {loopback.Port}");
            loopback.Send(20);
            Assert.True(child.WaitForExit(Deadline));
            Assert.Equal(0, child.ExitCode);
            using CaptureFileReader reader = CaptureFile.OpenRead(path);
            var verdicts = new List<(ulong Id, string Comment, ulong Verdict)>();
            byte[] last = [];
            while (reader.TryRead(out CapturedPacket packet))
            {
                PcapNgPacketOptions options = reader.ReadPacketOptions();
                Assert.Equal((PcapNgVerdictSource.LinuxTrafficControl, PacketDirection.Outbound), (options.Verdict!.Value.Source, options.Direction));
                string[] comment = options.Comment!.Split('\n');
                verdicts.Add((options.PacketId!.Value, comment[0], options.Verdict.Value.Value));
                byte[] bytes = packet.Data.ToArray();
                if (options.Comment!.StartsWith("what went on", StringComparison.Ordinal))
                {
                    Assert.Equal(1, last.Zip(bytes).Sum(pair => System.Numerics.BitOperations.PopCount((uint)(pair.First ^ pair.Second))));
                }
                else
                {
                    Assert.True(packet.Parse().TryGetFlow(out FlowKey flow));
                    Assert.Equal(loopback.Port, flow.Destination.Port);
                    Assert.Equal("out lo, uid 0", comment[1]);
                }

                last = bytes;
            }

            Assert.Equal($"udp dst port {loopback.Port}", reader.Interfaces[0].Filter);
            Assert.Equal(20, verdicts.Select(verdict => verdict.Id).Distinct().Count());
            int dropped = verdicts.Count(verdict => verdict.Comment == "verdict: drop" && verdict.Verdict == 2);
            int changed = verdicts.Count(verdict => verdict.Comment == "verdict: accept with a bit turned over" && verdict.Verdict == 2);
            int passed = verdicts.Count(verdict => verdict.Comment == "verdict: accept" && verdict.Verdict == 0);
            Assert.Equal((20, changed), (dropped + changed + passed, verdicts.Count - 20));
            Assert.True(dropped > 0 && changed > 0 && passed > 0, string.Join('\n', verdicts));
            Assert.Equal(passed, loopback.Arrived().Count);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Over loopback each packet is taken twice, and is one of its connection.</summary>
    [Theory]
    [InlineData("both")]
    [InlineData("input")]
    public void Connections_are_told_at_the_end_with_each_packet_once(string hook)
    {
        using var loopback = new LoopbackQueue();
        using Socket listener = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        using Process child = Start(loopback, "intercept", "--quiet", "--json", "--connections", "--hook", hook, $"tcp port {port}");
        using (Socket client = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)))
        {
            client.Connect(listener.LocalEndPoint!);
            using Socket server = listener.Accept();
            client.Send(new byte[5000]);
            client.Shutdown(SocketShutdown.Send);
            byte[] buffer = new byte[10000];
            while (server.Receive(buffer) > 0)
            {
            }

            server.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, client.Receive(buffer));
        }

        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "kill", "-TERM", $"{child.Id}").ExitCode);
        string[] lines = child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["connection", "summary"], lines.Select(line => Parse(line).GetProperty("type").GetString()!));
        JsonElement connection = Parse(lines[0]);
        JsonElement sent = connection.GetProperty("client_to_server");
        Assert.Equal(("handshake", "fin"), (connection.GetProperty("opened").GetString(), connection.GetProperty("closed").GetString()));
        Assert.Equal(port, Number(connection.GetProperty("server"), "port"));
        Assert.Equal((5000, 5000, 0), (Number(sent, "payload_bytes"), Number(sent, "stream_bytes"), Number(sent, "retransmissions")));
        long packets = Number(sent, "packets") + Number(connection.GetProperty("server_to_client"), "packets");
        Assert.Equal(packets * (hook == "both" ? 2 : 1), Number(Parse(lines[1]), "received"));
    }

    [Fact]
    public void Wrong_usage_is_said_before_anything_is_installed()
    {
        using var loopback = new LoopbackQueue();
        Assert.Equal(2, Cli(loopback, "intercept", "tcp prt 80").ExitCode);
        Assert.Equal(2, Cli(loopback, "intercept", "--hook", "sideways").ExitCode);
        Assert.Equal(2, Cli(loopback, "intercept", "--loss", "150%").ExitCode);
        Assert.Equal(2, Cli(loopback, "intercept", "--on-failure", "maybe").ExitCode);
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_neither_iptables_nor_nft_can_queue_both_reasons_are_told()
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool("nft");
        using var tools = new ReplacedTools();
        tools.Replace("iptables-restore", "echo 'unknown option --queue-num' >&2; exit 2");
        tools.Replace("nft", "echo 'Could not process rule: No such file or directory' >&2; exit 1");
        ChildResult result = tools.Run(loopback.Namespace, "intercept", "--hook", "input", "udp");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("With iptables: iptables-restore -w --noflush failed with status 2: unknown option --queue-num", result.Error, StringComparison.Ordinal);
        Assert.Contains("With nft: nft -f - failed with status 1: Could not process rule: No such file or directory", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_kernel_can_not_run_the_filter_it_is_applied_here()
    {
        using var loopback = new LoopbackQueue();
        using var tools = new ReplacedTools();
        foreach (string tool in new[] { "iptables-restore", "ip6tables-restore" })
        {
            tools.Replace(tool, $"input=$(cat); case \"$input\" in *'-m bpf'*) echo 'no bpf' >&2; exit 2;; esac; printf '%s\\n' \"$input\" | exec /usr/sbin/{tool} \"$@\"");
        }

        using Process child = Started(tools.Start(loopback.Namespace, "intercept", "--json", "-q", "--hook", "input", "--drop", $"udp dst port {loopback.Port}"), out string said);
        Assert.Contains("every packet comes to us, and is filtered here", said, StringComparison.Ordinal);
        using var other = loopback.Namespace.Run(() => new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp));
        other.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        loopback.Sender.SendTo([1], other.LocalEndPoint!);
        loopback.Send(3);
        LoopbackQueue.Until(() => other.Available > 0, "the packet that does not match did not pass");
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "kill", "-TERM", $"{child.Id}").ExitCode);
        JsonElement summary = Parse(child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Equal((4, 3, 1, 1), (Number(summary, "received"), Number(summary, "dropped"), Number(summary, "accepted"), Number(summary, "unmatched")));
        Assert.Empty(loopback.Arrived());
    }

    /// <summary>This kernel may have no queue statement for nft: its place is taken by one that lets packets pass, so that they are counted as escaped.</summary>
    [Theory]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public void Where_iptables_can_not_queue_nft_does_and_its_table_is_gone_at_the_end(string signal)
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool("nft");
        using var tools = new ReplacedTools();
        string given = tools.PathOf("given");
        tools.Replace("iptables-restore", "echo 'unknown option --queue-num' >&2; exit 2");
        tools.Replace("nft", $"if [ \"$1\" = -f ]; then tee -a {given} | sed 's/queue num [0-9-]*/accept/' | exec /usr/sbin/nft -f -; else exec /usr/sbin/nft \"$@\"; fi");
        using Process child = Started(
            tools.Start(loopback.Namespace, "intercept", "--json", "-q", "--queue", "60-63", "--hook", "input", "--drop", "udp", "dst", "port", $"{loopback.Port}", "and", "less", "100"), out string said);
        using Process guard = Guard(child);
        Assert.Contains($"what matches 'meta l4proto udp udp dport {loopback.Port}' comes to us", said, StringComparison.Ordinal);
        Assert.Contains($"rules in place: inet interceptor-{child.Id}-", said, StringComparison.Ordinal);
        Assert.Contains($"meta l4proto udp udp dport {loopback.Port} meta mark != 0x49435054 counter queue num 60-63 comment", File.ReadAllText(given), StringComparison.Ordinal);
        loopback.Send(5);
        Assert.Equal(Enumerable.Range(0, 5), loopback.Arrived());
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "kill", $"-{signal}", $"{child.Id}").ExitCode);
        string output = child.StandardOutput.ReadToEnd();
        Assert.True(child.WaitForExit(Deadline) && guard.WaitForExit(Deadline));
        Assert.Equal("", ChildProcess.Run(loopback.Namespace, "nft", "list", "tables").Output);
        if (signal == "TERM")
        {
            JsonElement summary = Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
            Assert.Equal((0, 5), (Number(summary, "received"), Number(summary, "escaped")));
        }
    }

    [Fact]
    public void Rules_that_we_can_not_remove_are_removed_by_the_guard()
    {
        using var loopback = new LoopbackQueue();
        using var tools = new ReplacedTools();
        string broken = tools.PathOf("broken");
        tools.Replace("iptables-restore", $"if [ -e {broken} ] && ! grep -aq guard /proc/$PPID/cmdline; then echo 'out of order' >&2; exit 1; fi; exec /usr/sbin/iptables-restore \"$@\"");
        using Process child = Started(tools.Start(loopback.Namespace, "intercept", "-q", "--hook", "input", "--delay", "1h", $"udp dst port {loopback.Port}"), out _);
        using Process guard = Guard(child);
        loopback.Send(50);
        File.WriteAllText(broken, "");
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "kill", "-TERM", $"{child.Id}").ExitCode);
        string said = child.StandardError.ReadToEnd();
        Assert.True(child.WaitForExit(Deadline) && guard.WaitForExit(Deadline));
        Assert.Equal(1, child.ExitCode);
        Assert.Contains("out of order", said, StringComparison.Ordinal);
        Assert.Contains("ended without removing its firewall rules: they are removed now", said, StringComparison.Ordinal);
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables() + loopback.SaveTables("ip6tables"), StringComparison.Ordinal);

        // What was held went on before.
        Assert.Equal(Enumerable.Range(0, 50), loopback.Arrived());
    }

    [Theory]
    [InlineData("5-")]
    [InlineData("8-5")]
    [InlineData("65536")]
    [InlineData("1-2-3")]
    [InlineData("1-65")]
    public void A_range_of_queues_that_is_none_is_wrong_usage(string range)
    {
        using var loopback = new LoopbackQueue();
        ChildResult result = Cli(loopback, "intercept", "--queue", range);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--queue", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_range_of_queues_is_named_and_each_packet_tells_its_queue()
    {
        using var loopback = new LoopbackQueue();
        using var senders = new SenderCrowd(loopback, 64);
        using Process child = Started(
            ChildProcess.Start(loopback.Namespace, "dotnet", CliProcess.AssemblyPath, "intercept", "--json", "--queue", "50-53", "--hook", "input", "-c", "64", $"udp dst port {loopback.Port}"),
            out string said);
        Assert.Contains("queues 50-53, on failure open", said, StringComparison.Ordinal);
        Assert.Contains("--queue-balance 50:53 --queue-bypass", loopback.SaveTables(), StringComparison.Ordinal);
        senders.Send(1);
        JsonElement[] lines = [.. child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
        Assert.True(child.WaitForExit(Deadline));
        Assert.Equal([50, 51, 52, 53], lines[..^1].Select(line => Number(line, "queue")).Distinct().Order());
        Assert.Equal(64, Number(lines[^1], "accepted"));
    }

    private static Process Guard(Process child)
    {
        string children = File.ReadAllText($"/proc/{child.Id}/task/{child.Id}/children");
        foreach (string task in Directory.EnumerateDirectories($"/proc/{child.Id}/task"))
        {
            children += " " + File.ReadAllText(Path.Combine(task, "children"));
        }

        foreach (string pid in children.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (File.ReadAllText($"/proc/{pid}/cmdline").Contains("\0guard\0", StringComparison.Ordinal))
            {
                return Process.GetProcessById(int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        Assert.Fail("there is no guard");
        return child;
    }

    private static ChildResult Cli(LoopbackQueue loopback, params string[] arguments) =>
        ChildProcess.Run(loopback.Namespace, "dotnet", [CliProcess.AssemblyPath, .. arguments]);

    /// <summary>Starts the tool in the namespace and returns when its rules are in place.</summary>
    private static Process Start(LoopbackQueue loopback, params string[] arguments) =>
        Started(ChildProcess.Start(loopback.Namespace, "dotnet", [CliProcess.AssemblyPath, .. arguments]), out _);

    /// <summary>Returns when its rules are in place, with what it had said by then.</summary>
    private static Process Started(Process child, out string said)
    {
        said = "";
        while (child.StandardError.ReadLine() is { } line)
        {
            said += line + "\n";
            if (line.Contains("rules in place", StringComparison.Ordinal))
            {
                return child;
            }
        }

        Assert.Fail($"it ended before its rules were in place: {said}");
        return child;
    }

    private static JsonElement Parse(string line) => JsonDocument.Parse(line).RootElement;

    private static long Number(JsonElement element, string key) => element.GetProperty(key).GetInt64();
}
