using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>Each class of segments, told by the queues, SACK and timestamps. The scripts' numbers begin just below 2^32, so the data of each crosses the wrap.</summary>
public sealed class AnalysisTests
{
    // The way from the observer to the local end and back takes 10 ms, to the peer and back 40 ms.
    private const string Handshake = """
        +0   > S  0:0(0) win 64240 <mss 1000,sackOK>
        +.04 < S. 0:0(0) ack 1 win 65160 <mss 1000,sackOK>
        +.01 > .  1:1(0) ack 1 win 64240

        """;

    private const string TimedHandshake = """
        +0   > S  0:0(0) win 64240 <mss 1000,sackOK,TS val 100 ecr 0>
        +.04 < S. 0:0(0) ack 1 win 65160 <mss 1000,sackOK,TS val 900 ecr 100>
        +.01 > .  1:1(0) ack 1 win 64240 <TS val 150 ecr 900>

        """;

    [Fact]
    public void What_was_seen_before_is_a_retransmission_however_soon_it_comes() => TrackerScript.Run(Handshake + """
        +0     > . 1:1001(1000) ack 1 win 64240
        +0     > . 1001:2001(1000) ack 1 win 64240
        +.0001 > . 1:1001(1000) ack 1 win 64240
        +0     ? Retransmissions=1 OutOfOrder=0 FastRetransmissions=0 SpuriousRetransmissions=0
        """);

    [Fact]
    public void A_gap_filled_sooner_than_an_answer_could_come_is_reordering() => TrackerScript.Run(Handshake + """
        +0    > . 1:1001(1000) ack 1 win 64240
        +0    > . 2001:3001(1000) ack 1 win 64240
        +0    > . 3001:4001(1000) ack 1 win 64240
        +0    < . 1:1(0) ack 1001 win 65160 <sack 2001:3001>
        +0    < . 1:1(0) ack 1001 win 65160 <sack 2001:4001>
        +0    ? peer.DuplicateAcks=1 LostSegments=1
        +.004 > . 1001:2001(1000) ack 1 win 64240
        +0    ? OutOfOrder=1 Retransmissions=0
        """);

    [Fact]
    public void A_gap_filled_once_the_answer_could_come_is_a_retransmission() => TrackerScript.Run(Handshake + """
        +0    > . 1:1001(1000) ack 1 win 64240
        +0    > . 2001:3001(1000) ack 1 win 64240
        +0    > . 3001:4001(1000) ack 1 win 64240
        +0    < . 1:1(0) ack 1001 win 65160 <sack 2001:3001>
        +0    < . 1:1(0) ack 1001 win 65160 <sack 2001:4001>
        +0    < . 1:1(0) ack 1001 win 65160 <sack 2001:4001>
        +.012 > . 4001:5001(1000) ack 1 win 64240
        +0    > . 1001:2001(1000) ack 1 win 64240
        +0    ? OutOfOrder=0 Retransmissions=1 FastRetransmissions=1
        """);

    [Fact]
    public void A_gap_that_nobody_reported_is_not_resent_before_a_timer_can() => TrackerScript.Run(Handshake + """
        +0    > . 1:1001(1000) ack 1 win 64240
        +0    > . 2001:3001(1000) ack 1 win 64240
        +.1   > . 1001:2001(1000) ack 1 win 64240
        +0    ? OutOfOrder=1 Retransmissions=0
        +0    > . 4001:5001(1000) ack 1 win 64240
        +.25  > . 3001:4001(1000) ack 1 win 64240
        +0    ? OutOfOrder=1 Retransmissions=1 FastRetransmissions=0 LostSegments=2
        """);

    [Fact]
    public void A_later_timestamp_than_that_of_what_follows_the_gap_shows_a_retransmission() => TrackerScript.Run(TimedHandshake + """
        +0    > . 1:1001(1000) ack 1 win 64240 <TS val 151 ecr 900>
        +0    > . 2001:3001(1000) ack 1 win 64240 <TS val 151 ecr 900>
        +.001 > . 1001:2001(1000) ack 1 win 64240 <TS val 152 ecr 900>
        +0    ? Retransmissions=1 OutOfOrder=0
        """);

