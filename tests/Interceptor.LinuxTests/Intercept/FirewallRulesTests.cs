using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
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
        using Process tool = FirewallCommand.Start(new ProcessStartInfo("grep", "SigBlk: /proc/self/status") { RedirectStandardOutput = true }, "grep");
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

    [Fact]
    public void Rules_of_nft_drop_count_detach_and_leave_foreign_rules_as_they_are()
    {
        using var loopback = new LoopbackQueue();
        Nft(loopback, "add table inet foreign ; add chain inet foreign c { type filter hook input priority 0 ; } ; add rule inet foreign c ip saddr 192.0.2.7 counter drop");
        string before = Nft(loopback, "list ruleset");
        using FirewallRules rules = InstallNft(loopback, FirewallTarget.Drop);
        Assert.Equal(FirewallBackend.Nftables, rules.Backend);
        Assert.Contains(rules.Owner.ToString(), Nft(loopback, "list ruleset"), StringComparison.Ordinal);
        loopback.Send(7);
        Assert.Empty(loopback.Arrived());
        Assert.Equal([7], rules.ReadCounters());
        rules.Detach();
        loopback.Send(2);
        Assert.Equal([0, 1], loopback.Arrived());
        Assert.Equal([7], rules.ReadCounters());
        Assert.True(rules.AreInstalled);
        Assert.Equal(7, rules.Remove());
        Assert.Equal((false, 0), (rules.AreInstalled, rules.Leftovers.Count));
        Assert.Equal(before, Nft(loopback, "list ruleset"));
    }

    [Fact]
    public void A_marked_packet_passes_by_the_rules_of_nft()
    {
        using var loopback = new LoopbackQueue();
        using FirewallRules rules = InstallNft(loopback, FirewallTarget.Drop, FirewallMatch.OwnMark);
        const int SolSocket = 1;
        const int SoMark = 36;
        loopback.Send(1);
        loopback.Sender.SetRawSocketOption(SolSocket, SoMark, BitConverter.GetBytes(FirewallMatch.OwnMark));
        loopback.Send(1, from: 9);
        Assert.Equal([9], loopback.Arrived());
    }

    [Fact]
    public void Base_chains_of_nft_stay_while_another_queue_holds_packets()
    {
        using var loopback = new LoopbackQueue();
        using InterceptionQueue other = loopback.OpenQueue();
        using FirewallRules otherRules = loopback.Install();
        loopback.Send(20);
        var kept = new List<InterceptedPacket>();
        LoopbackQueue.Drive(other, 20, packet => kept.Add(packet.Keep()));

        using FirewallRules rules = InstallNft(loopback, FirewallTarget.Drop);
        rules.Remove();
        Assert.EndsWith("/input", Assert.Single(rules.Leftovers), StringComparison.Ordinal);
        Assert.Equal(20, other.ReadKernelCounters()!.Value.Waiting);
        Assert.Single(FirewallCleanup.RemoveOwner(rules.Owner, loopback.Namespace).Kept, chain => chain.Backend == FirewallBackend.Nftables);
        kept.ForEach(packet => packet.Accept());
        other.FlushVerdicts();
        Assert.Equal(Enumerable.Range(0, 20), loopback.Arrived());

        // Once nobody has a queue the rest goes.
        otherRules.Remove();
        other.Dispose();
        Assert.Single(FirewallCleanup.RemoveOwner(rules.Owner, loopback.Namespace).Removed);
        Assert.DoesNotContain("interceptor-", Nft(loopback, "list tables"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_of_nft_that_a_dead_process_left_is_removed()
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool("nft");
        var dead = new FirewallOwner(Environment.ProcessId, 1, null);
        new NftTool(loopback.Namespace).Install(
            [new FirewallRule(FirewallHook.Input, new FirewallMatch { Flow = loopback.Flow }, FirewallTarget.Drop)], new FirewallNames(Environment.ProcessId, "abcde"), dead);
        loopback.Send(1);
        Assert.Empty(loopback.Arrived());
        FirewallChain removed = Assert.Single(FirewallCleanup.Run(includeLocks: false, loopback.Namespace).Removed);
        Assert.Equal((dead, 1L), (removed.Owner, Assert.Single(removed.Rules).Packets));
        loopback.Send(1, from: 5);
        Assert.Equal([5], loopback.Arrived());
        Assert.Empty(FirewallCleanup.Run(includeLocks: false, loopback.Namespace).Removed);
    }

    /// <summary>Where the kernel has no queue statement for nft, that is all that it has against the text.</summary>
    [Fact]
    public void The_kernel_understands_the_text_for_nft()
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool("nft");
        var tool = new NftTool(loopback.Namespace);
        string script = NftScript.Install(
            [
                new FirewallRule(FirewallHook.Output, new FirewallMatch { Flow = loopback.Flow, ExceptMark = 7 }, FirewallTarget.ToQueue(5, bypass: true, count: 4, fanOut: true)),
                new FirewallRule(FirewallHook.Input, FirewallMatch.All, FirewallTarget.ToQueue(5, bypass: false)),
            ],
            "interceptor-1-2-abcde", FirewallOwner.Current);
        try
        {
            tool.Check(script);
        }
        catch (FirewallException exception)
        {
            Assert.Equal(2, exception.Message.Split("Error: Could not process rule: No such file or directory").Length - 1);
            Assert.Equal(2, exception.Message.Split("Error: ").Length - 1);
            Assert.DoesNotContain("syntax error", exception.Message, StringComparison.Ordinal);
        }

        Assert.Contains("syntax error", Assert.Throws<FirewallException>(() => tool.Check(script.Replace("bypass,fanout", "sometimes", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Equal("", Nft(loopback, "list tables"));
    }

    [Fact]
    public void Nft_takes_the_part_of_a_filter_that_it_can_say()
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool("nft");
        using Socket other = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.True(FirewallMatch.TryFromFilter(PacketFilter.Compile($"udp dst port {loopback.Port} and src host 127.0.0.1 and greater 1000", LinkType.Raw), out FirewallMatch match));
        using FirewallRules rules = FirewallRules.Install(
            [new FirewallRule(FirewallHook.Input, match, FirewallTarget.Drop)],
            new FirewallOptions { Namespace = loopback.Namespace, Backend = FirewallBackend.Nftables, MayTakeMore = true });
        Assert.Equal($"meta l4proto udp udp dport {loopback.Port} ip saddr 127.0.0.1", rules.KernelFilter);
        Assert.True(rules.TakesMore);
        loopback.Send(3);
        loopback.Sender.SendTo([1], other.LocalEndPoint!);
        Assert.Equal(1, other.Receive(new byte[8]));
        Assert.Empty(loopback.Arrived());
        Assert.Equal([3], rules.ReadCounters());
    }

    [Fact]
    public void A_program_is_not_left_out_unless_the_caller_looks_again()
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool("nft");
        Assert.True(FirewallMatch.TryFromFilter(PacketFilter.Compile("udp", LinkType.Raw), out FirewallMatch match));
        FirewallRule[] rules = [new FirewallRule(FirewallHook.Input, match, FirewallTarget.Drop)];
        var options = new FirewallOptions { Namespace = loopback.Namespace, Backend = FirewallBackend.Nftables };
        Assert.Contains("can't run a filter's program", Assert.Throws<FirewallException>(() => FirewallRules.Install(rules, options)).Message, StringComparison.Ordinal);
        using FirewallRules installed = FirewallRules.Install(rules, options with { MayTakeMore = true });
        Assert.True(installed.TakesMore);
    }

    private static FirewallRules InstallNft(LoopbackQueue loopback, FirewallTarget target, uint? exceptMark = null)
    {
        KernelTest.RequireTool("nft");
        return FirewallRules.Install(
            [new FirewallRule(FirewallHook.Input, new FirewallMatch { Flow = loopback.Flow, ExceptMark = exceptMark }, target)],
            new FirewallOptions { Namespace = loopback.Namespace, Backend = FirewallBackend.Nftables });
    }

    private static string Nft(LoopbackQueue loopback, string command)
    {
        KernelTest.RequireTool("nft");
        ChildResult result = ChildProcess.Run(loopback.Namespace, "nft", command);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }

    private static void InstallFor(LoopbackQueue loopback, FirewallOwner owner, int pid)
    {
        string script = FirewallScript.Install(
            [new FirewallRule(FirewallHook.Input, new FirewallMatch { Flow = loopback.Flow }, FirewallTarget.Drop)], 4, new FirewallNames(pid, "abcde"), owner);
        Assert.Contains(pid.ToString(CultureInfo.InvariantCulture), script, StringComparison.Ordinal);
        new FirewallTool(FirewallBackend.System, 4, loopback.Namespace).Restore(script);
    }
}
