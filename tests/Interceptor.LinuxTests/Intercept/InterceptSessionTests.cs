using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

public sealed class InterceptSessionTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public void Five_megabytes_arrive_intact_through_loss_and_delay()
    {
        using NetworkLab lab = NetworkLab.Create();
        KernelTest.RequireTool("iptables");
        using var listener = lab.Server.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse(NetworkLab.ServerAddress), 0));
        listener.Listen();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var options = new InterceptOptions
        {
            Filter = PacketFilter.Compile($"tcp port {port}", LinkType.Raw),
            Impairments = new ImpairmentOptions { Loss = 0.1, Delay = TimeSpan.FromMilliseconds(20), Seed = 5 },
        };
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(lab.Server, options, stop.Token);
        byte[] sent = RandomNumberGenerator.GetBytes(5 << 20);
        using var client = lab.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        var received = new MemoryStream();
        var reader = new Thread(() => ReceiveAll(listener, received));
        reader.Start();
        client.Connect(listener.LocalEndPoint!);
        client.Send(sent);
        client.Shutdown(SocketShutdown.Send);
        Assert.True(reader.Join(Deadline), "the transfer did not end");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(received.ToArray()));
        Assert.True(summary.IsBalanced);
        Assert.True(summary.Dropped > 0 && summary.Delayed > 0, summary.ToString());
        Assert.Equal(summary.Received, summary.Dropped + summary.Delayed + (summary.Accepted - summary.Delayed));
        Assert.Equal(0, summary.Escaped + summary.LostInKernel + summary.KernelQueueDropped + summary.KernelUserDropped);
    }

    [Fact]
    public void A_delay_is_kept_and_in_order()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback) with
        {
            Impairments = new ImpairmentOptions { Delay = TimeSpan.FromMilliseconds(50) },
        }, stop.Token);
        var waits = new List<double>();
        for (int i = 0; i < 20; i++)
        {
            long start = Stopwatch.GetTimestamp();
            loopback.Send(1, i);
            LoopbackQueue.Until(() => loopback.Receiver.Available > 0, "the packet did not arrive");
            waits.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            Assert.Equal([i], loopback.Arrived());
        }

        loopback.Send(200);
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        LoopbackQueue.Until(() => loopback.Receiver.Available > 0, "nothing was released");
        Assert.Equal(Enumerable.Range(0, 200), loopback.Arrived());
        Assert.True(summary.IsBalanced);
        Assert.Equal(0, summary.Reordered);
        Assert.All(waits, wait => Assert.True(wait >= 50, $"released after {wait} ms"));
        waits.Sort();
        Assert.True(waits[waits.Count / 2] < 80, $"the median is {waits[waits.Count / 2]} ms");
    }

    [Fact]
    public void The_same_seed_loses_the_same_packets()
    {
        List<int> first = LoseSome(seed: 11);
        List<int> second = LoseSome(seed: 11);
        List<int> other = LoseSome(seed: 12);
        Assert.Equal(first, second);
        Assert.NotEqual(first, other);
        Assert.InRange(first.Count, 600, 800);
    }

    [Fact]
    public void A_filter_too_long_for_the_kernel_is_applied_here()
    {
        using var loopback = new LoopbackQueue();
        string ports = string.Join(" or ", Enumerable.Range(1, 60).Select(port => $"udp dst port {port}"));
        PacketFilter filter = PacketFilter.Compile($"udp dst port {loopback.Port} or {ports}", LinkType.Raw);
        Assert.False(filter.Program.FitsXt);
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(loopback.Namespace, new InterceptOptions
        {
            Hooks = [FirewallHook.Output],
            Filter = filter,
            Impairments = new ImpairmentOptions { Drop = true },
        }, stop.Token);
        loopback.Send(5);
        using Socket other = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        loopback.Sender.SendTo([1, 2, 3, 4], other.LocalEndPoint!);
        LoopbackQueue.Until(() => other.Available > 0, "the packet that does not match did not pass");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Empty(loopback.Arrived());
        Assert.Equal((6, 5, 1, 1), (summary.Received, summary.Dropped, summary.Accepted, summary.Unmatched));
    }

    [Fact]
    public void Of_a_filter_too_long_for_the_kernel_it_applies_a_part()
    {
        using var loopback = new LoopbackQueue();
        string hosts = string.Join(" or ", Enumerable.Range(2, 60).Select(host => $"src host 127.0.0.{host}"));
        PacketFilter filter = PacketFilter.Compile($"udp dst port {loopback.Port} and not ({hosts})", LinkType.Raw);
        Assert.False(filter.Program.FitsXt);
        using var stop = new CancellationTokenSource();
        var options = new InterceptOptions { Hooks = [FirewallHook.Input], Filter = filter, Impairments = new ImpairmentOptions { Drop = true } };
        using var running = new RunningSession(loopback.Namespace, options, stop.Token);
        Assert.Equal((true, $"udp dst port {loopback.Port}"), (running.Session.FiltersInUserSpace, running.Session.KernelFilter));
        loopback.Send(5);
        using Socket other = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        other.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));

        // To another port: the kernel knows. From an address that is left out: we do.
        loopback.Sender.SendTo([1, 2, 3, 4], other.LocalEndPoint!);
        Assert.Equal(4, other.Receive(new byte[8]));
        other.SendTo(BitConverter.GetBytes(77), loopback.Receiver.LocalEndPoint!);
        LoopbackQueue.Until(() => loopback.Receiver.Available > 0, "the packet that does not match did not pass");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal([77], loopback.Arrived());
        Assert.Equal((6, 5, 1, 1), (summary.Received, summary.Dropped, summary.Accepted, summary.Unmatched));
    }

    [Fact]
    public void An_observer_that_throws_leaves_no_rule_behind()
    {
        using var loopback = new LoopbackQueue();
        string before = loopback.SaveTables();
        loopback.Namespace.Run(() =>
        {
            using InterceptSession session = InterceptSession.Start(OptionsFor(loopback));
            loopback.Send(3);
            Assert.Throws<FormatException>(() => session.Run((in _) => throw new FormatException("seen"), CancellationToken.None));
        });
        Assert.DoesNotContain("INTERCEPTOR-", before + loopback.SaveTables(), StringComparison.Ordinal);
        loopback.Send(1, from: 77);
        Assert.Equal([0, 1, 2, 77], loopback.Arrived());
    }

    [Fact]
    public void A_count_is_kept_where_more_packets_come_at_once()
    {
        using var loopback = new LoopbackQueue();
        int seen = 0;
        loopback.Namespace.Run(() =>
        {
            using InterceptSession session = InterceptSession.Start(
                OptionsFor(loopback) with { Count = 2, Impairments = new ImpairmentOptions { Drop = true } });
            loopback.Send(20);
            InterceptSummary summary = session.Run((in _) => seen++, CancellationToken.None);
            Assert.Equal((20, 2, 18), (summary.Received, summary.Dropped, summary.Accepted));
        });
        Assert.Equal(2, seen);
        Assert.Equal(Enumerable.Range(2, 18), loopback.Arrived());
    }

    private static List<int> LoseSome(ulong seed)
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(
            loopback.Namespace, OptionsFor(loopback) with { Impairments = new ImpairmentOptions { Loss = 0.3, Seed = seed } }, stop.Token);
        loopback.Send(1000);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Received == 1000, "not every packet came to the queue");
        stop.Cancel();
        Assert.True(running.Finish().IsBalanced);
        return loopback.Arrived();
    }

    private static InterceptOptions OptionsFor(LoopbackQueue loopback) => new()
    {
        Hooks = [FirewallHook.Input],
        Filter = PacketFilter.Compile($"udp dst port {loopback.Port}", LinkType.Raw),
    };

    private static void ReceiveAll(Socket listener, MemoryStream to)
    {
        using Socket connection = listener.Accept();
        byte[] buffer = new byte[65536];
        int got;
        while ((got = connection.Receive(buffer)) > 0)
        {
            to.Write(buffer, 0, got);
        }
    }
}