    [Fact]
    public void An_earlier_timestamp_than_that_of_what_follows_the_gap_shows_reordering() => TrackerScript.Run(TimedHandshake + """
        +0    > . 1:1001(1000) ack 1 win 64240 <TS val 151 ecr 900>
        +0    > . 2001:3001(1000) ack 1 win 64240 <TS val 152 ecr 900>
        +0    < . 1:1(0) ack 1001 win 65160 <TS val 901 ecr 151,sack 2001:3001>
        +.3   > . 1001:2001(1000) ack 1 win 64240 <TS val 151 ecr 900>
        +0    ? Retransmissions=0 OutOfOrder=1
        """);

    [Fact]
    public void Timestamps_are_compared_across_their_wrap() => TrackerScript.Run("""
        +0    > S 0:0(0) win 64240 <mss 1000,TS val 4294967290 ecr 0>
        +.04  < S. 0:0(0) ack 1 win 65160 <mss 1000,TS val 900 ecr 4294967290>
        +.01  > . 1:1(0) ack 1 win 64240 <TS val 4294967291 ecr 900>
        +0    > . 1:1001(1000) ack 1 win 64240 <TS val 4294967292 ecr 900>
        +0    > . 2001:3001(1000) ack 1 win 64240 <TS val 4294967295 ecr 900>
        +.001 > . 1001:2001(1000) ack 1 win 64240 <TS val 3 ecr 900>
        +0    ? Retransmissions=1 OutOfOrder=0
        """);

    [Fact]
    public void Data_recorded_after_its_acknowledgment_is_neither_sent_again_nor_out_of_order() => TrackerScript.Run(Handshake + """
        +0       > . 1:1001(1000) ack 1 win 64240
        +0       < . 1:1(0) ack 2001 win 65160
        +.000008 > . 1001:2001(1000) ack 1 win 64240
        +0       ? Retransmissions=0 SpuriousRetransmissions=0 OutOfOrder=0 LostSegments=0 StreamBytes=2000
        """);

    [Fact]
    public void A_copy_that_comes_long_after_the_acknowledgment_is_spurious_though_the_first_was_not_seen() => TrackerScript.Run(Handshake + """
        +0  > . 1:1001(1000) ack 1 win 64240
        +0  < . 1:1(0) ack 2001 win 65160
        +.3 > . 1001:2001(1000) ack 1 win 64240
        +0  ? Retransmissions=1 SpuriousRetransmissions=1
        """);

    [Fact]
    public void A_copy_sent_after_what_the_peer_echoed_is_spurious_however_soon_it_comes() => TrackerScript.Run(TimedHandshake + """
        +0    > . 1:1001(1000) ack 1 win 64240 <TS val 151 ecr 900>
        +0    < . 1:1(0) ack 2001 win 65160 <TS val 901 ecr 151>
        +.001 > . 1001:2001(1000) ack 1 win 64240 <TS val 152 ecr 900>
        +0    ? Retransmissions=1 SpuriousRetransmissions=1
        """);

    [Fact]
    public void A_D_SACK_shows_that_a_retransmission_was_not_needed() => TrackerScript.Run(Handshake + """
        +0   > . 1:1001(1000) ack 1 win 64240
        +0   > . 1001:2001(1000) ack 1 win 64240
        +.25 > . 1:1001(1000) ack 1 win 64240
        +0   ? Retransmissions=1 SpuriousRetransmissions=0
        +.01 < . 1:1(0) ack 2001 win 65160
        +0   ? SpuriousRetransmissions=0
        +.01 < . 1:1(0) ack 2001 win 65160 <sack 1:1001>
        +0   ? Retransmissions=1 SpuriousRetransmissions=1 peer.DuplicateAcks=0
        +.01 < . 1:1(0) ack 2001 win 65160 <sack 1:1001>
        +0   ? SpuriousRetransmissions=1
        """);

    [Fact]
    public void One_D_SACK_tells_of_one_copy() => TrackerScript.Run(Handshake + """
        +0   > . 1:1001(1000) ack 1 win 64240
        +.25 > . 1:1001(1000) ack 1 win 64240
        +.5  > . 1:1001(1000) ack 1 win 64240
        +.01 < . 1:1(0) ack 1001 win 65160 <sack 1:1001>
        +0   ? Retransmissions=2 SpuriousRetransmissions=1
        """);

    [Fact]
    public void A_D_SACK_above_the_acknowledgment_lies_in_the_second_block() => TrackerScript.Run(Handshake + """
        +0   > . 1:1001(1000) ack 1 win 64240
        +0   > . 1001:2001(1000) ack 1 win 64240
        +0   > . 2001:3001(1000) ack 1 win 64240
        +.25 > . 1001:2001(1000) ack 1 win 64240
        +.01 < . 1:1(0) ack 1 win 65160 <sack 1001:2001,sack 1001:3001>
        +0   ? Retransmissions=1 SpuriousRetransmissions=1
        """);

