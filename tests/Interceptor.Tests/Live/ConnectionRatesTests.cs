using Interceptor.Capture.Live;
using Interceptor.Cli.Live;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Activity;
using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Live;

public sealed class ConnectionRatesTests
{
    private const long Second = 1_000_000_000;

    private const string Established = """
        +0  > S  0:0(0) win 3000 <mss 1000>
        +.1 < S. 0:0(0) ack 1 win 3000 <mss 1000>
        +.1 > .  1:1(0) ack 1 win 3000

        """;

    [Fact]
    public void Rates_are_what_came_between_two_instants()
    {
        TcpTracker tracker = TrackerScript.Run(Established);
        var rates = new ConnectionRates();
        ConnectionRow first = Assert.Single(rates.Update(tracker.Connections, 5 * Second));
        Assert.Equal(0, first.ClientRate);
        Assert.Equal("ESTABLISHED", first.State);
        Assert.Equal(200_000_000, first.RoundTrip);
        Send(tracker, 1, 1000);
        ConnectionRow second = Assert.Single(rates.Update(tracker.Connections, 7 * Second));
        Assert.Equal(4000, second.ClientRate);
        Assert.Equal(0, second.ServerRate);
        Assert.Equal(0.5, second.PacketRate);
        Assert.Equal(1000, second.Bytes);
        Assert.Equal(0, Assert.Single(rates.Update(tracker.Connections, 8 * Second)).ClientRate);
        Assert.Equal(0, Assert.Single(rates.Update(tracker.Connections, 9 * Second)).PacketRate);
        Send(tracker, 1001, 1000);
        Assert.Equal(8000, Assert.Single(rates.Update(tracker.Connections, 10 * Second)).ClientRate);
    }

    [Fact]
    public void A_full_window_shows_as_long_as_it_gets_full_and_a_closed_one_as_long_as_it_is()
    {
        TcpTracker tracker = TrackerScript.Run(Established + """
            +0 > P. 1:1001(1000) ack 1 win 3000
            +0 > P. 1001:3001(2000) ack 1 win 3000
            """);
        var rates = new ConnectionRates();
        Assert.Equal(">full", Assert.Single(rates.Update(tracker.Connections, Second)).Limit);
        Assert.Equal("", Assert.Single(rates.Update(tracker.Connections, 2 * Second)).Limit);
        TcpTracker closed = TrackerScript.Run(Established + """
            +0 > P. 1:1001(1000) ack 1 win 3000
            +0 < .  1:1(0) ack 1001 win 0
            """);
        var others = new ConnectionRates();
        Assert.Equal(">zero", Assert.Single(others.Update(closed.Connections, Second)).Limit);
        Assert.Equal(">zero", Assert.Single(others.Update(closed.Connections, 2 * Second)).Limit);
    }

    [Fact]
    public void Retransmissions_are_told_as_a_share_of_all_segments()
    {
        TcpTracker tracker = TrackerScript.Run(Established + """
            +0 > P. 1:1001(1000) ack 1 win 3000
            +1 > P. 1:1001(1000) ack 1 win 3000
            """);
        Assert.Equal(0.2, Assert.Single(new ConnectionRates().Update(tracker.Connections, 0)).RetransmissionShare);
    }

    [Fact]
    public void A_connection_that_is_over_says_how_it_ended()
    {
        TcpTracker tracker = TrackerScript.Run(Established + "+0 < R. 1:1(0) ack 1 win 0");
        ConnectionRow row = Assert.Single(new ConnectionRates().Update(tracker.Connections, 0));
        Assert.Equal("reset", row.State);
        Assert.True(row.IsOver);
        Assert.Equal("", row.Limit);
    }

    [Fact]
    public void The_average_reaches_ten_seconds_back_and_no_further()
    {
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run(Established, observer);
        var rates = new ConnectionRates(observer);
        rates.Update(tracker.Connections, 0);
        Send(tracker, 1, 1000);
        ConnectionRow row = Assert.Single(rates.Update(tracker.Connections, Second));
        Assert.Equal((8000, 8000), (row.Rate, row.Average));
        for (int i = 2; i <= 10; i++)
        {
            row = Assert.Single(rates.Update(tracker.Connections, i * Second));
        }

        Assert.Equal((0, 800), (row.Rate, row.Average));
        Assert.Equal(0, Assert.Single(rates.Update(tracker.Connections, 11 * Second)).Average);
        for (int i = 12; i < 100; i++)
        {
            rates.Update(tracker.Connections, i * Second);
        }

        Send(tracker, 1001, 1000);
        Assert.Equal(800, Assert.Single(rates.Update(tracker.Connections, 100 * Second)).Average);
    }

