using Interceptor.Cli.Live;
using Interceptor.Packets;
using Interceptor.Tcp;
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
}
