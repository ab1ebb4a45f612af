using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>
/// Segments with different bytes for one place: which of them counts is what Linux gives to its application, and the difference is counted.
/// OverlapTruthTests asks a kernel the same.
/// </summary>
public sealed class OverlapTests
{
    private const string Established = """
        +0 > S  0:0(0) win 64240 <mss 1000,sackOK>
        +0 < S. 0:0(0) ack 1 win 65160 <mss 1000,sackOK>
        +0 > .  1:1(0) ack 1 win 64240

        """;

    [Fact]
    public void What_arrived_in_order_stays_and_the_rest_of_a_later_segment_follows() => TrackerScript.Run(Established + """
        +0 > P. 1:5(4) ack 1 win 64240 fill A
        +0 > P. 3:9(6) ack 1 win 64240 fill B
        +0 ? StreamBytes=8 Text=AAAABBBB SndNxt=9 ConflictingBytes=2 UncomparedBytes=0
        """);

    [Fact]
    public void What_was_acknowledged_is_compared_too() => TrackerScript.Run(Established + """
        +0 > P. 1:9(8) ack 1 win 64240 fill A
        +0 < .  1:1(0) ack 9 win 65160
        +0 > P. 3:7(4) ack 1 win 64240 fill B
        +0 ? Text=AAAAAAAA ConflictingBytes=4 Retransmissions=1
        """);

    [Fact]
    public void The_same_bytes_again_are_no_conflict() => TrackerScript.Run(Established + """
        +0 > P. 1:1001(1000) ack 1 win 64240
        +0 > P. 501:1501(1000) ack 1 win 64240
        +0 > P. 2001:3001(1000) ack 1 win 64240
        +0 > P. 1501:2501(1000) ack 1 win 64240
        +0 ? StreamBytes=3000 Pattern=same ConflictingBytes=0 UncomparedBytes=0
        """);

    [Fact]
    public void Data_in_order_counts_before_what_waits_behind_the_gap() => TrackerScript.Run(Established + """
        +0 > P. 3:5(2) ack 1 win 64240 fill A
        +0 > P. 6:9(3) ack 1 win 64240 fill C
        +0 > P. 1:8(7) ack 1 win 64240 fill B
        +0 ? StreamBytes=8 Text=BBBBBBBC ConflictingBytes=4 HeldBytes=0
        """);

    [Fact]
    public void A_segment_inside_an_older_one_behind_the_gap_is_dropped() => TrackerScript.Run(Established + """
        +0 > P. 3:9(6) ack 1 win 64240 fill A
        +0 > P. 4:8(4) ack 1 win 64240 fill B
        +0 > P. 1:3(2) ack 1 win 64240 fill C
        +0 ? Text=CCAAAAAA ConflictingBytes=4
        """);

    [Fact]
    public void A_segment_that_covers_older_ones_behind_the_gap_replaces_them() => TrackerScript.Run(Established + """
        +0 > P. 3:5(2) ack 1 win 64240 fill A
        +0 > P. 6:8(2) ack 1 win 64240 fill A
        +0 > P. 3:9(6) ack 1 win 64240 fill B
        +0 ? HeldBytes=6
        +0 > P. 1:3(2) ack 1 win 64240 fill C
        +0 ? Text=CCBBBBBB ConflictingBytes=4
        """);

    [Fact]
    public void Of_two_that_overlap_in_part_the_one_that_starts_first_counts() => TrackerScript.Run(Established + """
        +0 > P. 5:9(4) ack 1 win 64240 fill A
        +0 > P. 3:7(4) ack 1 win 64240 fill B
        +0 > P. 7:12(5) ack 1 win 64240 fill C
        +0 ? HeldBytes=9
        +0 > P. 1:3(2) ack 1 win 64240 fill D
        +0 ? Text=DDBBBBAACCC ConflictingBytes=4
        """);