    [Fact]
    public void The_echo_of_the_first_copy_shows_that_the_second_was_not_needed() => TrackerScript.Run(TimedHandshake + """
        +0   > . 1:1001(1000) ack 1 win 64240 <TS val 151 ecr 900>
        +.25 > . 1:1001(1000) ack 1 win 64240 <TS val 401 ecr 900>
        +.01 < . 1:1(0) ack 1001 win 65160 <TS val 1200 ecr 151>
        +0   ? Retransmissions=1 SpuriousRetransmissions=1
        """);

    [Fact]
    public void The_echo_of_the_second_copy_shows_that_it_was_needed() => TrackerScript.Run(TimedHandshake + """
        +0   > . 1:1001(1000) ack 1 win 64240 <TS val 151 ecr 900>
        +.25 > . 1:1001(1000) ack 1 win 64240 <TS val 401 ecr 900>
        +.01 < . 1:1(0) ack 1001 win 65160 <TS val 1200 ecr 401>
        +0   < . 1:1(0) ack 1001 win 65160 <TS val 1201 ecr 151>
        +0   ? Retransmissions=1 SpuriousRetransmissions=0
        """);

    [Fact]
    public void What_SACK_shows_lost_is_resent_fast_wherever_it_lies() => TrackerScript.Run(Handshake + """
        +0    > . 1:1001(1000) ack 1 win 64240
        +0    > . 1001:2001(1000) ack 1 win 64240
        +0    > . 2001:3001(1000) ack 1 win 64240
        +0    > . 3001:4001(1000) ack 1 win 64240
        +0    > . 4001:5001(1000) ack 1 win 64240
        +0    > . 5001:6001(1000) ack 1 win 64240
        +.04  < . 1:1(0) ack 1 win 65160 <sack 1001:2001>
        +0    < . 1:1(0) ack 1 win 65160 <sack 1001:2001,sack 3001:4001>
        +0    ? Lost=0
        +0    < . 1:1(0) ack 1 win 65160 <sack 1001:2001,sack 3001:5001>
        +0    ? Lost=1 peer.DuplicateAcks=3
        +0    < . 1:1(0) ack 1 win 65160 <sack 1001:2001,sack 3001:6001>
        +0    ? Lost=2
        +.01  > . 1:1001(1000) ack 1 win 64240
        +0    > . 2001:3001(1000) ack 1 win 64240
        +0    ? Retransmissions=2 FastRetransmissions=2 Lost=0
        """);

    [Fact]
    public void What_fills_one_hole_tells_of_the_next_without_a_further_report() => TrackerScript.Run(Handshake + """
        +0    > . 1:1001(1000) ack 1 win 64240
        +0    > . 1001:2001(1000) ack 1 win 64240
        +0    > . 2001:3001(1000) ack 1 win 64240
        +0    > . 3001:4001(1000) ack 1 win 64240
        +.04  < . 1:1(0) ack 1 win 65160 <sack 1001:2001>
        +0    < . 1:1(0) ack 1 win 65160 <sack 1001:3001>
        +.01  > . 1:1001(1000) ack 1 win 64240
        +.04  < . 1:1(0) ack 3001 win 65160
        +.01  > . 3001:4001(1000) ack 1 win 64240
        +0    ? Retransmissions=2 FastRetransmissions=2
        """);

    [Fact]
    public void Of_a_large_segment_the_lost_part_is_resent_fast_and_then_the_next() => TrackerScript.Run(Handshake + """
        +0    > . 1:10001(10000) ack 1 win 64240
        +.04  < . 1:1(0) ack 1001 win 65160 <sack 2001:4001,sack 5001:9001>
        +0    ? Sacked=6000 Lost=2
        +.01  > . 1001:2001(1000) ack 1 win 64240
        +0    ? Lost=1
        +.01  > . 4001:5001(1000) ack 1 win 64240
        +0    ? Retransmissions=2 Lost=0
        +.04  < . 1:1(0) ack 10001 win 65160
        +0    ? InFlightBytes=0 Sacked=0
        """);

