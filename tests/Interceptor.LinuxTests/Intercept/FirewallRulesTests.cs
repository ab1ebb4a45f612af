using System.Diagnostics;
using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

public sealed class FirewallRulesTests
{
    [Theory]
    [InlineData(FirewallBackend.Legacy, "iptables-legacy")]
    [InlineData(FirewallBackend.Nft, "iptables-nft")]
    public void Foreign_rules_are_the_same_before_and_after(FirewallBackend backend, string tool)
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool(tool);
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, tool, "-t", "mangle", "-A", "INPUT", "-s", "192.0.2.7", "-m", "comment", "--comment", "a foreign rule", "-j", "ACCEPT").ExitCode);
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, tool, "-A", "OUTPUT", "-d", "192.0.2.9", "-j", "DROP").ExitCode);
        string before = loopback.SaveTables(tool);
        using (FirewallRules rules = loopback.Install(backend: backend))
        {
            string during = loopback.SaveTables(tool);
            Assert.Contains(rules.Owner.ToString(), during, StringComparison.Ordinal);
            Assert.Contains("--queue-num 41", during, StringComparison.Ordinal);
            rules.Remove();
            rules.Remove();
        }

        Assert.Equal(before, loopback.SaveTables(tool));
    }

    [Theory]
    [InlineData(FirewallBackend.Legacy)]
    [InlineData(FirewallBackend.Nft)]
    public void The_kernel_runs_the_filter_and_counts(FirewallBackend backend)
    {
        using var loopback = new LoopbackQueue();
        PacketFilter filter = PacketFilter.Compile($"udp dst port {loopback.Port} and less 100", LinkType.Raw);
        Assert.True(FirewallMatch.TryFromFilter(filter, out FirewallMatch match));
        using FirewallRules rules = FirewallRules.Install(
            [new FirewallRule(FirewallHook.Input, match, FirewallTarget.Drop)], new FirewallOptions { Namespace = loopback.Namespace, Backend = backend });
        loopback.Send(7);
        loopback.Sender.Send(new byte[500]);
        Assert.Single(loopback.Arrived());

        // The rule is there for both IP versions.
        Assert.Equal([7, 0], rules.ReadCounters());
        Assert.Equal(7, rules.Remove());
        loopback.Send(2);
        Assert.Equal([0, 1], loopback.Arrived());
    }

    [Fact]
    public void A_tool_of_the_firewall_is_deaf_to_the_signals_that_end_us()
    {
        using Process tool = FirewallTool.Start(new ProcessStartInfo("grep", "SigBlk: /proc/self/status") { RedirectStandardOutput = true });
        ulong blocked = ulong.Parse(tool.StandardOutput.ReadToEnd().Split('\t')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        tool.WaitForExit();
        const ulong HangupInterruptQuitTerminate = 0x4007;
        Assert.Equal(HangupInterruptQuitTerminate, blocked & HangupInterruptQuitTerminate);
        using Process other = Process.Start(new ProcessStartInfo("grep", "SigBlk: /proc/self/status") { RedirectStandardOutput = true })!;
        Assert.EndsWith("0000000000000000", other.StandardOutput.ReadToEnd().TrimEnd(), StringComparison.Ordinal);
        other.WaitForExit();
    }

    [Fact]
    public void A_marked_packet_passes_by()
    {
        using var loopback = new LoopbackQueue();
        using FirewallRules rules = FirewallRules.Install(
            [new FirewallRule(FirewallHook.Input, new FirewallMatch { Flow = loopback.Flow, ExceptMark = FirewallMatch.OwnMark }, FirewallTarget.Drop)],
            new FirewallOptions { Namespace = loopback.Namespace });
        loopback.Send(1);
        const int SolSocket = 1;
        const int SoMark = 36;
        loopback.Sender.SetRawSocketOption(SolSocket, SoMark, BitConverter.GetBytes(FirewallMatch.OwnMark));
        loopback.Send(1, from: 9);
        Assert.Equal([9], loopback.Arrived());
    }

    [Fact]
    public void A_failed_install_leaves_nothing_and_names_the_command()
    {
        using var loopback = new LoopbackQueue();
        FirewallException exception = Assert.Throws<FirewallException>(() => FirewallRules.Install(
            [
                new FirewallRule(FirewallHook.Input, FirewallMatch.All, FirewallTarget.Drop),

                // Two instructions said, one given.
                new FirewallRule(FirewallHook.Input, new FirewallMatch { Bytecode = "2,6 0 0 1" }, FirewallTarget.Drop),
            ],
            new FirewallOptions { Namespace = loopback.Namespace }));
        Assert.Contains("iptables-restore", exception.Command, StringComparison.Ordinal);
        Assert.Contains("bpf", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables() + loopback.SaveTables("ip6tables"), StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_of_a_living_process_are_kept_and_those_of_a_dead_one_are_removed()
    {
        using var loopback = new LoopbackQueue();
        using FirewallRules living = loopback.Install();
        using Process child = ChildProcess.Start(loopback.Namespace, "sleep", "60");
        ulong start = Interceptor.Interop.ProcessIdentity.StartTimeOf(child.Id)!.Value;
        child.Kill();
        child.WaitForExit();
        InstallFor(loopback, new FirewallOwner(child.Id, start, null), child.Id);

        FirewallCleanupReport report = FirewallCleanup.Run(includeLocks: false, loopback.Namespace);
        Assert.Equal($"INTERCEPTOR-{child.Id}-abcdeI", Assert.Single(report.Removed).Name);
        Assert.Equal(living.Owner, Assert.Single(report.Kept).Owner);

        // A process that has the number of one that is gone is not that process.
        InstallFor(loopback, new FirewallOwner(Environment.ProcessId, 1, null), Environment.ProcessId);
        Assert.Single(FirewallCleanup.Run(includeLocks: false, loopback.Namespace).Removed);
        Assert.Empty(FirewallCleanup.Run(includeLocks: false, loopback.Namespace).Removed);
    }

    [Fact]
    public void A_lock_outlives_its_owner_until_it_is_asked_for()
    {
        using var loopback = new LoopbackQueue();
        loopback.Install(lockId: "session-1").Dispose();
        loopback.Install(lockId: "session-2").Dispose();
        Assert.Equal(2, FirewallCleanup.Run(includeLocks: false, loopback.Namespace).Kept.Count);
        Assert.Equal("session-1", Assert.Single(FirewallCleanup.RemoveLock("session-1", loopback.Namespace).Removed).Owner.LockId);
        Assert.Equal("session-2", Assert.Single(FirewallCleanup.Run(includeLocks: true, loopback.Namespace).Removed).Owner.LockId);
        Assert.Empty(FirewallCleanup.Run(includeLocks: true, loopback.Namespace).Removed);
    }

    [Fact]
    public void Removing_what_someone_else_flushed_is_no_error()
    {
        using var loopback = new LoopbackQueue();
        using FirewallRules rules = loopback.Install();
        Assert.Equal(0, ChildProcess.Run(loopback.Namespace, "iptables", "-t", "mangle", "-F").ExitCode);
        rules.Detach();
        Assert.Equal(0, rules.Remove());
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);
    }

    private static void InstallFor(LoopbackQueue loopback, FirewallOwner owner, int pid)
    {
        string script = FirewallScript.Install(
            [new FirewallRule(FirewallHook.Input, new FirewallMatch { Flow = loopback.Flow }, FirewallTarget.Drop)], 4, pid, "abcde", owner);
        Assert.Contains(pid.ToString(CultureInfo.InvariantCulture), script, StringComparison.Ordinal);
        new FirewallTool(FirewallBackend.System, 4, loopback.Namespace).Restore(script);
    }
}
