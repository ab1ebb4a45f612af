using Interceptor.Cli.Demo;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Demo;

public sealed class RestoreDemoTests
{
    private const long Bytes = 8 * 1024 * 1024;

    [Fact]
    public void The_connection_moves_twice_as_well_as_once()
    {
        foreach (int round in (ReadOnlySpan<int>)[1, 2])
        {
            RestoreDemoReport report = Run(new RestoreDemoOptions(Bytes), out _);
            Assert.Null(report.Error);
            Assert.True(report.Succeeded, $"round {round}: {report}");
            Assert.Equal(report.ClientSha256, report.ServerSha256);
            Assert.True(report.Offsets.Read is > 0 and < Bytes, $"The upload went on at byte {report.Offsets.Read}.");
            Assert.True(report.Offsets.Written is > 0 and <= Bytes, $"The download went on at byte {report.Offsets.Written}.");
            Assert.True(report.ImageBytes > report.Queues.Unread + report.Queues.InFlight + report.Queues.Unsent, "The image has the queues.");
            Assert.Equal(report.Incoming.Held, report.Incoming.Reinjected);
            Assert.True(report.FreezeMilliseconds > 0);
            Assert.True(report.FreezeMilliseconds >= report.Steps.Where(step => step.IsFrozen).Sum(step => step.Milliseconds) * 0.99);
        }
    }

    [Theory]
    [InlineData(1, "deliver")]
    [InlineData(2, "send")]
    [InlineData(3, "send")]
    public void A_new_server_that_dies_before_the_handover_fails_the_demo(int act, string step)
    {
        RestoreDemoReport report = Run(new RestoreDemoOptions(Bytes) { BeforeMove = peers => peers.NewServer.Kill() }, out int[] processes, act);
        Assert.False(report.Succeeded);
        Assert.NotNull(report.Error);
        Assert.Contains(step, report.Error, StringComparison.Ordinal);
        AssertGone(processes);
    }

    [Fact]
    public void The_connection_goes_on_from_its_packets_where_the_server_left_off()
    {
        RestoreDemoReport report = Run(new RestoreDemoOptions(Bytes), out _, act: 3);
        Assert.Null(report.Error);
        Assert.True(report.Succeeded, report.ToString());
        Assert.True(report.Offsets.Read is > 0 and < Bytes, $"The upload went on at byte {report.Offsets.Read}.");
        Assert.True(report.Queues.Unread > 0, "What the dead server had not stored comes from the capture.");
        Assert.True(report.FreezeMilliseconds >= report.Steps.Where(step => step.IsFrozen).Sum(step => step.Milliseconds) * 0.99);
    }

    [Fact]
    public void An_old_server_that_is_gone_fails_the_demo()
    {
        RestoreDemoReport report = Run(new RestoreDemoOptions(Bytes) { BeforeMove = peers => peers.Server.Kill() }, out int[] processes);
        Assert.False(report.Succeeded);
        Assert.NotNull(report.Error);
        Assert.Contains("find", report.Error, StringComparison.Ordinal);
        AssertGone(processes);
    }

    [Fact]
    public void A_client_that_is_gone_fails_the_demo()
    {
        RestoreDemoReport report = Run(new RestoreDemoOptions(Bytes) { BeforeMove = peers => peers.Client.Kill() }, out int[] processes);
        Assert.False(report.Succeeded);
        Assert.NotNull(report.Error);
        AssertGone(processes);
    }

    [Fact]
    public void Hashes_that_differ_are_not_intact()
    {
        var good = new DemoStream(Bytes, "aa", Bytes, "aa");
        var report = new RestoreDemoReport { Bytes = Bytes, Upload = good, Download = good };
        Assert.True(report.Succeeded);
        Assert.False((report with { Upload = good with { ReceivedSha256 = "ab" } }).Succeeded);
        Assert.False((report with { Download = good with { ReceivedBytes = Bytes - 1 } }).Succeeded);
        Assert.NotEqual(report.ClientSha256, (report with { Download = good with { ReceivedSha256 = "ab" } }).ClientSha256);
        Assert.False((report with { ResetsSeen = 1 }).Succeeded);
        Assert.False((report with { FinsSeenWhileFrozen = 1 }).Succeeded);
        Assert.False(new RestoreDemoReport { Bytes = 0 }.Succeeded);
    }

    private static RestoreDemoReport Run(RestoreDemoOptions options, out int[] processes, int act = 1)
    {
        KernelTest.CreateNamespace("probe").Dispose();
        KernelTest.RequireTool("iptables");
        int[] started = [];
        options = options with
        {
            BeforeMove = Chain(peers => started = [peers.Client.Pid, peers.Server.Pid, peers.NewServer.Pid], options.BeforeMove),
        };
        using DemoAct demo = act switch
        {
            1 => new RestoreDemo(options, _ => { }),
            2 => new TakeoverDemo(options, _ => { }),
            _ => new CaptureDemo(options, _ => { }),
        };
        RestoreDemoReport report = demo.Run(TestContext.Current.CancellationToken);
        processes = started;
        return report;
    }

    private static Action<DemoPeers> Chain(Action<DemoPeers> first, Action<DemoPeers>? second) => peers =>
    {
        first(peers);
        second?.Invoke(peers);
    };

    private static void AssertGone(int[] processes)
    {
        Assert.Equal(3, processes.Length);
        Assert.DoesNotContain(processes, pid => Directory.Exists($"/proc/{pid}"));
    }
}
