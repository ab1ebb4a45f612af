using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Cli.Graph;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Graph;
using Interceptor.Testing;

namespace Interceptor.Tests.Graph;

/// <summary>What the recorder keeps of a connection, and what becomes of it when there is too much.</summary>
public sealed class TimeSequenceTests
{
    private static string OwnCapture => Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");

    [Fact]
    public void The_numbers_of_a_download_with_losses_are_these() => GoldenFile.Verify("graph/http-download-with-loss.csv", TimeSequenceCsv.Write(Record(OwnCapture)));

    [Fact]
    public void Queue_and_window_end_where_the_sockets_do()
    {
        TimeSequenceRecorder recorder = Record(OwnCapture);
        foreach (TimeSequenceDirection direction in (TimeSequenceDirection[])[recorder.FromClient!, recorder.FromServer!])
        {
            SendSide send = direction.Sender.Send;
            TimeSequenceEdges last = direction.Edges[^1];
            Assert.Equal(send.SndNxt - send.Iss!.Value, last.SendHead);
            Assert.Equal(send.SndUna - send.Iss!.Value, last.Acknowledged);
            Assert.Equal(last.Acknowledged + send.SndWnd, last.WindowEdge);
            Assert.Equal(direction.Sender.Stream.StreamBytes + 2, last.SendHead);
        }
    }

    [Fact]
    public void Positions_go_on_where_sequence_numbers_wrap()
    {
        TimeSequenceRecorder recorder = Record(Shared("tcp-seq-wrap.pcap"));
        TimeSequenceDirection[] directions = [recorder.FromClient!, recorder.FromServer!];
        Assert.All(directions, direction => Assert.All(direction.Edges.Zip(direction.Edges.Skip(1)),
            pair => Assert.True(pair.Second.SendHead >= pair.First.SendHead && pair.Second.Acknowledged >= pair.First.Acknowledged)));
        Assert.All(directions, direction => Assert.All(direction.Segments, item => Assert.InRange(item.Left, 0, direction.Edges[^1].SendHead)));
    }

    [Theory]
    [InlineData("tcp-sack-dsack-nasa.pcap")]
    [InlineData("tcp-206-sack.pcap")]
    [InlineData("tcp-gap-recovery.pcap")]
    [InlineData("tcp-mqtt-zero-window.pcap")]
    public void Everything_that_is_counted_is_marked(string name)
    {
        TimeSequenceRecorder recorder = Record(Shared(name), buckets: 1_000_000);
        foreach (TimeSequenceDirection direction in (TimeSequenceDirection[])[recorder.FromClient!, recorder.FromServer!])
        {
            TcpDirectionCounters sent = direction.Sender.Counters;
            TcpDirectionCounters answered = direction.Sender.Peer.Counters;
            Assert.False(direction.IsDownsampled);
            Assert.Equal(sent.Retransmissions, direction.Retransmissions.Count);
            Assert.Equal(sent.OutOfOrder, direction.Segments.Count(item => (item.Kinds & TimeSequenceKinds.OutOfOrder) != 0));
            Assert.Equal(answered.DuplicateAcks, Marks(direction, TimeSequenceKinds.DuplicateAck));
            Assert.Equal(answered.ZeroWindows, Marks(direction, TimeSequenceKinds.ZeroWindow));
            Assert.Equal(sent.Syn, Marks(direction, TimeSequenceKinds.Syn));
            Assert.Equal(sent.Fin, Marks(direction, TimeSequenceKinds.Fin));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void Too_much_is_brought_down_to_the_bound_with_its_extremes_and_every_retransmission(int buckets)
    {
        string path = Shared("tcp-sack-dsack-nasa.pcap");
        TimeSequenceDirection whole = Record(path, buckets: 1_000_000).FromClient!;
        TimeSequenceDirection small = Record(path, buckets).FromClient!;
        Assert.True(small.IsDownsampled);
        Assert.True(small.Segments.Count <= 2 * buckets, Count(small.Segments.Count));
        Assert.True(small.Edges.Count <= 2 * buckets, Count(small.Edges.Count));
        Assert.True(small.Sacks.Count <= Math.Max(1, buckets / 4) * 12, Count(small.Sacks.Count));
        Assert.True(small.Marks.Count <= Math.Max(1, buckets / 4) * 12, Count(small.Marks.Count));
        Assert.Equal(whole.Retransmissions, small.Retransmissions);
        Assert.Equal(whole.Segments.Min(item => item.Left), small.Segments.Min(item => item.Left));
        Assert.Equal(whole.Segments.Max(item => item.Right), small.Segments.Max(item => item.Right));
        Assert.Equal(whole.Segments.Sum(item => item.Count), small.Segments.Sum(item => item.Count));
        Assert.Equal(whole.Edges.Max(item => item.HighestWindowEdge), small.Edges.Max(item => item.HighestWindowEdge));
        Assert.Equal(whole.Edges[^1].SendHead, small.Edges[^1].SendHead);
        Assert.Contains("neighbours in time drawn as one", new TimeSequenceSvg(Record(path, buckets), "a capture").Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void Times_that_jump_back_and_forth_stay_within_the_bound()
    {
        var recorder = new TimeSequenceRecorder(0, buckets: 5);
        var tracker = new TcpTracker(observer: recorder);
        Assert.True(FlowEndpoint.TryParse("192.0.2.1:1", out FlowEndpoint client));
        Assert.True(FlowEndpoint.TryParse("192.0.2.2:2", out FlowEndpoint server));
        var flow = new FlowKey(client, server, IpProtocol.Tcp);
        for (int i = 0; i < 5000; i++)
        {
            var segment = new TcpSegment { Sequence = new SequenceNumber((uint)i * 10), Length = 10, Flags = TcpFlags.Ack, WindowField = 1 };
            long jump = i % 2 == 0 ? long.MinValue / 4 : long.MaxValue / 4;
            tracker.Process(in flow, in segment, new CaptureTimestamp(jump + i), i + 1);
            Assert.True(recorder.FromClient!.Segments.Count <= 10, Count(recorder.FromClient.Segments.Count));
        }

        Assert.Equal(5000, recorder.FromClient!.Segments.Sum(item => item.Count));
        System.Xml.Linq.XDocument.Parse(new TimeSequenceSvg(recorder, "a capture").Write());
    }

    private static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);

    private static long Marks(TimeSequenceDirection direction, TimeSequenceKinds kind) => direction.Marks.Where(item => item.Kind == kind).Sum(item => item.Count);

    private static string Shared(string name) => Path.Combine(ProjectPaths.RequireSharedCaptures(), "good", name);

    private static TimeSequenceRecorder Record(string path, int buckets = TimeSequenceRecorder.DefaultBuckets)
    {
        var recorder = new TimeSequenceRecorder(0, buckets);
        var tracker = new TcpTracker(new TcpTrackerOptions { HashStreams = false }, observer: recorder);
        using CaptureFileReader source = CaptureFile.OpenRead(path);
        while (source.TryRead(out CapturedPacket packet))
        {
            PacketView view = packet.Parse();
            tracker.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
        }

        tracker.Finish();
        return recorder;
    }
}
