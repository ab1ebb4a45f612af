using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class RetransmissionTimerTests
{
    private const long Millisecond = 1_000_000;
    private static readonly FlowKey Flow = new(new FlowEndpoint(IpAddress.FromIpv4(1), 40000), new FlowEndpoint(IpAddress.FromIpv4(2), 80), IpProtocol.Tcp);
    private readonly TcpTracker _tracker = new();
    private bool _hasSack = true;

    [Fact]
    public void A_SYN_comes_again_after_a_second_and_four_times_so()
    {
        Show(0, true, 0, 0, TcpFlags.Syn);
        Assert.Equal(1000, Next());
        Show(1000, true, 0, 0, TcpFlags.Syn);
        Assert.Equal(2000, Next());
        for (int second = 2; second <= 5; second++)
        {
            Show(second * 1000, true, 0, 0, TcpFlags.Syn);
        }

        Assert.Equal(5000 + 2000, Next());
    }

    [Fact]
    public void A_lone_segment_comes_again_after_the_round_trip_and_200_ms_then_once_more_so_and_then_doubled()
    {
        Open(roundTrip: 40);
        Show(100, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(100 + 40 + 200, Next());
        Show(340, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(340 + 240, Next());
        Show(580, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(580 + 480, Next());
        Show(1060, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(1060 + 960, Next());
    }

    [Fact]
    public void Without_SACK_there_is_no_probe_and_the_first_timeout_doubles()
    {
        _hasSack = false;
        Open(roundTrip: 40);
        Show(100, true, 1, 1, TcpFlags.Ack, 10);
        Show(340, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(340 + 480, Next());
    }

    [Fact]
    public void Of_several_segments_the_tail_is_probed_first_and_then_the_oldest_is_due()
    {
        Open(roundTrip: 40);
        Show(100, true, 1, 1, TcpFlags.Ack, 10);
        Show(110, true, 11, 1, TcpFlags.Ack, 10);
        Assert.Equal(110 + 80 + 2, Next());
        Show(192, true, 11, 1, TcpFlags.Ack, 10);
        Assert.Equal(100 + 240, Next());
    }

    [Fact]
    public void Who_sees_one_direction_only_learns_the_timeout_from_the_first_retransmission()
    {
        Show(0, true, 0, 0, TcpFlags.Syn);
        Show(10, true, 1, 1, TcpFlags.Ack);
        Show(100, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Null(RetransmissionTimer.NextAt(_tracker.Connections[0].Client));
        Show(340, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(340 + 240, Next());
        Show(580, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(580 + 480, Next());
        Show(600, true, 11, 1, TcpFlags.Ack, 10);
        TcpEndpoint client = _tracker.Connections[0].Client;
        Assert.Null(RetransmissionTimer.NextAt(client, new SequenceNumber(11)));
        Show(850, true, 11, 1, TcpFlags.Ack, 10);
        Assert.Equal((850 + 250) * Millisecond, RetransmissionTimer.NextAt(client, new SequenceNumber(11)));
    }

    [Fact]
    public void A_variation_above_50_ms_counts_four_times()
    {
        Open(roundTrip: 400);
        Assert.Equal(400 + (4 * 200), RetransmissionTimer.Timeout(_tracker.Connections[0].Client) / Millisecond);

        // Then a lone segment is probed before.
        Show(1000, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(1000 + (2 * 400) + 200, Next());
        Show(2000, true, 1, 1, TcpFlags.Ack, 10);
        Assert.Equal(2000 + 1200, Next());
    }

    [Fact]
    public void Nothing_in_flight_or_a_reset_connection_has_no_timer()
    {
        Open(roundTrip: 40);
        Assert.Null(RetransmissionTimer.NextAt(_tracker.Connections[0].Client));
        Show(100, true, 1, 1, TcpFlags.Ack, 10);
        Show(110, false, 1, 11, TcpFlags.Ack);
        Assert.Null(RetransmissionTimer.NextAt(_tracker.Connections[0].Client));
        Show(120, true, 11, 1, TcpFlags.Ack, 10);
        Assert.NotNull(RetransmissionTimer.NextAt(_tracker.Connections[0].Client));
        Show(130, false, 1, 11, TcpFlags.Rst | TcpFlags.Ack);
        Assert.Null(RetransmissionTimer.NextAt(_tracker.Connections[0].Client));
    }

    [Fact]
    public void The_variation_is_that_of_the_RFC()
    {
        var times = new RoundTripTimes();
        times.Add(800);
        Assert.Equal((800, 400), (times.Smoothed, times.Variation));
        times.Add(1600);
        Assert.Equal((900, 500), (times.Smoothed, times.Variation));
    }

    private double Next() => RetransmissionTimer.NextAt(_tracker.Connections[0].Client)!.Value / (double)Millisecond;

    private void Open(int roundTrip)
    {
        Show(0, true, 0, 0, TcpFlags.Syn);
        Show(roundTrip, false, 0, 1, TcpFlags.Syn | TcpFlags.Ack);
        Show(roundTrip, true, 1, 1, TcpFlags.Ack);
    }

    private void Show(int milliseconds, bool fromClient, uint sequence, uint acknowledgment, TcpFlags flags, int length = 0)
    {
        FlowKey flow = fromClient ? Flow : Flow.Reversed;
        bool isSyn = (flags & TcpFlags.Syn) != 0;
        var segment = new TcpSegment
        {
            Sequence = new SequenceNumber(sequence),
            Acknowledgment = new SequenceNumber(acknowledgment),
            Flags = flags,
            WindowField = 60000,
            Length = length,
            Payload = new byte[length],
            Options = new TcpOptionSummary { SackPermitted = isSyn && _hasSack, MaximumSegmentSize = isSyn ? (ushort)1460 : null },
        };
        _tracker.Process(in flow, in segment, new CaptureTimestamp(milliseconds * Millisecond), 1);
    }
}
