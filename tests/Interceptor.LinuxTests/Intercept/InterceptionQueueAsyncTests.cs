using System.Text;
using Interceptor.Capture.Intercept;
using Interceptor.LinuxTests.Examples;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>The queue as an asynchronous sequence.</summary>
public sealed class InterceptionQueueAsyncTests
{
    [Fact]
    public async Task Each_packet_is_decided_by_who_gets_it_and_an_undecided_one_by_default()
    {
        using var loopback = new LoopbackQueue();
        InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(30);
        using var stop = new CancellationTokenSource();
        int count = 0;
        await foreach (InterceptedPacket packet in queue.ReadAllAsync(cancellation: stop.Token))
        {
            int number = BitConverter.ToInt32(packet.Packet.Parse().Payload);
            if (number % 3 == 0)
            {
                packet.Drop();
            }
            else if (number % 3 == 1)
            {
                packet.Accept();
            }

            if (++count == 30)
            {
                await stop.CancelAsync();
            }
        }

        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.Equal((30, 20, 10, 10, 0), (statistics.Received, statistics.Accepted, statistics.Dropped, statistics.Defaulted, statistics.Pending));
        Assert.Equal(Enumerable.Range(0, 30).Where(number => number % 3 != 0), loopback.Arrived());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task A_slow_reader_loses_nothing_and_what_it_did_not_read_gets_the_default(int capacity)
    {
        const int Count = 200;
        using var loopback = new LoopbackQueue();
        InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(Count);
        int count = 0;
        await foreach (InterceptedPacket packet in queue.ReadAllAsync(capacity))
        {
            packet.Accept();
            await Task.Yield();
            if (++count == Count / 2)
            {
                break;
            }
        }

        // The kernel still has those that nobody received.
        LoopbackQueue.Drive(queue, Count - (int)queue.ReadStatistics().Received, packet => packet.Accept());
        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.Equal((Count, Count, 0), (statistics.Received, statistics.Accepted, statistics.Pending));
        Assert.InRange(statistics.Defaulted, 1, capacity + 64);
        Assert.Equal(Enumerable.Range(0, Count), loopback.Arrived());
    }

    [Fact]
    public async Task A_reader_that_throws_leaves_no_packet_without_a_fate()
    {
        using var loopback = new LoopbackQueue();
        InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        loopback.Send(10);
        LoopbackQueue.Until(() => queue.ReadKernelCounters()?.Waiting == 10, "not every packet came to the queue");
        await Assert.ThrowsAsync<FormatException>(async () =>
        {
            await foreach (InterceptedPacket packet in queue.ReadAllAsync())
            {
                throw new FormatException("seen");
            }
        });
        InterceptStatistics statistics = queue.ReadStatistics();
        Assert.Equal((10, 10, 10, 0), (statistics.Received, statistics.Accepted, statistics.Defaulted, statistics.Pending));
        Assert.Equal(Enumerable.Range(0, 10), loopback.Arrived());
    }

    [Fact]
    public async Task Two_readers_at_a_time_are_refused_and_one_after_the_other_is_not()
    {
        using var loopback = new LoopbackQueue();
        InterceptionQueue queue = loopback.OpenQueue();
        using FirewallRules rules = loopback.Install();
        for (int round = 0; round < 2; round++)
        {
            loopback.Send(1, from: round);
            await foreach (InterceptedPacket packet in queue.ReadAllAsync())
            {
                await Assert.ThrowsAsync<InvalidOperationException>(async () => await queue.ReadAllAsync().GetAsyncEnumerator().MoveNextAsync());
                break;
            }
        }

        Assert.Equal([0, 1], loopback.Arrived());
    }

    [Fact]
    public async Task The_example_in_the_docs_does_what_it_says()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        Task<InterceptStatistics> running = loopback.Namespace.Run(() => InterceptionExample.PoliceAsync(loopback.Port, loopback.Namespace, stop.Token));
        foreach (string text in new[] { "hello", "drop me", "once more, please" })
        {
            loopback.Sender.Send(Encoding.ASCII.GetBytes(text));
        }

        var said = new List<string>();
        byte[] buffer = new byte[100];
        for (int i = 0; i < 2; i++)
        {
            said.Add(Encoding.ASCII.GetString(buffer, 0, loopback.Receiver.Receive(buffer)));
        }

        await stop.CancelAsync();
        InterceptStatistics statistics = await running;
        Assert.Equal(["hello", "once more, PLEASE"], said);
        Assert.Equal((3, 1, 1, 1), (statistics.Received, statistics.Accepted, statistics.Edited, statistics.Dropped));
        Assert.DoesNotContain("INTERCEPTOR-", loopback.SaveTables(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_example_in_the_docs_is_the_one_that_runs()
    {
        string root = ProjectPaths.Root;
        string source = File.ReadAllText(Path.Combine(root, "tests/Interceptor.LinuxTests/Examples/InterceptionExample.cs"));
        string page = File.ReadAllText(Path.Combine(root, "docs/interception-library.md"));
        string example = source.Split("    // <example>\n")[1].Split("\n    // </example>")[0];
        example = string.Join('\n', example.Split('\n').Select(line => line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line)).TrimEnd();
        Assert.Contains("```csharp\nusing System.Text;\nusing Interceptor.Capture.Intercept;\nusing Interceptor.Filters;\nusing Interceptor.Interop;\nusing Interceptor.Packets;\n\n" + example + "\n```", page, StringComparison.Ordinal);
    }
}
