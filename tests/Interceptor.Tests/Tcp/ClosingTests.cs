using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class ClosingTests
{
    private const string Established = """
        +0 > S  0:0(0) win 64240 <mss 1000>
        +0 < S. 0:0(0) ack 1 win 65160 <mss 1000>
        +0 > .  1:1(0) ack 1 win 64240

        """;

    [Fact]
    public void Who_closes_first_waits_at_the_end() => TrackerScript.Run(Established + """
        +0 > F. 1:1(0) ack 1 win 64240
        +0 ? State=FIN-WAIT-1 peer.State=CLOSE-WAIT SndNxt=2 peer.RcvNxt=2 QueuedBytes=0 FinQueued=1
        +0 < .  1:1(0) ack 2 win 65160
        +0 ? State=FIN-WAIT-2 Closing=Open
        +0 < F. 1:1(0) ack 2 win 65160
        +0 ? State=TIME-WAIT peer.State=LAST-ACK Closing=Fin
        +0 > .  2:2(0) ack 2 win 64240
        +0 ? State=TIME-WAIT peer.State=CLOSED
        """);

    [Fact]
    public void A_half_closed_connection_still_carries_data_the_other_way() => TrackerScript.Run(Established + """
        +0 > F. 1:1(0) ack 1 win 64240
        +0 < .  1:1(0) ack 2 win 65160
        +0 < P. 1:1001(1000) ack 2 win 65160
        +0 > .  2:2(0) ack 1001 win 64240
        +0 ? State=FIN-WAIT-2 peer.State=CLOSE-WAIT RcvNxt=1001 peer.SndUna=1001 peer.StreamBytes=1000 peer.Pattern=same
        """);

    [Fact]
    public void Both_ends_may_close_at_once() => TrackerScript.Run(Established + """
        +0 > F. 1:1(0) ack 1 win 64240
        +0 < F. 1:1(0) ack 1 win 65160
        +0 ? State=CLOSING peer.State=LAST-ACK
        +0 < .  2:2(0) ack 2 win 65160
        +0 > .  2:2(0) ack 2 win 64240
        +0 ? State=TIME-WAIT peer.State=CLOSED Closing=Fin
        """);

    [Fact]
    public void A_FIN_with_data_counts_no_byte() => TrackerScript.Run(Established + """
        +0 > FP. 1:101(100) ack 1 win 64240
        +0 ? SndNxt=102 WriteSeq=102 QueuedBytes=100 InFlightBytes=100 StreamBytes=100 peer.RcvNxt=102
        +0 < .  1:1(0) ack 101 win 65160
        +0 ? State=FIN-WAIT-1 QueuedBytes=0
        +0 < .  1:1(0) ack 102 win 65160
        +0 ? State=FIN-WAIT-2
        """);

    [Fact]
    public void A_FIN_behind_a_gap_counts_when_the_gap_is_filled() => TrackerScript.Run(Established + """
        +0 > F. 101:201(100) ack 1 win 64240
        +0 ? State=FIN-WAIT-1 peer.State=ESTABLISHED peer.RcvNxt=1 peer.OutOfOrderBytes=100
        +0 > P. 1:101(100) ack 1 win 64240
        +0 ? peer.State=CLOSE-WAIT peer.RcvNxt=202 peer.OutOfOrderBytes=0 StreamBytes=200 Pattern=same OutOfOrder=1
        """);

    [Fact]
    public void A_repeated_FIN_is_a_retransmission() => TrackerScript.Run(Established + """
        +0  > F. 1:1(0) ack 1 win 64240
        +.3 > F. 1:1(0) ack 1 win 64240
        +0  ? State=FIN-WAIT-1 Fin=2 Retransmissions=1 SndNxt=2
        """);

    [Fact]
    public void Rst_with_the_next_number_closes_both_ends() => TrackerScript.Run(Established + """
        +0 < R  1:1(0) win 0
        +0 ? State=CLOSED peer.State=CLOSED Closing=Reset
        """);

    [Fact]
    public void Rst_outside_the_window_is_ignored() => TrackerScript.Run(Established + """
        +0 < R  90001:90001(0) win 0
        +0 ? State=ESTABLISHED peer.State=ESTABLISHED Closing=Open peer.Rst=1
        """);

    [Fact]
    public void Rst_inside_the_window_with_another_number_is_only_challenged() => TrackerScript.Run(Established + """
        +0 < R  1001:1001(0) win 0
        +0 ? State=ESTABLISHED peer.State=ESTABLISHED Closing=Open
        """);

    [Fact]
    public void An_end_that_goes_on_after_a_forged_reset_is_open_again() => TrackerScript.Run(Established + """
        +0 < R  1:1(0) win 0
        +0 ? Closing=Reset
        +0 > P. 1:101(100) ack 1 win 64240
        +0 < .  1:1(0) ack 101 win 65160
        +0 ? State=ESTABLISHED peer.State=ESTABLISHED Closing=Open SndUna=101
        """);

    [Fact]
    public void A_new_SYN_after_TIME_WAIT_is_another_connection_and_a_repeated_FIN_is_not() => TrackerScript.Run(Established + """
        +0  > F. 1:1(0) ack 1 win 64240
        +0  < F. 1:1(0) ack 2 win 65160
        +0  > .  2:2(0) ack 2 win 64240
        +.2 < F. 1:1(0) ack 2 win 65160
        +0  > .  2:2(0) ack 2 win 64240
        +0  ? Connections=1 State=TIME-WAIT peer.State=CLOSED
        +1  > S  700001:700001(0) win 64240 <mss 1000>
        +0  ? Connections=2 State=SYN-SENT peer.State=SYN-RECEIVED
        +0  < S. 900001:900001(0) ack 700002 win 65160 <mss 1000>
        +0  > .  700002:700002(0) ack 900002 win 64240
        +0  ? Connections=2 State=ESTABLISHED peer.State=ESTABLISHED Opening=Handshake
        """);

    [Fact]
    public void The_passive_closer_may_open_the_next_connection() => TrackerScript.Run(Established + """
        +0 > F. 1:1(0) ack 1 win 64240
        +0 < F. 1:1(0) ack 2 win 65160
        +0 > .  2:2(0) ack 2 win 64240
        +0 < S  900001:900001(0) win 65160 <mss 1000>
        +0 ? Connections=2 Client=peer peer.State=SYN-SENT
        """);

    [Fact]
    public void Rst_is_believed_at_the_right_edge_of_what_waits_behind_a_gap() => TrackerScript.Run(Established + """
        +0 < P. 101:201(100) ack 1 win 65160
        +0 < R  150:150(0) win 0
        +0 ? State=ESTABLISHED
        +0 < R  201:201(0) win 0
        +0 ? State=CLOSED peer.State=CLOSED
        """);

    [Fact]
    public void Rst_is_believed_at_the_last_acknowledged_number() => TrackerScript.Run(Established + """
        +0 < P. 1:101(100) ack 1 win 65160
        +0 < R  1:1(0) win 0
        +0 ? State=CLOSED
        """);

    [Fact]
    public void Rst_with_the_number_of_a_FIN_that_came_is_believed() => TrackerScript.Run(Established + """
        +0 < F. 1:1(0) ack 1 win 65160
        +0 > .  1:1(0) ack 2 win 64240
        +0 ? State=CLOSE-WAIT
        +0 < R  1:1(0) win 0
        +0 ? State=CLOSED
        """);

    [Fact]
    public void A_reset_of_the_SYN_needs_its_acknowledgment() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <mss 1000>
        +0 < R. 0:0(0) ack 77 win 0
        +0 ? State=SYN-SENT Closing=Open
        +0 < R. 0:0(0) ack 1 win 0
        +0 ? State=CLOSED
        """);
}
