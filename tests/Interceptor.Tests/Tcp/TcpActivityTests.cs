using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Activity;
using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>What holds an end back: seen at the client, whose own answers come at once.</summary>
public sealed class TcpActivityTests
{
    private const long Milli = 1_000_000;

    private const string Established = """
        +0  > S  0:0(0) win 3000 <mss 1000>
        +.1 < S. 0:0(0) ack 1 win 3000 <mss 1000>
        +0  > .  1:1(0) ack 1 win 3000

        """;

    private const string WithRoom = """
        +0  > S  0:0(0) win 30000 <mss 1000>
        +.1 < S. 0:0(0) ack 1 win 30000 <mss 1000>
        +0  > .  1:1(0) ack 1 win 30000

        """;

    [Fact]
    public void A_window_without_room_for_a_segment_is_the_receivers_limit()
    {
        SenderActivity client = Client(Established + """
            +0  > . 1:1001(1000) ack 1 win 3000
            +0  > . 1001:2001(1000) ack 1 win 3000
            +0  > . 2001:3001(1000) ack 1 win 3000
            +.2 < . 1:1(0) ack 3001 win 3000
            """, 50);
        Assert.Equal(new SendLimitTimes { Receiver = 200 * Milli, Application = 50 * Milli }, client.TimesAt(Clock));
        Assert.Equal(SendLimit.Receiver, client.TimesAt(Clock).Longest);
    }

    [Fact]
    public void A_closed_window_stalls_for_as_long_as_it_is_closed()
    {
        SenderActivity client = Client(Established + """
            +0  > . 1:1001(1000) ack 1 win 3000
            +.1 < . 1:1(0) ack 1001 win 0
            +.3 < . 1:1(0) ack 1001 win 3000
            """, 0);
        Assert.Equal(300 * Milli, client.TimesAt(Clock).Stalled);
        Assert.Equal(SendLimit.Application, client.Limit);
    }

    [Fact]
    public void Whole_segments_under_way_and_room_for_more_wait_for_the_network()
    {
        SenderActivity client = Client(WithRoom + """
            +0  > . 1:1001(1000) ack 1 win 30000
            +0  > P. 1001:2001(1000) ack 1 win 30000
            """, 70);
        Assert.Equal(SendLimit.Network, client.Limit);
        Assert.Equal(70 * Milli, client.TimesAt(Clock).Network);
    }

    [Fact]
    public void A_short_segment_with_a_push_ends_what_the_application_had_to_send()
    {
        SenderActivity client = Client(WithRoom + """
            +0  > . 1:1001(1000) ack 1 win 30000
            +0  > P. 1001:1501(500) ack 1 win 30000
            """, 70);
        Assert.Equal(new SendLimitTimes { Application = 70 * Milli }, client.TimesAt(Clock));
    }

    [Fact]
    public void A_short_segment_in_a_full_window_is_no_limit_of_the_receiver()
    {
        SenderActivity client = Client(Established + """
            +0  > . 1:1001(1000) ack 1 win 3000
            +0  > P. 1001:2501(1500) ack 1 win 3000
            """, 0);
        Assert.Equal(SendLimit.Application, client.Limit);
    }

    [Fact]
    public void What_is_sent_again_counts_as_the_network_until_it_is_acknowledged()
    {
        SenderActivity client = Client(WithRoom + """
            +0  > P. 1:501(500) ack 1 win 30000
            +.3 > P. 1:501(500) ack 1 win 30000
            +.1 < . 1:1(0) ack 501 win 30000
            """, 0);
        Assert.Equal(new SendLimitTimes { Application = 300 * Milli, Network = 100 * Milli }, client.TimesAt(Clock));
        Assert.Equal(500, client.RetransmittedBytes);
    }

    [Fact]
    public void Without_a_handshake_the_window_is_not_known_and_nothing_is_said_of_it()
    {
        SenderActivity client = Client("""
            +0  > . 1:1001(1000) ack 1 win 3000
            +0  < . 1:1(0) ack 1 win 1000
            """, 0);
        Assert.Equal(SendLimit.Unknown, client.Limit);
    }

