using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>What an impairment does to connections, and apart from others. Upper bounds are wide: only the lower ones are exact.</summary>
public sealed class ImpairedConnectionTests
{
    [Fact]
    public void A_connection_opens_and_ends_late_by_what_was_asked()
    {
        TimeSpan opening = TimeSpan.FromMilliseconds(300);
        // Less than the 200 ms after which the FIN would be sent again.
        TimeSpan ending = TimeSpan.FromMilliseconds(120);
        TimeSpan generous = TimeSpan.FromSeconds(2);
        using var loopback = new LoopbackQueue();
        using Socket listener = NewSocket(loopback, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(loopback.Namespace, new InterceptOptions
        {
            Hooks = [FirewallHook.Input],
            Filter = PacketFilter.Compile($"tcp port {((IPEndPoint)listener.LocalEndPoint!).Port}", LinkType.Raw),
            Impairments = new ImpairmentOptions { SynDelay = opening, FinDelay = ending },
        }, stop.Token);
        using Socket client = NewSocket(loopback, SocketType.Stream, ProtocolType.Tcp);
        byte[] buffer = new byte[10];
        Assert.InRange(TimeOf(() => client.Connect(listener.LocalEndPoint!)), opening, opening + generous);
        using Socket server = listener.Accept();
        client.Send([1]);
        Assert.Equal(1, server.Receive(buffer));
        server.Shutdown(SocketShutdown.Send);
        Assert.InRange(TimeOf(() => Assert.Equal(0, client.Receive(buffer))), ending - TimeSpan.FromMilliseconds(5), ending + generous);
        stop.Cancel();
        InterceptSummary summary = running.Finish();

        // The SYN and the FIN, and nothing between them.
        Assert.Equal((2, 0), (summary.Delayed, summary.Dropped));
    }

    [Theory]
    [InlineData(RateScope.Connection, 1, 1.9)]
    [InlineData(RateScope.Link, 2, 20)]
    public void Two_connections_have_a_rate_each_or_share_it(RateScope scope, double least, double most)
    {
        const int Packets = 1000;
        using var loopback = new LoopbackQueue();
        using Socket second = NewSocket(loopback, SocketType.Dgram, ProtocolType.Udp);
        second.Connect(loopback.Receiver.LocalEndPoint!);
        second.SendBufferSize = 8 << 20;
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(loopback.Namespace, OptionsFor(loopback, new ImpairmentOptions { Rate = 4_000_000, RateScope = scope, RateLimit = 2 * Packets }), stop.Token);
        byte[] datagram = new byte[472];
        byte[] buffer = new byte[1000];
        TimeSpan took = TimeOf(() =>
        {
            for (int i = 0; i < Packets; i++)
            {
                loopback.Sender.Send(datagram);
                second.Send(datagram);
            }

            for (int i = 0; i < 2 * Packets; i++)
            {
                Assert.Equal(datagram.Length, loopback.Receiver.Receive(buffer));
            }
        });
        Assert.InRange(took.TotalSeconds, least, most);
        stop.Cancel();
        Assert.Equal((2 * Packets, 0), (running.Finish().Delayed, running.Finish().OverRate));
    }

    [Fact]
    public void What_a_bad_channel_loses_does_not_arrive_and_it_comes_in_bursts()
    {
        const int Packets = 8000;
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var running = new RunningSession(
            loopback.Namespace, OptionsFor(loopback, new ImpairmentOptions { LossModel = GilbertElliott.FromBursts(0.1, 4), Seed = 1 }), stop.Token);
        loopback.Send(Packets);
        LoopbackQueue.Until(() => running.Session.ReadSummary().Received == Packets, "not every packet came to the queue");
        stop.Cancel();
        InterceptSummary summary = running.Finish();
        List<int> arrived = loopback.Arrived();
        Assert.Equal(Packets - summary.Dropped, arrived.Count);
        Assert.InRange(summary.Dropped, Packets * 0.07, Packets * 0.13);
        int bursts = arrived.Append(Packets).Zip(arrived.Prepend(-1), (at, before) => at - before > 1 ? 1 : 0).Sum();
        Assert.InRange(summary.Dropped / (double)bursts, 3, 5);
    }

    private static TimeSpan TimeOf(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start);
    }

    private static Socket NewSocket(LoopbackQueue loopback, SocketType type, ProtocolType protocol) =>
        loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, type, protocol));

    private static InterceptOptions OptionsFor(LoopbackQueue loopback, ImpairmentOptions impairments) => new()
    {
        Hooks = [FirewallHook.Input],
        Filter = PacketFilter.Compile($"udp dst port {loopback.Port}", LinkType.Raw),
        Impairments = impairments,
    };
}