    [Fact]
    public void What_was_sent_again_is_a_share_of_the_bytes_lately_and_in_all()
    {
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run(Established, observer);
        var rates = new ConnectionRates(observer);
        rates.Update(tracker.Connections, 0);
        Send(tracker, 1, 1000);
        Send(tracker, 1, 1000);
        ConnectionRow row = Assert.Single(rates.Update(tracker.Connections, Second));
        Assert.Equal((0.5, 0.5, 1L), (row.RecentRepeatedShare, row.RepeatedShare, row.Retransmissions));
        rates.Update(tracker.Connections, 2 * Second);
        Send(tracker, 1001, 1000);
        Send(tracker, 2001, 1000);
        row = Assert.Single(rates.Update(tracker.Connections, 12 * Second));
        Assert.Equal((0, 0.25), (row.RecentRepeatedShare, row.RepeatedShare));
    }

    [Fact]
    public void A_connection_that_is_over_stays_for_a_while_and_goes()
    {
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run(Established + "+0 < R. 1:1(0) ack 1 win 0", observer);
        var rates = new ConnectionRates(observer, lingering: 5 * Second);
        Assert.True(Assert.Single(rates.Update(tracker.Connections, 0)).IsOver);
        Assert.Single(rates.Update(tracker.Connections, 4 * Second));
        Assert.Empty(rates.Update(tracker.Connections, 5 * Second));
        Assert.Empty(rates.Update(tracker.Connections, 6 * Second));
    }

    [Fact]
    public void A_connection_of_which_only_half_the_end_was_seen_goes_too()
    {
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run(Established + "+0 < F. 1:1(0) ack 1 win 3000", observer);
        CaptureTimestamp last = tracker.Connections[0].LastPacketAt;
        var rates = new ConnectionRates(observer, lingering: 5 * Second);
        Assert.Single(rates.Update(tracker.Connections, 0, last + (119 * Second)));
        Assert.Single(rates.Update(tracker.Connections, 2 * Second, last + (121 * Second)));
        Assert.Empty(rates.Update(tracker.Connections, 7 * Second, last + (126 * Second)));
        Send(tracker, 1, 1000);
        Assert.Single(rates.Update(tracker.Connections, 8 * Second, last + (10 * Second)));
    }

    [Theory]
    [InlineData("server", 33, 3, "nginx[4242]+3")]
    [InlineData("both", 33, 0, "curl[7] > nginx[4242]")]
    [InlineData("none", 33, 0, "")]
    public void The_process_column_names_the_ends_that_are_known(string known, int uid, int others, string text)
    {
        ConnectionRow row = Assert.Single(new ConnectionRates().Update(TrackerScript.Run(Established).Connections, 0)) with
        {
            ClientOwner = known == "both" ? new ConnectionOwner("curl", 7, 0, (uint)uid) : null,
            ServerOwner = known == "none" ? null : new ConnectionOwner("nginx", 4242, others, (uint)uid),
        };
        Assert.Equal(text, row.Process);
        Assert.Equal("uid 33", (row with { ClientOwner = new ConnectionOwner("", 0, 0, 33), ServerOwner = null }).Process);
    }

    [Fact]
    public void A_closed_window_is_told_however_long_nothing_comes()
    {
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run(Established + """
            +0 > . 1:1001(1000) ack 1 win 3000
            +0 < . 1:1(0) ack 1001 win 0
            """, observer);
        CaptureTimestamp last = tracker.Connections[0].LastPacketAt;
        var rates = new ConnectionRates(observer);
        ConnectionRow? row = null;
        for (int i = 0; i < 60; i++)
        {
            row = Assert.Single(rates.Update(tracker.Connections, i * Second, last + (i * Second)));
        }

        Assert.Equal(">stall 100%", LimitWords.Short(row!));
        Assert.InRange(row!.ClientLimits.Stalled, 9 * Second, 11 * Second);
        Assert.Equal(0, row.ServerLimits.Total);
    }

