using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>Which connections give way when the memory's limit is reached, and what is told of them.</summary>
public sealed class TrackerMemoryTests
{
    private const long Second = CaptureTimestamp.NanosecondsPerSecond;

    private readonly Sink _sink = new();
    private long _number;

    [Fact]
    public void A_lone_syn_is_told_as_the_whole_connection_would_be()
    {
        var random = new Random(5);
        for (int i = 0; i < 500; i++)
        {
            var syn = new TcpSegment
            {
                Sequence = new SequenceNumber((uint)random.NextInt64(uint.MaxValue)),
                Acknowledgment = new SequenceNumber((uint)random.Next(2)),
                Flags = TcpFlags.Syn | (random.Next(4) == 0 ? TcpFlags.Ece | TcpFlags.Cwr : 0),
                WindowField = (ushort)random.Next(ushort.MaxValue),
                Options = new TcpOptionSummary
                {
                    MaximumSegmentSize = random.Next(2) == 0 ? null : (ushort)random.Next(ushort.MaxValue),
                    WindowScale = random.Next(2) == 0 ? null : (byte)random.Next(20),
                    SackPermitted = random.Next(2) == 0,
                    HasTimestamps = random.Next(2) == 0,
                    TimestampValue = (uint)random.Next(),
                },
            };
            bool hashes = random.Next(2) == 0;
            FlowKey flow = Flow(random.Next(1000));
            Assert.Equal(TellOnly(flow, in syn, hashes, notes: false), TellOnly(flow, in syn, hashes, notes: true));
        }
    }

    [Fact]
    public void What_follows_a_lone_syn_finds_all_of_it()
    {
        TcpTracker noting = Conversation(new TcpTrackerOptions());
        noting.Finish();
        TcpConnectionReport noted = Assert.Single(_sink.Reports);
        _sink.Reports.Clear();
        Conversation(new TcpTrackerOptions { NotesLoneSyns = false }).Finish();
        Assert.Equal(Assert.Single(_sink.Reports), noted);
        Assert.Equal(1, noted.FromClient.RoundTrips.Count);
        Assert.Equal(TcpState.Established, noted.FromServer.State);
    }

    /// <summary>What a connection leaves behind is the next one's: it must not show.</summary>
    [Fact]
    public void Connections_that_use_the_room_of_others_are_told_as_if_each_had_its_own()
    {
        const int Connections = 2000;
        var givingWay = new TcpTracker(new TcpTrackerOptions { MaximumBytes = 1 << 20 }, sink: _sink);
        var keeping = new TcpTracker();
        Flights(givingWay, Connections, new Random(7));
        Assert.InRange(_sink.Reports.Count, Connections / 2, Connections);
        Flights(keeping, Connections, new Random(7));
        givingWay.Finish();
        keeping.Finish();
        Assert.Equal(0, givingWay.Statistics.Evicted);
        Assert.Equal(keeping.Connections.Select(TcpConnectionReport.Of), _sink.Reports.OrderBy(report => report.Id));
        Assert.Contains(_sink.Reports, report => report.FromClient.RoundTrips.Count > 20 && report.FromClient.Counters.Retransmissions > 0);
    }

    [Fact]
    public void Closed_connections_give_way_before_any_open_one()
    {
        var tracker = new TcpTracker(new TcpTrackerOptions { MaximumBytes = 200_000 }, sink: _sink);
        Open(tracker, 0, at: 0);
        for (int i = 1; i <= 500; i++)
        {
            Open(tracker, i, at: i);
            Close(tracker, i, at: i);
        }

        Assert.NotEmpty(_sink.Reports);
        Assert.All(_sink.Reports, report => Assert.Equal((TcpClosing.Fin, false), (report.Closing, report.IsEvicted)));
        Assert.Equal(0, tracker.Statistics.Evicted);
        Assert.Equal(Enumerable.Range(1, _sink.Reports.Count), _sink.Reports.Select(report => report.Id));
        Assert.Contains(tracker.Connections, connection => connection.Id == 0);
    }