    [Fact]
    public void Of_a_gap_of_several_each_part_is_judged_by_itself() => TrackerScript.Run(Handshake + """
        +0    > . 1:1001(1000) ack 1 win 64240
        +0    > . 4001:8001(4000) ack 1 win 64240
        +.001 > . 1001:2001(1000) ack 1 win 64240
        +0    ? OutOfOrder=1 Retransmissions=0
        +0    < . 1:1(0) ack 2001 win 65160 <sack 4001:8001>
        +0    < . 1:1(0) ack 2001 win 65160 <sack 4001:8001>
        +.05  > . 2001:3001(1000) ack 1 win 64240
        +0    > . 3001:4001(1000) ack 1 win 64240
        +0    ? OutOfOrder=1 Retransmissions=2 FastRetransmissions=2
        """);

    [Fact]
    public void A_retransmission_by_timer_is_not_fast_though_duplicates_came_before_it() => TrackerScript.Run(Handshake + """
        +0    > . 1:1001(1000) ack 1 win 64240
        +0    > . 1001:2001(1000) ack 1 win 64240
        +0    > . 2001:3001(1000) ack 1 win 64240
        +0    < . 1:1(0) ack 1 win 65160 <sack 1001:2001>
        +0    < . 1:1(0) ack 1 win 65160 <sack 1001:3001>
        +1.6  > . 1:1001(1000) ack 1 win 64240
        +0    ? Retransmissions=1 FastRetransmissions=0
        +0    < . 1:1(0) ack 1 win 65160 <sack 1001:3001>
        +.01  > . 1:1001(1000) ack 1 win 64240
        +0    ? Retransmissions=2 FastRetransmissions=0
        """);

    [Fact]
    public void After_the_recovery_that_a_timer_began_duplicates_count_again() => TrackerScript.Run(Handshake + """
        +0    > . 1:1001(1000) ack 1 win 64240
        +.25  > . 1:1001(1000) ack 1 win 64240
        +.04  < . 1:1(0) ack 1001 win 65160
        +.01  > . 1001:2001(1000) ack 1 win 64240
        +0    > . 2001:3001(1000) ack 1 win 64240
        +0    > . 3001:4001(1000) ack 1 win 64240
        +.04  < . 1:1(0) ack 1001 win 65160 <sack 2001:3001>
        +0    < . 1:1(0) ack 1001 win 65160 <sack 2001:4001>
        +.01  > . 1001:2001(1000) ack 1 win 64240
        +0    ? Retransmissions=2 FastRetransmissions=1
        """);

    [Fact]
    public void Old_bytes_with_new_ones_behind_them_are_a_retransmission() => TrackerScript.Run(Handshake + """
        +0  > . 1:1001(1000) ack 1 win 64240
        +.3 > . 1:2001(2000) ack 1 win 64240
        +0  ? Retransmissions=1 OutOfOrder=0 SndNxt=2001 StreamBytes=2000
        """);

    [Fact]
    public void An_acknowledgment_repeated_with_nothing_outstanding_is_no_duplicate() => TrackerScript.Run(Handshake + """
        +0 > . 1:1001(1000) ack 1 win 64240
        +0 < . 1:1(0) ack 1001 win 65160
        +0 < . 1:1(0) ack 1001 win 65160
        +0 ? peer.DuplicateAcks=0
        +0 > . 1001:2001(1000) ack 1 win 64240
        +0 < . 1:1(0) ack 1001 win 65160
        +0 ? peer.DuplicateAcks=1
        """);

    [Fact]
    public void Of_one_direction_a_block_behind_a_gap_tells_of_data_under_way_and_a_report_of_a_copy_does_not() => TrackerScript.Run("""
        +0 > . 1:1(0) ack 2001 win 64240
        +0 > . 1:1(0) ack 2001 win 64240 <sack 1001:2001>
        +0 ? DuplicateAcks=0
        +0 > . 1:1(0) ack 2001 win 64240 <sack 3001:4001>
        +0 ? DuplicateAcks=1
        """);

    [Fact]
    public void Another_window_with_the_same_number_is_an_update_and_no_duplicate() => TrackerScript.Run(Handshake + """
        +0 > . 1:1001(1000) ack 1 win 64240
        +0 < . 1:1(0) ack 1001 win 5000
        +0 > . 1001:2001(1000) ack 1 win 64240
        +0 < . 1:1(0) ack 1001 win 9000
        +0 < . 1:1(0) ack 1001 win 9000
        +0 ? peer.WindowUpdates=1 peer.DuplicateAcks=1
        """);

