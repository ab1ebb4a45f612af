using System.Diagnostics;
using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>Limits and ends of holding, on datagrams of four bytes over loopback.</summary>
public sealed class HoldLimitTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Each packet has 20 bytes of IP, 8 of UDP and 4 of text.</summary>
    [Theory]
    [InlineData("--hold-packets=3", new[] { 0, 1 }, new[] { 2, 3, 4 })]
    [InlineData("--hold-packets=3:drop-oldest", new int[0], new[] { 2, 3, 4 })]
    [InlineData("--hold-packets=3:drop-newest", new int[0], new[] { 0, 1, 2 })]
    [InlineData("--hold-bytes=100", new[] { 0, 1 }, new[] { 2, 3, 4 })]
    [InlineData("--hold-bytes=100:drop-oldest", new int[0], new[] { 2, 3, 4 })]
    [InlineData("--hold-bytes=100:drop-newest", new int[0], new[] { 0, 1, 2 })]
    public void Beyond_a_limit_its_policy_decides(string limit, int[] early, int[] atEnd)
    {
        using var loopback = new LoopbackQueue();
        using var tool = new HoldTool(loopback.Namespace, "--hook", "input", limit, $"udp dst port {loopback.Port}");
        loopback.Send(5);
        tool.AwaitEvent("limit");
        tool.AwaitEvent(limit.EndsWith("newest", StringComparison.Ordinal) ? "dropped" : "held", line => line.GetProperty("id").GetInt64() == 5);
        Assert.Equal(3, tool.Tell("\"command\":\"list\"").GetProperty("count").GetInt32());
        Assert.Equal(early, loopback.Arrived());
        JsonElement summary = tool.End();
        Assert.Equal(atEnd, loopback.Arrived());
        Assert.Equal((5, 5 - early.Length - atEnd.Length), (Number(summary, "held"), Number(summary, "dropped")));
        Assert.Equal(5, Number(summary, "accepted") + Number(summary, "dropped"));
    }

    [Theory]
    [InlineData("--hold-age=200ms", "released", new[] { 0, 1 })]
    [InlineData("--hold-age=200ms:drop-oldest", "dropped", new int[0])]
    public void What_is_held_for_too_long_is_met_by_the_policy(string limit, string fate, int[] arrived)
    {
        using var loopback = new LoopbackQueue();
        using var tool = new HoldTool(loopback.Namespace, "--hook", "input", limit, $"udp dst port {loopback.Port}");
        loopback.Send(2);
        JsonElement gone = tool.AwaitEvent(fate, line => line.GetProperty("id").GetInt64() == 2);
        Assert.Equal("age", gone.GetProperty("reason").GetString());
        Assert.InRange(gone.GetProperty("held_ms").GetDouble(), 200, 1000);
        tool.End();
        Assert.Equal(arrived, loopback.Arrived());
    }

    [Fact]
    public void At_the_end_what_is_held_is_dropped_where_that_was_asked_for()
    {
        using var loopback = new LoopbackQueue();
        using var tool = new HoldTool(loopback.Namespace, "--hook", "input", "--hold-end", "drop", $"udp dst port {loopback.Port}");
        loopback.Send(2);
        tool.AwaitEvent("held", line => line.GetProperty("id").GetInt64() == 2);
        Assert.Equal(2, Number(tool.End(), "dropped"));
        Assert.Empty(loopback.Arrived());
    }

    [Fact]
    public void Held_for_a_time_all_go_on_in_order_and_later_ones_pass()
    {
        using var loopback = new LoopbackQueue();
        using Process child = Start(loopback, "--hold-for", "300ms", "-c", "4");
        loopback.Sender.SendTimeout = loopback.Receiver.ReceiveTimeout = 20_000;
        long start = Stopwatch.GetTimestamp();
        loopback.Send(3);
        Assert.Equal([0, 1, 2], Receive(loopback, 3));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 299, 1500);
        loopback.Send(1, from: 3);
        Assert.Equal([3], Receive(loopback, 1));
        JsonElement summary = End(child);
        Assert.Equal((4, 3, 3), (Number(summary, "accepted"), Number(summary, "held"), Number(summary, "released")));
    }

    [Fact]
    public void Held_until_a_packet_comes_all_go_on_with_it_as_the_last()
    {
        using var loopback = new LoopbackQueue();
        loopback.Receiver.ReceiveTimeout = 20_000;
        using Process child = Start(loopback, "--hold-until", "udp[8] = 2", "-c", "4");
        loopback.Send(2);
        Assert.Equal(0, loopback.Receiver.Available);
        loopback.Send(1, from: 2);
        Assert.Equal([0, 1, 2], Receive(loopback, 3));
        loopback.Send(1, from: 3);
        Assert.Equal([3], Receive(loopback, 1));
        Assert.Equal(3, Number(End(child), "released"));
    }

    [Fact]
    public void A_packet_that_goes_on_twice_comes_twice_and_an_edited_one_edited()
    {
        using var loopback = new LoopbackQueue();
        loopback.Receiver.ReceiveTimeout = 20_000;
        using var tool = new HoldTool(loopback.Namespace, "--hook", "input", $"udp dst port {loopback.Port}");
        loopback.Send(2);
        tool.AwaitEvent("held", line => line.GetProperty("id").GetInt64() == 2);
        Assert.True(tool.Tell("\"command\":\"duplicate\",\"id\":1").GetProperty("doubled").GetBoolean());
        Assert.True(tool.Tell("\"command\":\"edit\",\"id\":2,\"payload_hex\":\"07000000\"").GetProperty("edited").GetBoolean());
        Assert.Equal(2, Number(tool.Tell("\"command\":\"release\",\"count\":5"), "released"));
        Assert.Equal([0, 0, 7], Receive(loopback, 3).Order());
        JsonElement summary = tool.End();
        Assert.Equal((1, 1, 1, 1), (Number(summary, "accepted"), Number(summary, "edited"), Number(summary, "duplicated"), Number(summary, "injected")));
    }

    private static Process Start(LoopbackQueue loopback, params string[] arguments)
    {
        Process child = ChildProcess.Start(
            loopback.Namespace, "dotnet", [CliProcess.AssemblyPath, "intercept", "--json", "--hook", "input", .. arguments, $"udp dst port {loopback.Port}"]);
        while (child.StandardError.ReadLine() is { } line && !line.Contains("rules in place", StringComparison.Ordinal))
        {
        }

        return child;
    }

    private static JsonElement End(Process child)
    {
        string[] lines = child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(child.WaitForExit(Deadline));
        Assert.Equal(0, child.ExitCode);
        return JsonDocument.Parse(lines[^1]).RootElement;
    }

    private static List<int> Receive(LoopbackQueue loopback, int count)
    {
        var numbers = new List<int>();
        byte[] buffer = new byte[4];
        for (int i = 0; i < count; i++)
        {
            loopback.Receiver.Receive(buffer);
            numbers.Add(BitConverter.ToInt32(buffer));
        }

        return numbers;
    }

    private static long Number(JsonElement element, string key) => element.GetProperty(key).GetInt64();
}
