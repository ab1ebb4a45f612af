using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

/// <summary>Connections between kernels that were recorded for one thing each (captures/README.md): all that is told of them, and the thing itself.</summary>
public sealed class OwnConnectionTests
{
    public static TheoryData<string> Names =>
    [
        "simultaneous-open.pcapng", "fast-open-accepted.pcapng", "zero-window-stall.pcapng", "bulk-with-loss.pcapng.gz",
        "old-timestamp-rejected.pcapng", "timestamp-wrap.pcapng", "sack-reneging.pcapng",
        "http-keep-alive.pcapng", "redis-session.pcapng.gz",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_whole_result_is_as_before_and_the_hash_is_documented(string name)
    {
        CliResult result = CliProcess.Run("tcp", "--json", PathOf(name));
        Assert.True(result.ExitCode == 0, result.ToString());
        GoldenFile.Verify($"connections/{name}.json", string.Concat(result.Lines.Where(line => !line.Contains("\"summary\"", StringComparison.Ordinal)).Select(line => line + "\n")));
        string readme = File.ReadAllText(PathOf("README.md"));
        Assert.Contains($"| `{name}` | `{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(PathOf(name))))}` |", readme, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_SYNs_that_cross_open_one_connection_without_a_retransmission()
    {
        var states = new List<(TcpState, TcpState)>();
        TcpConnection connection = Assert.Single(Follow("simultaneous-open.pcapng", tracker => states.Add((tracker.Connections[0].Client.State, tracker.Connections[0].Server.State))));
        Assert.Equal([(TcpState.SynSent, TcpState.SynReceived), (TcpState.SynReceived, TcpState.SynReceived)], states[..2]);
        Assert.Equal((TcpState.Established, TcpState.Established), states[3]);
        CheckStream(connection.Client, "one end\n"u8);
        CheckStream(connection.Server, "the other\n"u8);
        Assert.Equal((2, 2, 0, 0), (connection.Client.Counters.Syn, connection.Server.Counters.Syn, connection.Client.Counters.Retransmissions, connection.Server.Counters.Retransmissions));
    }

    [Fact]
    public void Text_on_a_SYN_that_the_server_took_is_acknowledged_by_its_SYN_ACK()
    {
        TcpSnapshot? answered = null;
        IReadOnlyList<TcpConnection> connections = Follow("fast-open-accepted.pcapng", tracker =>
        {
            if (tracker.Connections.Count == 2 && tracker.Connections[1].Packets == 2)
            {
                answered = tracker.Connections[1].Client.Snapshot();
            }
        });
        CheckStream(connections[0].Client, "a first request\n"u8);
        CheckStream(connections[1].Client, "a second request\n"u8);
        CheckStream(connections[1].Server, "answer\n"u8);
        Assert.Equal("a second request\n".Length, answered!.SndUna - connections[1].Client.Send.Iss!.Value - 1);
        Assert.Equal(TcpState.Established, answered.State);
        Assert.Equal(0, connections[1].Client.Counters.Retransmissions);
    }

    [Fact]
    public void A_window_closed_for_seven_seconds_is_probed_and_nothing_is_missing()
    {
        TcpConnection connection = Assert.Single(Follow("zero-window-stall.pcapng"));
        Assert.Equal((5, 5), (connection.Client.Counters.ZeroWindowProbes, connection.Server.Counters.ZeroWindows));
        CheckStream(connection.Client, Pattern(400));
    }

    [Fact]
    public void A_stream_of_two_and_a_half_megabytes_comes_out_whole_through_loss()
    {
        TcpConnection connection = Assert.Single(Follow("bulk-with-loss.pcapng.gz"));
        CheckStream(connection.Server, Pattern(20_000));
        Assert.Equal((3, 3), (connection.Server.Counters.Retransmissions, connection.Server.Counters.FastRetransmissions));
    }

    [Fact]
    public void A_segment_with_an_old_timestamp_is_no_part_of_the_stream()
    {
        TcpConnection connection = Assert.Single(Follow("old-timestamp-rejected.pcapng"));
        CheckStream(connection.Client, "first second"u8, conflicting: "STRAY!".Length);
        Assert.Equal(1002u, connection.Server.Receive.TimestampRecent);
    }

    [Fact]
    public void Behind_its_wrap_a_small_timestamp_is_new_and_a_large_one_is_old()
    {
        var recent = new List<uint>();
        TcpConnection connection = Assert.Single(Follow("timestamp-wrap.pcapng", tracker => recent.Add(tracker.Connections[0].Server.Receive.TimestampRecent ?? 0)));

        // Where "too old" and "the wra" have the same letter the copies agree.
        CheckStream(connection.Client, "before after the wrap"u8, conflicting: 5);
        Assert.Equal([0xFFFF_FFF0, 0xFFFF_FFFA, 4, 9, 10], recent.Distinct());
    }

    [Fact]
    public void What_a_receiver_reported_and_threw_away_is_not_counted_as_received()
    {
        var waiting = new List<int>();
        TcpConnection connection = Assert.Single(Follow("sack-reneging.pcapng", tracker => waiting.Add(tracker.Connections[0].Server.ReceiveQueue.OutOfOrderBytes)));
        int reneged = Enumerable.Range(1, waiting.Count - 1).First(i => waiting[i] < waiting[i - 1] - 2000);
        Assert.Equal((10_000, 0), (waiting.Max(), waiting[reneged]));
        Assert.All(waiting[reneged..], bytes => Assert.Equal(0, bytes));
        CheckStream(connection.Client, Pattern(200).AsSpan(0, 21_000));
    }

    private static IReadOnlyList<TcpConnection> Follow(string name, Action<TcpTracker>? onPacket = null)
    {
        var tracker = new TcpTracker();
        using CaptureFileReader reader = CaptureFile.OpenRead(PathOf(name));
        while (reader.TryRead(out CapturedPacket packet))
        {
            PacketView view = packet.Parse();
            tracker.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
            onPacket?.Invoke(tracker);
        }

        tracker.Finish();
        return tracker.Connections;
    }

    private static void CheckStream(TcpEndpoint sender, ReadOnlySpan<byte> sent, int conflicting = 0)
    {
        Assert.Equal((sent.Length, 0L, (long)conflicting), (sender.Stream.StreamBytes, sender.Stream.MissingBytes, sender.Stream.ConflictingBytes));
        Assert.Equal(SHA256.HashData(sent), sender.Stream.Sha256);
    }

    // Lines of 128 bytes: what was sent, made again.
    private static byte[] Pattern(int lines) => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, lines).Select(static number =>
        string.Create(CultureInfo.InvariantCulture, $"line {number:D7} of a pattern that anybody can make again ").PadRight(127, '.') + '\n')));

    private static string PathOf(string name) => Path.Combine(ProjectPaths.OwnCaptures, name);
}
