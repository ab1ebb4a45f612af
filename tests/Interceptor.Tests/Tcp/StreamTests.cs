using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class StreamTests
{
    private const string Established = """
        +0 > S  0:0(0) win 64240 <mss 1000,sackOK>
        +0 < S. 0:0(0) ack 1 win 65160 <mss 1000,sackOK>
        +0 > .  1:1(0) ack 1 win 64240

        """;

    [Fact]
    public void Data_in_order_moves_both_queues() => TrackerScript.Run(Established + """
        +0   > P. 1:1001(1000) ack 1 win 64240
        +0   > P. 1001:2001(1000) ack 1 win 64240
        +0   ? SndUna=1 SndNxt=2001 InFlightBytes=2000 UnsentBytes=0 peer.RcvNxt=2001 Delivered=2000
        +.05 < .  1:1(0) ack 1001 win 65160
        +0   ? SndUna=1001 InFlightBytes=1000 RttSamples=2 RttMs=50
        +0   < .  1:1(0) ack 2001 win 65160
        +0   ? SndUna=2001 InFlightBytes=0 StreamBytes=2000 PayloadBytes=2000 Pattern=same MissingBytes=0
        """);

    [Fact]
    public void A_retransmission_counts_its_bytes_once() => TrackerScript.Run(Established + """
        +0  > P. 1:1001(1000) ack 1 win 64240
        +.3 > P. 1:1001(1000) ack 1 win 64240
        +0  ? Retransmissions=1 FastRetransmissions=0 SpuriousRetransmissions=0 PayloadBytes=2000 StreamBytes=1000 SndNxt=1001
        +0  < .  1:1(0) ack 1001 win 65160
        +0  ? RttSamples=1 SndUna=1001
        """);

    [Fact]
    public void A_timestamp_tells_which_transmission_was_acknowledged() => TrackerScript.Run("""
        +0  > S  0:0(0) win 64240 <TS val 1 ecr 0>
        +0  < S. 0:0(0) ack 1 win 65160 <TS val 1 ecr 1>
        +0  > P. 1:1001(1000) ack 1 win 64240 <TS val 2 ecr 1>
        +.3 > P. 1:1001(1000) ack 1 win 64240 <TS val 302 ecr 1>
        +.02 < .  1:1(0) ack 1001 win 65160 <TS val 2 ecr 302>
        +0  ? RttSamples=2 RttMs=20
        """);

    [Fact]
    public void A_retransmission_of_what_was_acknowledged_is_spurious() => TrackerScript.Run(Established + """
        +0  > P. 1:1001(1000) ack 1 win 64240
        +0  < .  1:1(0) ack 1001 win 65160
        +.3 > P. 1:1001(1000) ack 1 win 64240
        +0  ? Retransmissions=1 SpuriousRetransmissions=1
        """);

    [Fact]
    public void Duplicate_acknowledgments_make_a_retransmission_fast() => TrackerScript.Run(Established + """
        +0   > P. 1:1001(1000) ack 1 win 64240
        +0   > P. 1001:2001(1000) ack 1 win 64240
        +0   > P. 2001:3001(1000) ack 1 win 64240
        +.01 < .  1:1(0) ack 1 win 65160 <sack 1001:2001>
        +0   < .  1:1(0) ack 1 win 65160 <sack 1001:3001>
        +0   ? peer.DuplicateAcks=2 Sacked=2000
        +0   > P. 1:1001(1000) ack 1 win 64240
        +0   ? Retransmissions=1 FastRetransmissions=1
        +.01 < .  1:1(0) ack 3001 win 65160
        +0   ? SndUna=3001 Sacked=0 RttSamples=1
        """);

    [Fact]
    public void Duplicate_acknowledgments_with_SACK_count_without_the_other_direction() => TrackerScript.Run("""
        +0 > . 1:1(0) ack 1 win 64240
        +0 > . 1:1(0) ack 1 win 64240 <sack 1001:2001>
        +0 > . 1:1(0) ack 1 win 64240 <sack 1001:3001>
        +0 ? DuplicateAcks=2 peer.Packets=0
        """);

    [Fact]
    public void Segments_out_of_order_come_out_in_order() => TrackerScript.Run(Established + """
        +0    > P. 1001:2001(1000) ack 1 win 64240
        +0    ? peer.RcvNxt=1 peer.OutOfOrderBytes=1000 HeldBytes=1000 Delivered=0 SndNxt=2001
        +.001 > P. 1:1001(1000) ack 1 win 64240
        +0    ? peer.RcvNxt=2001 peer.OutOfOrderBytes=0 HeldBytes=0 Delivered=2000 Pattern=same OutOfOrder=1 Retransmissions=0
        """);

    [Fact]
    public void A_gap_filled_late_was_a_loss() => TrackerScript.Run(Established + """
        +0  > P. 1001:2001(1000) ack 1 win 64240
        +.2 > P. 1:1001(1000) ack 1 win 64240
        +0  ? OutOfOrder=0 Retransmissions=1 StreamBytes=2000
        """);

    [Fact]
    public void A_gap_that_never_fills_is_left_out_at_the_end() => TrackerScript.Run(Established + """
        +0 > P. 1:101(100) ack 1 win 64240
        +0 > P. 201:301(100) ack 1 win 64240
        +0 ? Delivered=100 HeldBytes=100 StreamBytes=200 MissingBytes=100
        +0 finish
        +0 ? Delivered=200 DeliveredMissing=100 HeldBytes=0 UnhashedBytes=0
        """);

    [Fact]
    public void Data_acknowledged_unseen_was_sent() => TrackerScript.Run(Established + """
        +0 > P. 1:101(100) ack 1 win 64240
        +0 < .  1:1(0) ack 501 win 65160
        +0 ? SndUna=501 SndNxt=501 WriteSeq=501 RttSamples=1
        +0 > P. 501:601(100) ack 1 win 64240
        +0 ? peer.RcvNxt=601 StreamBytes=200 MissingBytes=400
        """);

    [Fact]
    public void Cut_packets_count_their_bytes_but_cannot_hash_them() => TrackerScript.Run(Established + """
        +0 > P. 1:1001(1000) ack 1 win 64240 cut 100
        +0 ? PayloadBytes=1000 StreamBytes=1000 MissingBytes=0 UnhashedBytes=900 Delivered=100 DeliveredMissing=900 peer.RcvNxt=1001
        """);

    [Fact]
    public void A_keep_alive_is_no_retransmission_and_no_data() => TrackerScript.Run(Established + """
        +0  > P. 1:101(100) ack 1 win 64240
        +0  < .  1:1(0) ack 101 win 65160
        +75 > .  100:100(0) ack 1 win 64240
        +0  < .  1:1(0) ack 101 win 65160
        +75 > .  100:101(1) ack 1 win 64240 fill x
        +0  ? KeepAlives=2 Retransmissions=0 StreamBytes=100 SndNxt=101 peer.DuplicateAcks=0 Pattern=same
        """);

    [Fact]
    public void A_keep_alive_of_an_end_that_sent_nothing_adds_no_byte() => TrackerScript.Run(Established + """
        +75 > .  0:1(1) ack 1 win 64240 fill x
        +0  ? KeepAlives=1 StreamBytes=0 SndNxt=1 peer.RcvNxt=1
        """);

    [Fact]
    public void Urgent_data_stays_in_the_stream_and_moves_a_mark() => TrackerScript.Run(Established + """
        +0 > P.  1:11(10) ack 1 win 64240
        +0 ? SndUp=none UrgentMarks=0
        +0 > PU. 11:14(3) ack 1 win 64240 urg 3
        +0 ? SndUp=14 peer.RcvUp=14 UrgentMarks=1 Delivered=13 Pattern=same
        +0 > PU. 11:14(3) ack 1 win 64240 urg 3
        +0 ? SndUp=14 UrgentMarks=1 Retransmissions=1
        +0 > PU. 14:24(10) ack 1 win 64240 urg 20
        +0 ? SndUp=34 peer.RcvUp=34 UrgentMarks=2
        +0 > P.  24:40(16) ack 1 win 64240
        +0 ? SndUp=34 peer.RcvNxt=40 Pattern=same
        """);

    [Fact]
    public void A_super_packet_is_one_segment_that_acknowledgments_cut() => TrackerScript.Run(Established + """
        +0 > P. 1:65161(65160) ack 1 win 64240
        +0 ? SndNxt=65161 InFlightBytes=65160 peer.RcvNxt=65161 Packets=3 Delivered=65160
        +0 < .  1:1(0) ack 1001 win 65160
        +0 < .  1:1(0) ack 64001 win 65160
        +0 ? SndUna=64001 InFlightBytes=1160 RttSamples=1
        +0 < .  1:1(0) ack 65161 win 65160
        +0 ? InFlightBytes=0 RttSamples=2 StreamBytes=65160 Pattern=same Retransmissions=0
        """);

    [Fact]
    public void A_stream_longer_than_the_numbers_goes_on() => TrackerScript.Run(Established + """
        +0 > P. 1:1000000001(1000000000) ack 1 win 64240 cut 0
        +0 < .  1:1(0) ack 1000000001 win 65160
        +0 > P. 1000000001:2000000001(1000000000) ack 1 win 64240 cut 0
        +0 < .  1:1(0) ack 2000000001 win 65160
        +0 > P. 2000000001:3000000001(1000000000) ack 1 win 64240 cut 0
        +0 < .  1:1(0) ack 3000000001 win 65160
        +0 > P. 3000000001:4000000001(1000000000) ack 1 win 64240 cut 0
        +0 < .  1:1(0) ack 4000000001 win 65160
        +0 > P. 4000000001:5000000001(1000000000) ack 1 win 64240 cut 0
        +0 ? StreamBytes=5000000000 MissingBytes=0 DeliveredMissing=5000000000 InFlightBytes=1000000000
        """);
}