    [Theory]
    [InlineData(0, 1000, "+0 > . 1001:3001(2000) ack 1 win 30000", SendLimit.Receiver)]
    [InlineData(1, 1000, "+0 > . 1001:3001(2000) ack 1 win 30000", SendLimit.Receiver)]
    [InlineData(2, 1000, "+0 > . 1001:3001(2000) ack 1 win 30000", SendLimit.Network)]
    [InlineData(1, 500, "+0 > . 1001:2001(1000) ack 1 win 30000", SendLimit.Network)]
    [InlineData(1, 1500, "+0 > P. 1001:1701(700) ack 1 win 30000", SendLimit.Application)]
    public void Without_a_handshake_what_was_agreed_may_be_learned_and_then_it_is_told(int shift, int segmentLength, string next, SendLimit expected)
    {
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run("""
            +0  > . 1:1001(1000) ack 1 win 30000
            +0  < . 1:1(0) ack 1001 win 1000
            """, observer);
        Assert.True(observer.TryFind(tracker.Connections[0], out TcpActivity? activity));
        activity.Client.Learn(shift, segmentLength);
        TcpSegment segment = TcpScriptSegment.Create(TcpScriptLine.Parse(next, 1)!, isLocal: true);
        tracker.Process(new FlowKey(TrackerScript.Local, TrackerScript.Peer, IpProtocol.Tcp), in segment, tracker.Connections[0].LastPacketAt, 9);
        Assert.Equal(expected, activity.Client.Limit);
        Assert.Equal(TcpOpening.Midstream, tracker.Connections[0].Opening);
    }

    [Fact]
    public void A_connection_of_which_only_probes_of_a_closed_window_are_seen_is_stalled()
    {
        SenderActivity client = Client("""
            +0 > . 1:1(0) ack 1 win 3000
            +0 < . 1:1(0) ack 2 win 0
            +1 > . 1:1(0) ack 1 win 3000
            +0 < . 1:1(0) ack 2 win 0
            """, 500);
        Assert.Equal(SendLimit.Stalled, client.Limit);
        Assert.Equal(new SendLimitTimes { Stalled = 1500 * Milli }, client.TimesAt(Clock));
    }

    [Theory]
    [InlineData("+0 < R. 1:1(0) ack 2 win 0")]
    [InlineData("+0 < F. 1:1(0) ack 2 win 0")]
    [InlineData("+0 < . 1:1(0) ack 2 win 1")]
    public void Where_no_data_and_no_closed_window_is_seen_nothing_is_kept(string answer)
    {
        var observer = new TcpActivityObserver();
        TrackerScript.Run("+0 > . 1:1(0) ack 1 win 3000\n" + answer, observer);
        Assert.Equal(0, observer.Count);
    }

    [Fact]
    public void What_the_handshake_said_is_not_learned_anew()
    {
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run(WithRoom + "+0 > . 1:1001(1000) ack 1 win 30000", observer);
        Assert.True(observer.TryFind(tracker.Connections[0], out TcpActivity? activity));
        SendLimit before = activity.Client.Limit;
        activity.Client.Learn(14, 1);
        TcpSegment segment = TcpScriptSegment.Create(TcpScriptLine.Parse("+0 > . 1001:2001(1000) ack 1 win 30000", 1)!, isLocal: true);
        tracker.Process(new FlowKey(TrackerScript.Local, TrackerScript.Peer, IpProtocol.Tcp), in segment, tracker.Connections[0].LastPacketAt, 9);
        Assert.Equal(before, activity.Client.Limit);
    }

