using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class WindowTests
{
    [Fact]
    public void A_zero_window_and_its_probe_are_seen() => TrackerScript.Run("""
        +0  > S  0:0(0) win 64240 <mss 1000>
        +0  < S. 0:0(0) ack 1 win 1000 <mss 1000>
        +0  > P. 1:1001(1000) ack 1 win 64240
        +0  ? WindowFull=1 SndWnd=1000
        +0  < .  1:1(0) ack 1001 win 0
        +0  ? SndWnd=0 MaxWindow=1000 peer.ZeroWindows=1
        +.5 > P. 1001:1002(1) ack 1 win 64240
        +0  ? WindowFull=1 KeepAlives=0 StreamBytes=1001
        +0  < .  1:1(0) ack 1002 win 5000
        +0  ? SndWnd=5000 MaxWindow=5000 SndUna=1002
        """);

    [Fact]
    public void An_old_segment_does_not_change_the_window() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <mss 1000>
        +0 < S. 0:0(0) ack 1 win 9000 <mss 1000>
        +0 > P. 1:1001(1000) ack 1 win 64240
        +0 < P. 1:101(100) ack 1001 win 8000
        +0 ? SndWnd=8000 SndWl1=1
        +0 < P. 101:201(100) ack 1001 win 7000
        +0 ? SndWnd=7000 SndWl1=101
        +0 < P. 1:101(100) ack 1001 win 6000
        +0 ? SndWnd=7000 SndWl1=101
        +0 < .  101:101(0) ack 1001 win 7500
        +0 ? SndWnd=7500 MaxWindow=9000
        """);

    [Fact]
    public void An_acknowledgment_that_was_overtaken_does_not_take_the_advertised_window_back() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <mss 1000>
        +0 < S. 0:0(0) ack 1 win 9000 <mss 1000>
        +0 > P. 1:3001(3000) ack 1 win 64240
        +0 < .  1:1(0) ack 3001 win 6000
        +0 < .  1:1(0) ack 2001 win 7000
        +0 ? peer.RcvWup=3001 peer.RcvWnd=6000 SndUna=3001 SndWnd=6000
        +0 < .  1:1(0) ack 3001 win 9000
        +0 ? peer.RcvWup=3001 peer.RcvWnd=9000 SndWnd=9000
        """);

    [Fact]
    public void Data_beyond_the_window_does_not_reach_the_receiver() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <mss 1000>
        +0 < S. 0:0(0) ack 1 win 1000 <mss 1000>
        +0 > .  1:1(0) ack 1 win 64240
        +0 > P. 2001:2101(100) ack 1 win 64240
        +0 ? peer.RcvNxt=1 peer.OutOfOrderBytes=0 StreamBytes=100
        """);

    [Fact]
    public void A_connection_seen_from_its_middle_is_assumed_established() => TrackerScript.Run("""
        +0 < P. 5001:5101(100) ack 9001 win 300
        +0 ? State=ESTABLISHED peer.State=ESTABLISHED Opening=Midstream Confidence=Assumed Client=peer SndUna=9001 SndNxt=9001 RcvNxt=5101
        +0 > .  9001:9001(0) ack 5101 win 400
        +0 ? peer.SndUna=5101 peer.StreamBytes=100 peer.MissingBytes=0 Iss=none
        """);

    [Fact]
    public void An_earlier_segment_still_counts_where_the_beginning_was_not_seen() => TrackerScript.Run("""
        +0 > P. 1001:2001(1000) ack 1 win 300
        +0 > P. 1:1001(1000) ack 1 win 300
        +0 finish
        +0 ? StreamBytes=2000 MissingBytes=0 UnhashedBytes=0 Delivered=2000 Pattern=same
        """);

    [Fact]
    public void A_one_sided_capture_keeps_its_queue_bounded()
    {
        var script = new System.Text.StringBuilder("+0 > . 1:1(0) ack 1 win 300\n");
        for (int i = 0; i < 10_000; i++)
        {
            script.Append(System.Globalization.CultureInfo.InvariantCulture, $"+.001 > . {1 + (i * 10)}:{11 + (i * 10)}(10) ack 1 win 300\n");
        }

        Interceptor.Tcp.TcpTracker tracker = TrackerScript.Run(script.ToString());
        Interceptor.Tcp.TcpEndpoint sender = tracker.Connections[0].First;
        Assert.Equal(100_000, sender.WriteQueue.InFlightBytes);
        Assert.InRange(sender.WriteQueue.SegmentCount, 1, Interceptor.Tcp.WriteQueue.MaximumSegments);
    }
}
