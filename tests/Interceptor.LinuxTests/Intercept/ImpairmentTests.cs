using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>Each impairment in the kernel's path against what was asked for.</summary>
public sealed class ImpairmentTests
{
    private const int Count = 5000;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public void Copies_arrive_beside_their_originals_and_are_not_taken_again()
    {
        (InterceptSummary summary, List<int> arrived) = Impair(new ImpairmentOptions { Duplicate = 0.3, Seed = 1 });
        Assert.InRange(summary.Duplicated, Count * 0.27, Count * 0.33);
        Assert.Equal((Count, Count, 0), (summary.Received, summary.Accepted, summary.DuplicatesFailed));
        Assert.Equal(Count + summary.Duplicated, arrived.Count);
        Assert.Equal(Enumerable.Range(0, Count), arrived.Distinct().Order());
        Assert.All(arrived.GroupBy(number => number), group => Assert.InRange(group.Count(), 1, 2));
    }

    [Fact]
    public void A_packet_with_a_bit_turned_over_goes_on_and_its_receiver_refuses_it()
    {
        (InterceptSummary summary, List<int> arrived) = Impair(new ImpairmentOptions { Corrupt = 0.2, Seed = 2 });
        Assert.InRange(summary.Corrupted, Count * 0.17, Count * 0.23);
        Assert.Equal((Count, summary.Corrupted, Count - summary.Corrupted), (summary.Received, summary.Edited, summary.Accepted));

        // The checksum covers all but its own field, which a 0 would switch off: every damage is found.
        Assert.Equal(Count - summary.Corrupted, arrived.Count);
        Assert.Equal(arrived.Order(), arrived);
    }

    [Fact]
    public void Packets_that_overtake_arrive_first()
    {
        (InterceptSummary summary, List<int> arrived) = Impair(new ImpairmentOptions { Delay = TimeSpan.FromMilliseconds(20), Reorder = 0.1, Seed = 3 });
        int overtaking = Count - (int)summary.Delayed;
        Assert.InRange(overtaking, Count * 0.08, Count * 0.12);
        Assert.Equal(Enumerable.Range(0, Count), arrived.Order());
        Assert.NotEqual(arrived.Order(), arrived);
    }

