using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>An interception that is stopped, killed or ends, with packets waiting.</summary>
public sealed class StoppedRunTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public void Every_packet_of_ten_seconds_in_which_it_was_stopped_is_accounted()
    {
        const int Bursts = 50;
        const int Burst = 40;
        using var loopback = new LoopbackQueue();
        using var child = new RunningCommand(loopback.Namespace, "intercept", "--json", "-q", "--hook", "input", "--delay", "5ms", $"udp dst port {loopback.Port}");
        loopback.Send(Burst);
        child.Signal("STOP");
        LoopbackQueue.Until(() => File.ReadAllText($"/proc/{child.Process.Id}/stat").Split(") ")[1][0] == 'T', "it did not stop");
        var arrived = new List<int>();
        for (int i = 1; i <= Bursts; i++)
        {
            loopback.Send(Burst, from: i * Burst);
            Thread.Sleep(200);
        }

        arrived.AddRange(loopback.Arrived());
        Assert.True(arrived.Count <= Burst, "a packet passed while it was stopped");
        child.Signal("CONT");
        LoopbackQueue.Until(
            () =>
            {
                arrived.AddRange(loopback.Arrived());
                return arrived.Count == (Bursts + 1) * Burst;
            },
            "not every packet arrived");
        JsonElement summary = child.Finish("TERM");
        const int All = (Bursts + 1) * Burst;
        Assert.Equal(Enumerable.Range(0, All), arrived);
        Assert.Equal((All, All, All), (Number(summary, "received"), Number(summary, "accepted"), Number(summary, "delayed")));
        Assert.Equal(0, Number(summary, "lost_in_kernel") + Number(summary, "kernel_queue_dropped") + Number(summary, "kernel_user_dropped") + Number(summary, "escaped"));
    }

    [Fact]
    public void A_killed_run_loses_what_it_held_and_its_rules_are_gone_within_five_seconds()
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool("nft");
        Do(loopback, "nft", "add table inet foreign ; add chain inet foreign c { type filter hook input priority 0 ; } ; add rule inet foreign c ip saddr 192.0.2.7 counter drop");
        foreach (string tool in new[] { "iptables", "ip6tables" })
        {
            string address = tool == "iptables" ? "192.0.2.9" : "2001:db8::9";
            Do(loopback, tool, "-t", "mangle", "-A", "INPUT", "-s", address, "-m", "comment", "--comment", "a foreign rule", "-j", "ACCEPT");
            Do(loopback, tool, "-A", "OUTPUT", "-d", address, "-j", "DROP");
        }

        string before = AllRules(loopback);
        using var child = new RunningCommand(loopback.Namespace, "intercept", "--json", "--hook", "input", "--delay", "1h", $"udp dst port {loopback.Port}");
        Assert.NotEqual(before, AllRules(loopback));
        loopback.Send(500);
        for (int i = 0; i < 500; i++)
        {
            Assert.Contains("\"packet\"", child.Process.StandardOutput.ReadLine(), StringComparison.Ordinal);
        }

        long start = Stopwatch.GetTimestamp();
        child.Process.Kill();

        // The guard has the same standard error: its end is the guard's.
        string said = child.Process.StandardError.ReadToEnd();
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Assert.Contains("they are removed now", said, StringComparison.Ordinal);
        Assert.True(took < TimeSpan.FromSeconds(5), $"it took {took}");
        TestContext.Current.SendDiagnosticMessage($"rules of a killed run were removed after {took.TotalMilliseconds:0} ms");
        Assert.Equal(before, AllRules(loopback));
        Assert.Empty(loopback.Arrived());
        loopback.Send(20, from: 500);
        Assert.Equal(Enumerable.Range(500, 20), loopback.Arrived());
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    [InlineData("")]
    public void Nothing_is_held_any_more_when_the_rules_are_touched(string signal)
    {
        using var loopback = new LoopbackQueue();
        using var tools = new ReplacedTools();
        string seen = tools.PathOf("seen");
        tools.Replace("iptables-restore", $"cat /proc/net/netfilter/nfnetlink_queue >> {seen}; exec /usr/sbin/iptables-restore \"$@\"");
        string[] limit = signal.Length == 0 ? ["-c", "60"] : [];
        using var child = new RunningCommand(
            tools.Start(loopback.Namespace, ["intercept", "--json", "--hook", "input", "--delay", "1h", .. limit, $"udp dst port {loopback.Port}"]), loopback.Namespace);
        loopback.Send(60);
        for (int i = 0; i < 60; i++)
        {
            Assert.Contains("\"packet\"", child.Process.StandardOutput.ReadLine(), StringComparison.Ordinal);
        }

        JsonElement summary = child.Finish(signal);
        Assert.Equal((60, 60), (Number(summary, "released"), Number(summary, "accepted")));
        Assert.Equal(Enumerable.Range(0, 60), loopback.Arrived());

        // At the installation, when the jumps go, and when the chains do: one queue, and the third number is what waits.
        string[] looks = File.ReadAllLines(seen);
        Assert.Equal(3, looks.Length);
        Assert.All(looks, line => Assert.Equal("0", line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2]));
    }

    private static void Do(LoopbackQueue loopback, string tool, params string[] arguments)
    {
        ChildResult result = ChildProcess.Run(loopback.Namespace, tool, arguments);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    private static string AllRules(LoopbackQueue loopback) =>
        loopback.SaveTables() + loopback.SaveTables("ip6tables") + ChildProcess.Run(loopback.Namespace, "nft", "list", "ruleset").Output;

    private static long Number(JsonElement element, string key) => element.GetProperty(key).GetInt64();

    private sealed class RunningCommand : IDisposable
    {
        private readonly Interceptor.Interop.NetworkNamespace _network;

        internal RunningCommand(Interceptor.Interop.NetworkNamespace network, params string[] arguments)
            : this(ChildProcess.Start(network, "dotnet", [CliProcess.AssemblyPath, .. arguments]), network)
        {
        }

        /// <summary>Returns when its rules are in place.</summary>
        internal RunningCommand(Process process, Interceptor.Interop.NetworkNamespace network)
        {
            Process = process;
            _network = network;
            string said = "";
            while (!said.Contains("rules in place", StringComparison.Ordinal))
            {
                said += process.StandardError.ReadLine() ?? throw new InvalidOperationException($"it ended before its rules were in place: {said}");
            }
        }

        internal Process Process { get; }

        internal void Signal(string signal) =>
            Assert.Equal(0, ChildProcess.Run(_network, "kill", $"-{signal}", Process.Id.ToString(CultureInfo.InvariantCulture)).ExitCode);

        /// <summary>Ends it, by a signal unless that is empty, and returns its summary.</summary>
        internal JsonElement Finish(string signal)
        {
            if (signal.Length > 0)
            {
                Signal(signal);
            }

            string last = Process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
            Assert.True(Process.WaitForExit(Deadline));
            Assert.Equal(0, Process.ExitCode);
            return JsonDocument.Parse(last).RootElement;
        }

        public void Dispose()
        {
            if (!Process.HasExited)
            {
                Process.Kill();
            }

            Process.Dispose();
        }
    }
}