    [Fact]
    public void A_segment_keeps_its_place_in_the_order_though_its_head_is_not_read() => TrackerScript.Run(Established + """
        +0 > P. 10:20(10) ack 1 win 64240 fill A
        +0 > P. 5:15(10) ack 1 win 64240 fill B
        +0 > P. 12:24(12) ack 1 win 64240 fill C
        +0 > P. 1:5(4) ack 1 win 64240 fill D
        +0 ? Text=DDDDBBBBBBBBBBAAAAACCCC
        """);

    [Fact]
    public void Neighbours_that_came_one_after_the_other_count_as_one_segment() => TrackerScript.Run(Established + """
        +0 > P. 3:5(2) ack 1 win 64240 fill A
        +0 > P. 5:7(2) ack 1 win 64240 fill A
        +0 > P. 4:9(5) ack 1 win 64240 fill B
        +0 > P. 3:6(3) ack 1 win 64240 fill C
        +0 > P. 1:3(2) ack 1 win 64240 fill D
        +0 ? Text=DDAAAABB
        """);

    [Fact]
    public void A_segment_that_the_receiver_does_not_take_yields_to_one_that_it_takes() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <mss 1000>
        +0 < S. 0:0(0) ack 1 win 4 <mss 1000>
        +0 > .  1:1(0) ack 1 win 64240
        +0 > P. 6:14(8) ack 1 win 64240 fill X
        +0 < .  1:1(0) ack 1 win 8000
        +0 > P. 1:9(8) ack 1 win 64240 fill A
        +0 ? StreamBytes=13 Text=AAAAAAAA HeldBytes=5 ConflictingBytes=3 peer.RcvNxt=9
        +0 < .  1:1(0) ack 9 win 8000
        +0 > P. 9:11(2) ack 1 win 64240 fill B
        +0 < .  1:1(0) ack 14 win 8000
        +0 ? Text=AAAAAAAABBXXX
        """);

    [Fact]
    public void A_segment_with_an_old_timestamp_yields_to_the_one_with_a_new_one() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <TS val 5000 ecr 0>
        +0 < S. 0:0(0) ack 1 win 65160 <TS val 1 ecr 5000>
        +0 > .  1:1(0) ack 1 win 64240 <TS val 5000 ecr 1>
        +0 > P. 1:9(8) ack 1 win 64240 fill X <TS val 4000 ecr 1>
        +0 ? peer.RcvNxt=1 Delivered=0 StreamBytes=8
        +0 > P. 1:9(8) ack 1 win 64240 fill A <TS val 5001 ecr 1>
        +0 ? Text=AAAAAAAA ConflictingBytes=8 peer.RcvNxt=9
        """);

    [Fact]
    public void Text_of_a_SYN_that_was_not_acknowledged_yields_to_its_repetition() => TrackerScript.Run("""
        +0 > S  0:4(4) win 64240 fill X
        +0 < S. 0:0(0) ack 1 win 65160
        +0 ? peer.RcvNxt=1 SndUna=1 SndNxt=5 Delivered=0
        +0 > P. 1:5(4) ack 1 win 64240 fill A
        +0 ? Text=AAAA ConflictingBytes=4 StreamBytes=4 peer.RcvNxt=5
        """);

    [Fact]
    public void Text_of_a_SYN_counts_when_it_is_acknowledged() => TrackerScript.Run("""
        +0 > S  0:4(4) win 64240 fill A
        +0 ? Delivered=0 StreamBytes=4
        +0 < S. 0:0(0) ack 5 win 65160
        +0 ? Text=AAAA peer.RcvNxt=5 SndUna=5
        """);

    [Fact]
    public void What_a_reset_says_is_no_part_of_the_stream() => TrackerScript.Run(Established + """
        +0 > R. 1:7(6) ack 1 win 0 fill !
        +0 ? StreamBytes=0 PayloadBytes=6 Closing=Reset
        """);

    [Fact]
    public void A_cut_copy_is_compared_as_far_as_it_goes() => TrackerScript.Run(Established + """
        +0 > P. 1:101(100) ack 1 win 64240 cut 40 fill A
        +0 > P. 1:101(100) ack 1 win 64240 fill B
        +0 ? ConflictingBytes=40 UncomparedBytes=60 UnhashedBytes=60
        """);
}