    [Fact]
    public void Text_behind_a_gap_gives_way_before_any_connection_does()
    {
        const int Flows = 100;
        var tracker = new TcpTracker(new TcpTrackerOptions { MaximumBytes = 1_000_000 }, sink: _sink);
        for (int i = 0; i < Flows; i++)
        {
            Open(tracker, i, at: i);
        }

        // Ten bytes are missing in front of what each sends; 100 times 20,000 bytes can't all wait.
        for (int i = 0; i < Flows * 20; i++)
        {
            int flow = i % Flows;
            Send(tracker, Flow(flow), TcpFlags.Ack, 11 + (uint)(1000 * (i / Flows)), 1, Flows + i, 1000);
        }

        Assert.Empty(_sink.Reports);
        Assert.Equal(0, tracker.Statistics.Evicted);
        Assert.InRange(tracker.Statistics.GapsGivenUp, 1, Flows * 20);
        tracker.Finish();
        Assert.Equal(Flows, _sink.Reports.Count);
        Assert.All(_sink.Reports, report => Assert.Equal((20_000L, false), (report.FromClient.StreamBytes, report.IsEvicted)));
    }

    [Fact]
    public void The_oldest_half_open_connection_gives_way_before_an_idle_one()
    {
        var tracker = new TcpTracker(new TcpTrackerOptions { MaximumBytes = 400_000 }, sink: _sink);
        for (int i = 0; i < 10; i++)
        {
            Open(tracker, i, at: i);
        }

        for (int i = 10; i < 5000; i++)
        {
            Syn(tracker, i, at: i);
        }

        Assert.NotEmpty(_sink.Reports);
        Assert.All(_sink.Reports, report => Assert.Equal((TcpState.SynSent, true), (report.FromClient.State, report.IsEvicted)));
        Assert.Equal(Enumerable.Range(10, _sink.Reports.Count), _sink.Reports.Select(report => report.Id));
        Assert.Equal((_sink.Reports.Count, 0), (tracker.Statistics.EvictedHalfOpen, tracker.Statistics.EvictedIdle));
        Assert.Equal(10, tracker.Connections.Count);
    }

    [Fact]
    public void Of_open_connections_the_one_without_a_packet_for_longest_gives_way()
    {
        var tracker = new TcpTracker(new TcpTrackerOptions { MaximumBytes = 300_000 }, sink: _sink);
        int begun = 0;
        for (; _sink.Reports.Count < 20; begun++)
        {
            Open(tracker, begun, at: 2 * begun);

            // The first one stays busy.
            Data(tracker, 0, at: (2 * begun) + 1);
        }

        Assert.Equal(Enumerable.Range(1, 20), _sink.Reports.Select(report => report.Id));
        Assert.All(_sink.Reports, report => Assert.Equal((TcpState.Established, true), (report.FromClient.State, report.IsEvicted)));
        Assert.Equal(20, tracker.Statistics.EvictedIdle);
    }

    [Fact]
    public void What_comes_for_an_evicted_connection_begins_another_from_its_middle()
    {
        var tracker = new TcpTracker(new TcpTrackerOptions { MaximumBytes = 100_000 }, sink: _sink);
        for (int i = 0; _sink.Reports.Count == 0; i++)
        {
            Open(tracker, i, at: i);
        }

        int begun = tracker.Statistics.Begun;
        Data(tracker, 0, at: 5000);
        tracker.Finish();
        Assert.Equal(begun + 1, _sink.Reports.Count);
        TcpConnectionReport last = _sink.Reports[^1];
        Assert.Equal((begun, TcpOpening.Midstream, _sink.Reports[0].Client), (last.Id, last.Opening, last.Client));
    }