    [Theory]
    [InlineData(-1, 1000)]
    [InlineData(15, 1000)]
    [InlineData(0, 0)]
    public void What_no_handshake_can_say_is_refused(int shift, int segmentLength) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Client("+0  > . 1:1001(1000) ack 1 win 3000", 0).Learn(shift, segmentLength));

    [Fact]
    public void Far_from_the_sender_its_idleness_is_not_to_be_seen_but_a_closed_window_is()
    {
        const string Far = """
            +0  > S  0:0(0) win 3000 <mss 1000>
            +0  < S. 0:0(0) ack 1 win 3000 <mss 1000>
            +.1 > .  1:1(0) ack 1 win 3000
            +0  > P. 1:501(500) ack 1 win 3000

            """;
        Assert.Equal(SendLimit.Unknown, Client(Far + "+0 < . 1:1(0) ack 501 win 3000", 0).Limit);
        Assert.Equal(SendLimit.Stalled, Client(Far + "+0 < . 1:1(0) ack 501 win 0", 0).Limit);
    }

    [Fact]
    public void A_sender_whose_handshake_was_slow_is_near_when_it_echoes_timestamps_at_once()
    {
        const string Slow = """
            +0  > S  0:0(0) win 30000 <mss 1000,TS val 1 ecr 0>
            +0  < S. 0:0(0) ack 1 win 30000 <mss 1012,TS val 1 ecr 1>
            +.1 > .  1:1(0) ack 1 win 30000 <TS val 2 ecr 1>
            +0  > .  1:1001(1000) ack 1 win 30000 <TS val 2 ecr 1>
            +.1 < .  1:1(0) ack 1001 win 30000 <TS val 200 ecr 2>

            """;
        SenderActivity far = Client(Slow + "+.05 > . 1001:2001(1000) ack 1 win 30000 <TS val 3 ecr 200>", 0);
        Assert.Equal((SendLimit.Unknown, 50 * Milli), (far.Limit, far.AnswerTime!.Value));
        SenderActivity near = Client(Slow + """
            +0  > . 1001:2001(1000) ack 1 win 30000 <TS val 3 ecr 1>
            +.0005 > . 2001:3001(1000) ack 1 win 30000 <TS val 3 ecr 200>
            """, 0);
        Assert.Equal((SendLimit.Network, Milli / 2), (near.Limit, near.AnswerTime!.Value));
    }

    [Fact]
    public void The_segment_size_is_that_of_the_peer_without_the_timestamps()
    {
        SenderActivity client = Client("""
            +0  > S  0:0(0) win 30000 <mss 1000,TS val 1 ecr 0>
            +.1 < S. 0:0(0) ack 1 win 30000 <mss 1012,TS val 1 ecr 1>
            +0  > .  1:1(0) ack 1 win 30000 <TS val 2 ecr 1>
            +0  > P. 1:1001(1000) ack 1 win 30000 <TS val 2 ecr 1>
            """, 0);
        Assert.Equal(SendLimit.Network, client.Limit);
    }

    [Fact]
    public void The_recent_round_trip_is_the_median_of_the_newest()
    {
        string script = WithRoom;
        for (int i = 0; i < 40; i++)
        {
            script += $"""
                +0  > P. {1 + (i * 10)}:{11 + (i * 10)}(10) ack 1 win 30000
                +{(i < 20 ? ".5" : ".02")} < . 1:1(0) ack {11 + (i * 10)} win 30000

                """;
        }

        Assert.Equal(20 * Milli, Client(script, 0).RecentRoundTrip);
        Assert.Null(Client(WithRoom + "+0  > P. 1:11(10) ack 1 win 30000", 0).RecentRoundTrip);
    }

    [Fact]
    public void What_the_tracker_is_done_with_is_forgotten()
    {
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run(WithRoom + "+0 > P. 1:11(10) ack 1 win 30000", observer);
        Assert.True(observer.TryFind(tracker.Connections[0], out _));
        observer.Take(new TcpConnectionReport { Id = 1 });
        Assert.Equal(1, observer.Count);
        observer.Take(new TcpConnectionReport { Id = 0 });
        Assert.Equal(0, observer.Count);
    }

    private CaptureTimestamp Clock { get; set; }

    // The local end's activity; the clock is that many milliseconds behind the last packet.
    private SenderActivity Client(string script, int after)
    {
        var observer = new TcpActivityObserver();
        TcpConnection connection = Assert.Single(TrackerScript.Run(script, observer).Connections);
        Clock = connection.LastPacketAt + (after * Milli);
        Assert.True(observer.TryFind(connection, out TcpActivity? activity));
        return activity.Client;
    }
}