    [Fact]
    public void The_window_of_one_direction_is_followed_from_its_SYN() => TrackerScript.Run("""
        +0 > S 0:0(0) win 64240 <mss 1000>
        +0 > . 1:1(0) ack 1 win 64240
        +0 > . 1:1(0) ack 2000000001 win 0
        +0 > . 1:1(0) ack 2000000001 win 500
        +0 ? RcvWnd=500 WindowUpdates=1 ZeroWindows=1
        """);

    [Fact]
    public void A_closed_window_is_probed_not_kept_alive() => TrackerScript.Run(Handshake + """
        +0  > . 1:1001(1000) ack 1 win 64240
        +0  < . 1:1(0) ack 1001 win 0
        +.3 > . 1000:1000(0) ack 1 win 64240
        +0  < . 1:1(0) ack 1001 win 0
        +.6 > . 1000:1000(0) ack 1 win 64240
        +0  < . 1:1(0) ack 1001 win 0
        +0  ? ZeroWindowProbes=2 KeepAlives=0 Retransmissions=0 peer.DuplicateAcks=0 peer.ZeroWindows=3
        """);

    [Fact]
    public void A_byte_that_probed_a_closed_window_is_new_when_it_opens() => TrackerScript.Run(Handshake + """
        +0  > . 1:1001(1000) ack 1 win 64240
        +0  < . 1:1(0) ack 1001 win 0
        +.3 > . 1001:1002(1) ack 1 win 64240
        +.6 > . 1001:1002(1) ack 1 win 64240
        +0  < . 1:1(0) ack 1001 win 0
        +0  < . 1:1(0) ack 1001 win 3000
        +0  > . 1001:2001(1000) ack 1 win 64240
        +0  > . 2001:3001(1000) ack 1 win 64240
        +0  ? ZeroWindowProbes=2 KeepAlives=0 Retransmissions=0 OutOfOrder=0 LostSegments=0 peer.WindowUpdates=1 StreamBytes=3000
        """);

    [Fact]
    public void A_probe_that_was_taken_is_not_missing() => TrackerScript.Run(Handshake + """
        +0  > . 1:1001(1000) ack 1 win 64240
        +0  < . 1:1(0) ack 1001 win 0
        +.3 > . 1001:1002(1) ack 1 win 64240
        +0  < . 1:1(0) ack 1002 win 3000
        +0  > . 1002:2002(1000) ack 1 win 64240
        +0  ? ZeroWindowProbes=1 Retransmissions=0 LostSegments=0 WindowFull=0
        """);

    [Fact]
    public void A_last_byte_that_is_outstanding_is_sent_again_not_a_keep_alive() => TrackerScript.Run(Handshake + """
        +0  > . 1:2(1) ack 1 win 64240
        +.3 > . 1:2(1) ack 1 win 64240
        +0  ? Retransmissions=1 KeepAlives=0
        +0  < . 1:1(0) ack 2 win 65160
        +75 > . 1:2(1) ack 1 win 64240
        +0  ? Retransmissions=1 KeepAlives=1
        """);

    [Fact]
    public void A_gap_counts_once_however_many_segments_follow_it() => TrackerScript.Run(Handshake + """
        +0 > . 1:1001(1000) ack 1 win 64240
        +0 > . 2001:3001(1000) ack 1 win 64240
        +0 > . 3001:4001(1000) ack 1 win 64240
        +0 < . 1:1(0) ack 9001 win 65160
        +0 > . 9001:9101(100) ack 1 win 64240
        +0 ? LostSegments=2
        """);

    [Fact]
    public void A_SYN_recorded_after_its_answer_is_no_retransmission() => TrackerScript.Run("""
        +0 < S. 0:0(0) ack 1 win 65160 <mss 1000>
        +0 > S  0:0(0) win 64240 <mss 1000>
        +0 > .  1:1(0) ack 1 win 64240
        +0 ? Retransmissions=0 SpuriousRetransmissions=0 OutOfOrder=0 peer.Retransmissions=0
        """);

    [Fact]
    public void A_SYN_and_a_FIN_resent_after_their_acknowledgment_are_spurious() => TrackerScript.Run(Handshake + """
        +0  < S. 0:0(0) ack 1 win 65160 <mss 1000>
        +0  ? peer.Retransmissions=1 peer.SpuriousRetransmissions=1
        +0  > F. 1:1(0) ack 1 win 64240
        +0  < .  1:1(0) ack 2 win 65160
        +.3 > F. 1:1(0) ack 1 win 64240
        +0  ? Retransmissions=1 SpuriousRetransmissions=1
        """);
}