    [Fact]
    public void Whatever_comes_the_bytes_stay_below_the_limit_and_each_connection_is_told_once()
    {
        const long Limit = 500_000;
        var random = new Random(11);
        var tracker = new TcpTracker(new TcpTrackerOptions { MaximumBytes = Limit }, sink: _sink);
        for (int i = 0; i < 40_000; i++)
        {
            int flow = random.Next(3000);
            switch (random.Next(6))
            {
                case 0: Syn(tracker, flow, at: i, isn: (uint)random.Next(3)); break;
                case 1: Open(tracker, flow, at: i); break;
                case 2: Close(tracker, flow, at: i); break;
                case 3: Send(tracker, Flow(flow), TcpFlags.Ack, 1 + (uint)random.Next(200_000), 1, i, random.Next(1400)); break;
                case 4: Send(tracker, Flow(flow).Reversed, TcpFlags.Ack, 1 + (uint)random.Next(200_000), 1, i, random.Next(1400)); break;
                default: Send(tracker, Flow(flow).Reversed, TcpFlags.Rst | TcpFlags.Ack, 1, 1, i); break;
            }

            Assert.InRange(tracker.Statistics.TrackedBytes, 0, Limit);
        }

        tracker.Finish();
        Assert.Equal(Enumerable.Range(0, tracker.Statistics.Begun), _sink.Reports.Select(report => report.Id).Order());
        Assert.Equal(40_000, tracker.Segments - ExtraSegments);
        Assert.Equal(tracker.Segments, _sink.Reports.Sum(report => report.FromClient.Counters.Packets + report.FromServer.Counters.Packets));
        Assert.InRange(tracker.Statistics.PeakTrackedBytes, Limit / 2, Limit);
        Assert.Equal(tracker.Statistics.Evicted, _sink.Reports.Count(report => report.IsEvicted));
    }

    [Fact]
    public void At_the_end_the_ids_come_in_order()
    {
        var tracker = new TcpTracker(sink: _sink);
        for (int i = 0; i < 300; i++)
        {
            Syn(tracker, i, at: i);
        }

        for (int i = 0; i < 300; i += 3)
        {
            Open(tracker, i, at: 300 + i);
        }

        for (int i = 0; i < 300; i += 6)
        {
            Close(tracker, i, at: 600 + i);
        }

        tracker.Finish();
        Assert.Equal(Enumerable.Range(0, 300), _sink.Reports.Select(report => report.Id));
    }

    [Theory]
    [InlineData((60 * Second) - 1, TcpState.TimeWait)]
    [InlineData(60 * Second, TcpState.Closed)]
    public void Time_wait_ends_after_twice_the_segment_lifetime(long later, TcpState expected)
    {
        var tracker = new TcpTracker();
        Open(tracker, 0, at: 0);
        Close(tracker, 0, at: 1);
        TcpConnection connection = Assert.Single(tracker.Connections);
        Assert.Equal(TcpState.TimeWait, connection.Client.State);
        TcpConnectionReport report = TcpConnectionReport.Of(connection);
        tracker.Finish(connection.LastPacketAt + later);
        Assert.Equal(expected, connection.Client.State);
        Assert.Equal(expected, report.At(connection.LastPacketAt + later).FromClient.State);
        Assert.Equal(TcpState.Closed, connection.Server.State);
    }

    [Fact]
    public void A_syn_with_the_old_number_begins_another_connection_once_the_first_is_over()
    {
        var tracker = new TcpTracker();
        Open(tracker, 0, at: 0);
        Syn(tracker, 0, at: 1);
        Assert.Single(tracker.Connections);
        Close(tracker, 0, at: 2);
        Syn(tracker, 0, at: 3);
        Assert.Equal(2, tracker.Connections.Count);
    }