    [Theory]
    [InlineData(FirewallHook.Input)]
    [InlineData(FirewallHook.Output)]
    public void Datagrams_pass_at_the_rate_within_a_part_in_a_hundred(FirewallHook hook)
    {
        const int Rate = 4_000_000;
        const int Packets = 1000;
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback, new ImpairmentOptions { Rate = Rate, RateLimit = Packets }) with { Hooks = [hook] }, stop.Token);
        byte[] datagram = new byte[472];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Packets; i++)
        {
            loopback.Sender.Send(datagram);
        }

        byte[] buffer = new byte[1000];
        for (int i = 0; i < Packets; i++)
        {
            Assert.Equal(datagram.Length, loopback.Receiver.Receive(buffer));
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double expected = Packets * 500.0 * 8 / Rate;
        Assert.InRange(seconds, expected, expected * 1.2);
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((Packets, Packets, 0, 0), (summary.Received, summary.Delayed, summary.OverRate, summary.Reordered));
    }

    [Fact]
    public void What_comes_beyond_the_queue_of_a_rate_is_dropped_and_counted()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback, new ImpairmentOptions { Rate = 1000, RateLimit = 7 }), stop.Token);
        loopback.Send(100);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Received == 100, "not every packet came to the queue");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((92, 92, 8), (summary.Dropped, summary.OverRate, summary.Accepted));
        Assert.Equal(Enumerable.Range(0, 8), loopback.Arrived());
    }

    [Fact]
    public void No_packet_goes_on_before_it_is_due_and_few_long_after()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        var options = new ImpairmentOptions { Delay = TimeSpan.FromMilliseconds(30), Jitter = TimeSpan.FromMilliseconds(20), Distribution = DelayDistribution.Normal, Seed = 4 };
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback, options), stop.Token);
        loopback.Send(1000);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Accepted == 1000, "not every packet went on");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.InRange(summary.Delayed, 900, 1000);
        Assert.Equal(0, summary.Released);
        Assert.Equal(Enumerable.Range(0, 1000), loopback.Arrived().Order());
        Assert.True(summary.Reordered > 100, summary.ToString());
        Assert.InRange(summary.DelayErrorMedian, 0, 5_000_000);
        Assert.InRange(summary.DelayErrorPercentile99, summary.DelayErrorMedian, summary.DelayErrorMaximum);
    }

    /// <summary>Each waits in the kernel; here it is a place in the timer wheel and an object.</summary>
    [Fact]
    public void Tens_of_thousands_wait_in_little_memory_and_each_gets_its_verdict()
    {
        const int Packets = 40_000;
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        var allocated = new List<long>(Packets);
        InterceptSummary? summary = null;
        InterceptOptions options = OptionsFor(loopback, new ImpairmentOptions { Delay = TimeSpan.FromHours(1) });
        Thread thread = loopback.Namespace.StartThread("many wait", () =>
        {
            using InterceptSession session = InterceptSession.Start(options with { Count = Packets });
            loopback.Send(Packets);
            summary = session.Run((in _) => allocated.Add(GC.GetAllocatedBytesForCurrentThread()), stop.Token);
        });
        Assert.True(thread.Join(Deadline), $"only {allocated.Count} packets came");
        Assert.Equal((Packets, Packets, Packets, Packets), (summary!.Received, summary.Accepted, summary.Delayed, summary.Released));
        Assert.Equal(0, summary.LostInKernel + summary.KernelQueueDropped + summary.KernelUserDropped + summary.Escaped);
        Assert.InRange((allocated[^1] - allocated[0]) / (double)Packets, 1, 450);
    }

    /// <summary>The thread has the priority while packets may wait for their time, and not before, behind or else.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_thread_is_prompt_while_packets_may_wait(bool delays)
    {
        const int RoundRobin = 2;
        using var loopback = new LoopbackQueue();
        var seen = new List<(int Policy, long Slack)>();
        bool mayBeRealTime = false;
        loopback.Namespace.StartThread("prompt", () =>
        {
            seen.Add(Scheduling());
            using (var prompt = PromptThread.Enter())
            {
                mayBeRealTime = prompt.IsRealTime;
            }

            ImpairmentOptions impairments = delays ? new ImpairmentOptions { SynDelay = TimeSpan.FromMilliseconds(1) } : new ImpairmentOptions { Duplicate = 0.1 };
            using InterceptSession session = InterceptSession.Start(OptionsFor(loopback, impairments) with { Count = 1 });
            loopback.Send(1);
            session.Run((in _) => seen.Add(Scheduling()), CancellationToken.None);
            seen.Add(Scheduling());
        }).Join();
        Assert.Equal([0, delays && mayBeRealTime ? RoundRobin : 0, 0], seen.Select(at => at.Policy));

        // The kernel shows 0 or 1 for a real-time thread, which has none.
        Assert.Equal([seen[0].Slack, delays ? 1 : seen[0].Slack, seen[0].Slack], seen.Select(at => Math.Max(at.Slack, 1)));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void A_transfer_in_both_directions_is_intact_under_all_of_them_together(int ipVersion)
    {
        using NetworkLab lab = NetworkLab.Create();
        KernelTest.RequireTool("iptables");
        using Socket listener = Listen(lab, ipVersion);
        var options = new InterceptOptions
        {
            Filter = PacketFilter.Compile($"tcp port {((IPEndPoint)listener.LocalEndPoint!).Port}", LinkType.Raw),
            Impairments = new ImpairmentOptions
            {
                LossModel = GilbertElliott.FromBursts(0.01, 2),
                Delay = TimeSpan.FromMilliseconds(2),
                Jitter = TimeSpan.FromMilliseconds(1),
                Distribution = DelayDistribution.Pareto,
                DelayCorrelation = 0.3,
                SynDelay = TimeSpan.FromMilliseconds(20),
                FinDelay = TimeSpan.FromMilliseconds(20),
                Rate = 200_000_000,
                Duplicate = 0.02,
                Reorder = 0.02,
                Corrupt = 0.01,
                Seed = 5,
            },
        };
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(lab.Server, options, stop.Token);
        byte[] request = RandomNumberGenerator.GetBytes(1 << 20);
        byte[] response = RandomNumberGenerator.GetBytes(1 << 20);
        byte[]? gotRequest = null;
        var server = new Thread(() =>
        {
            using Socket connection = listener.Accept();
            gotRequest = Exchange(connection, response);
        });
        server.Start();
        using Socket client = lab.Client.Run(() => new Socket(listener.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        byte[] gotResponse = Exchange(client, request);
        Assert.True(server.Join(Deadline), "the transfer did not end");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal(SHA256.HashData(request), SHA256.HashData(gotRequest!));
        Assert.Equal(SHA256.HashData(response), SHA256.HashData(gotResponse));
        Assert.True(summary.IsBalanced, summary.ToString());
        Assert.True(summary.Dropped > 0 && summary.Duplicated > 0 && summary.Corrupted > 0 && summary.Reordered > 0, summary.ToString());
        Assert.Equal(0, summary.DuplicatesFailed + summary.Escaped + summary.LostInKernel + summary.KernelQueueDropped + summary.KernelUserDropped);
    }

    /// <summary>What waits in one direction for longer than what comes later in the other is not overtaken.</summary>
    [Fact]
    public void Packets_that_wait_their_turn_in_both_directions_are_not_reordered()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(loopback.Namespace, new InterceptOptions
        {
            Hooks = [FirewallHook.Input, FirewallHook.Output],
            Filter = PacketFilter.Compile($"udp port {loopback.Port}", LinkType.Raw),
            Impairments = new ImpairmentOptions { Rate = 1_000_000, Delay = TimeSpan.FromMilliseconds(1) },
        }, stop.Token);
        byte[] buffer = new byte[100];
        EndPoint sender = new IPEndPoint(IPAddress.Any, 0);
        loopback.Send(200);
        for (int i = 0; i < 200; i++)
        {
            int length = loopback.Receiver.ReceiveFrom(buffer, ref sender);
            loopback.Receiver.SendTo(buffer.AsSpan(0, length), sender);
        }

        for (int i = 0; i < 200; i++)
        {
            loopback.Sender.Receive(buffer);
            Assert.Equal(i, BitConverter.ToInt32(buffer));
        }

        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Equal((800, 800, 0), (summary.Received, summary.Delayed, summary.Reordered));
    }

    [Fact]
    public void A_schedule_does_again_what_was_recorded()
    {
        using var file = new MemoryStream();
        using var writer = new ImpairmentScheduleWriter(file);
        (InterceptSummary first, List<int> arrived) = Impair(new ImpairmentOptions { Loss = 0.2, Duplicate = 0.1, Corrupt = 0.1, Seed = 6 }, record: writer);
        writer.Flush();
        file.Position = 0;
        ImpairmentSchedule schedule = ImpairmentSchedule.Read(new StreamReader(file), "memory");
        (InterceptSummary second, List<int> again) = Impair(new ImpairmentOptions(), schedule);
        Assert.Equal(arrived, again);
        Assert.Equal((first.Dropped, first.Duplicated, first.Corrupted), (second.Dropped, second.Duplicated, second.Corrupted));
        Assert.True(first.Dropped > 0 && first.Duplicated > 0 && first.Corrupted > 0, first.ToString());
    }

    [Theory]
    [InlineData(4, FirewallHook.Input)]
    [InlineData(4, FirewallHook.Output)]
    [InlineData(6, FirewallHook.Input)]
    public void A_reset_ends_the_connection_at_both_ends(int ipVersion, FirewallHook hook)
    {
        using NetworkLab lab = NetworkLab.Create();
        KernelTest.RequireTool("iptables");
        using Socket listener = Listen(lab, ipVersion);
        using Socket client = lab.Client.Run(() => new Socket(listener.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(lab.Server, new InterceptOptions
        {
            Hooks = [hook],
            Filter = PacketFilter.Compile($"tcp port {((IPEndPoint)listener.LocalEndPoint!).Port}", LinkType.Raw),
            Reset = true,
        }, stop.Token);
        (hook == FirewallHook.Input ? client : server).Send([1, 2, 3]);
        byte[] buffer = new byte[10];
        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => client.Receive(buffer)).SocketErrorCode);
        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => server.Receive(buffer)).SocketErrorCode);
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.True(summary.IsBalanced);
        Assert.InRange(summary.Resets, 1, 3);
        Assert.Equal(2 * summary.Resets, summary.Injected);
        Assert.Equal(summary.Resets, summary.Dropped);
    }

    [Fact]
    public void A_mark_goes_on_with_the_packet()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        ChildProcess.Run(loopback.Namespace, "iptables", "-A", "INPUT", "-m", "mark", "--mark", "0x42", "-j", "DROP");
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback, new ImpairmentOptions { Corrupt = 0.5, Seed = 7 }) with { Hooks = [FirewallHook.Prerouting], Mark = 0x42 }, stop.Token);
        loopback.Send(100);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Received == 100, "not every packet came to the queue");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.Empty(loopback.Arrived());
        Assert.True(summary.Accepted > 0 && summary.Edited > 0 && summary.Accepted + summary.Edited == 100, summary.ToString());
        ChildResult counted = ChildProcess.Run(loopback.Namespace, "iptables", "-nvxL", "INPUT");
        Assert.Contains(" 100 ", string.Join(' ', counted.Output.Split('\n').Single(line => line.Contains("0x42", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries).Prepend("")), StringComparison.Ordinal);
    }

    private static (InterceptSummary Summary, List<int> Arrived) Impair(
        ImpairmentOptions impairments, ImpairmentSchedule? schedule = null, ImpairmentScheduleWriter? record = null)
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback, impairments) with { Schedule = schedule, Record = record }, stop.Token);
        loopback.Send(Count);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Received == Count, "not every packet came to the queue");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        Assert.True(summary.IsBalanced);
        return (summary, loopback.Arrived());
    }

    // proc_pid_stat(5): the policy is field 41; the second may have blanks.
    private static (int Policy, long Slack) Scheduling()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        string policy = stat.Split(") ")[^1].Split(' ')[41 - 3];
        string slack = File.ReadAllText($"/proc/{stat.Split(' ')[0]}/timerslack_ns");
        return (int.Parse(policy, CultureInfo.InvariantCulture), long.Parse(slack, CultureInfo.InvariantCulture));
    }

    private static Socket Listen(NetworkLab lab, int ipVersion)
    {
        IPAddress address = IPAddress.Parse(ipVersion == 4 ? NetworkLab.ServerAddress : NetworkLab.ServerAddressV6);
        Socket listener = lab.Server.Run(() => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen();
        return listener;
    }

    // Sends on one thread and receives on this one till the peer's end.
    private static byte[] Exchange(Socket connection, byte[] bytes)
    {
        var sender = new Thread(() =>
        {
            connection.Send(bytes);
            connection.Shutdown(SocketShutdown.Send);
        });
        sender.Start();
        var received = new MemoryStream();
        byte[] buffer = new byte[65536];
        int got;
        while ((got = connection.Receive(buffer)) > 0)
        {
            received.Write(buffer, 0, got);
        }

        sender.Join();
        return received.ToArray();
    }

    private static InterceptOptions OptionsFor(LoopbackQueue loopback, ImpairmentOptions impairments) => new()
    {
        Hooks = [FirewallHook.Input],
        Filter = PacketFilter.Compile($"udp dst port {loopback.Port}", LinkType.Raw),
        Impairments = impairments,
    };
}