    [Fact]
    public void Rows_carry_their_interface_and_their_owner_once_it_is_known()
    {
        var owners = new LateOwners();
        TcpTracker tracker = TrackerScript.Run(Established);
        var rates = new ConnectionRates(null, owners, "eth0");
        ConnectionRow row = Assert.Single(rates.Update(tracker.Connections, 0));
        Assert.Equal(("eth0", ""), (row.Interface, row.Process));
        rates.Update(tracker.Connections, Second);
        owners.Client = new ConnectionOwner("cu\x1brl", 7, 0, 0);
        Assert.Equal("cu\\x1brl[7]", Assert.Single(rates.Update(tracker.Connections, 2 * Second)).Process);
        Send(tracker, 1, 1000);
        row = Assert.Single(rates.Update(tracker.Connections, 3 * Second));
        Assert.Equal((1000, "cu\\x1brl[7]"), (row.Bytes, row.Process));
    }

    [Theory]
    [InlineData("sender", SendLimit.Network)]
    [InlineData("receiver", SendLimit.Receiver)]
    [InlineData("nobody", SendLimit.Unknown)]
    public void Of_a_connection_that_is_older_than_the_capture_the_kernel_is_asked_once(string here, SendLimit expected)
    {
        // The window field is 1000: 4000 bytes by the sender's kernel, 2000 by the receiver's.
        var observer = new TcpActivityObserver();
        TcpTracker tracker = TrackerScript.Run("""
            +0 > . 1:1(0) ack 1 win 3000
            +0 < . 1:1(0) ack 1 win 1000
            """, observer);
        var owners = new LateOwners { Here = here == "sender" ? TrackerScript.Local : here == "receiver" ? TrackerScript.Peer : null };
        var rates = new ConnectionRates(observer, owners);
        rates.Update(tracker.Connections, 0);
        Assert.Equal(0, owners.Asked);
        Send(tracker, 1, 1000);
        rates.Update(tracker.Connections, Second);
        int asked = owners.Asked;
        Assert.InRange(asked, 1, 2);
        Send(tracker, 1001, 1000);
        rates.Update(tracker.Connections, 2 * Second);
        Assert.Equal(asked, owners.Asked);
        Assert.True(observer.TryFind(tracker.Connections[0], out TcpActivity? activity));
        Assert.Equal(expected, activity.Client.Limit);
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(7, "7")]
    [InlineData(999.4, "999")]
    [InlineData(999.6, "1.00k")]
    [InlineData(12_345, "12.3k")]
    [InlineData(999_600, "1.00M")]
    [InlineData(123_456_789, "123M")]
    [InlineData(9e12, "9.00T")]
    public void A_rate_has_three_digits_and_a_unit(double rate, string text) => Assert.Equal(text, LiveWords.Short(rate));

    private static void Send(TcpTracker tracker, long first, int length)
    {
        TcpSegment segment = TcpScriptSegment.Create(TcpScriptLine.Parse($"+0 > P. {first}:{first + length}({length}) ack 1 win 3000", 1)!, isLocal: true);
        var flow = new FlowKey(TrackerScript.Local, TrackerScript.Peer, IpProtocol.Tcp);
        tracker.Process(in flow, in segment, new CaptureTimestamp(Second), 9);
    }

    private sealed class LateOwners : IConnectionOwners
    {
        internal ConnectionOwner? Client { get; set; }

        internal FlowEndpoint? Here { get; set; }

        internal int Asked { get; private set; }

        public ConnectionOwner? Find(FlowEndpoint local, FlowEndpoint peer) => local == TrackerScript.Local ? Client : null;

        public SocketWindows? FindWindows(FlowEndpoint local, FlowEndpoint peer)
        {
            Asked++;
            return local == Here ? new SocketWindows(OwnShift: 1, PeerShift: 2, SegmentLength: 1000, PeerSegmentLength: 2000) : null;
        }
    }
}