    [Fact]
    public void A_flow_hashes_the_same_in_both_directions_and_no_pattern_of_addresses_fills_one_place()
    {
        var places = new int[4096];
        Span<byte> bytes = stackalloc byte[16];
        for (uint i = 0; i < 4 * places.Length; i++)
        {
            // Both halves of the low 64 bits change alike: a hash that folds them sees one address.
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], i);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], i);
            var flow = new FlowKey(new FlowEndpoint(IpAddress.FromIpv6(bytes), 1), new FlowEndpoint(IpAddress.FromIpv6(new byte[16]), 2), IpProtocol.Tcp);
            Assert.Equal(flow.GetSymmetricHash(), flow.Reversed.GetSymmetricHash());
            places[flow.GetSymmetricHash() & (places.Length - 1)]++;
        }

        // Poisson with a mean of 4: 30 in one place has a probability of 1e-12 for all of them.
        Assert.InRange(places.Max(), 5, 30);
    }

    // Open and Close are three segments each; the first is counted by the caller.
    private long ExtraSegments { get; set; }

    private TcpConnectionReport TellOnly(FlowKey flow, in TcpSegment syn, bool hashes, bool notes)
    {
        _sink.Reports.Clear();
        var tracker = new TcpTracker(new TcpTrackerOptions { HashStreams = hashes, NotesLoneSyns = notes }, sink: _sink);
        Assert.Equal(notes, tracker.Process(in flow, in syn, new CaptureTimestamp(77), 3) is null);
        tracker.Finish();
        return Assert.Single(_sink.Reports);
    }

    private TcpTracker Conversation(TcpTrackerOptions options)
    {
        var tracker = new TcpTracker(options, sink: _sink);
        _number = 0;
        Open(tracker, 0, at: 4);
        return tracker;
    }

    private static FlowKey Flow(int index) => new(
        new FlowEndpoint(IpAddress.FromIpv4(0x0A000000u + (uint)index), 1025), new FlowEndpoint(IpAddress.FromIpv4(0xC0000201), 80), IpProtocol.Tcp);

    private void Syn(TcpTracker tracker, int flow, long at, uint isn = 0) => Send(tracker, Flow(flow), TcpFlags.Syn, isn, 0, at);

    private void Open(TcpTracker tracker, int flow, long at)
    {
        ExtraSegments += 2;
        Send(tracker, Flow(flow), TcpFlags.Syn, 0, 0, at);
        Send(tracker, Flow(flow).Reversed, TcpFlags.Syn | TcpFlags.Ack, 0, 1, at);
        Send(tracker, Flow(flow), TcpFlags.Ack, 1, 1, at);
    }

    private void Close(TcpTracker tracker, int flow, long at)
    {
        ExtraSegments += 2;
        Send(tracker, Flow(flow), TcpFlags.Fin | TcpFlags.Ack, 1, 1, at);
        Send(tracker, Flow(flow).Reversed, TcpFlags.Fin | TcpFlags.Ack, 1, 2, at);
        Send(tracker, Flow(flow), TcpFlags.Ack, 2, 2, at);
    }

    // One connection after the other, each with flights of different lengths, pieces sent again among them.
    private void Flights(TcpTracker tracker, int connections, Random random)
    {
        const int Length = 10;
        _number = 0;
        long now = 0;
        for (int flow = 0; flow < connections; flow++)
        {
            Open(tracker, flow, now += random.Next(1000));
            uint next = 1;
            int flights = random.Next(1, 30);
            for (int flight = 0; flight < flights; flight++)
            {
                int pieces = random.Next(1, 1 << random.Next(1, 6));
                for (int piece = 0; piece < pieces; piece++)
                {
                    Send(tracker, Flow(flow), TcpFlags.Ack, next + (uint)(Length * piece), 1, now += random.Next(1000), Length);
                }

                if (random.Next(5) == 0)
                {
                    Send(tracker, Flow(flow), TcpFlags.Ack, next + (uint)(Length * random.Next(pieces)), 1, now += random.Next(1000), Length);
                }

                next += (uint)(Length * pieces);
                Send(tracker, Flow(flow).Reversed, TcpFlags.Ack, 1, next, now += random.Next(1000));
            }

            Send(tracker, Flow(flow), TcpFlags.Fin | TcpFlags.Ack, next, 1, now);
            Send(tracker, Flow(flow).Reversed, TcpFlags.Fin | TcpFlags.Ack, 1, next + 1, now);
            Send(tracker, Flow(flow), TcpFlags.Ack, next + 1, 2, now);
        }
    }

    private void Data(TcpTracker tracker, int flow, long at) => Send(tracker, Flow(flow), TcpFlags.Ack, 1, 1, at, 10);

    private void Send(TcpTracker tracker, FlowKey flow, TcpFlags flags, uint sequence, uint acknowledgment, long at, int length = 0)
    {
        var segment = new TcpSegment
        {
            Sequence = new SequenceNumber(sequence),
            Acknowledgment = new SequenceNumber(acknowledgment),
            Flags = flags,
            WindowField = 64000,
            Length = length,
            Payload = new byte[length],
        };
        tracker.Process(in flow, in segment, new CaptureTimestamp(at), ++_number);
    }

    private sealed class Sink : ITcpConnectionSink
    {
        internal List<TcpConnectionReport> Reports { get; } = [];

        public void Take(in TcpConnectionReport report) => Reports.Add(report);
    }
}
