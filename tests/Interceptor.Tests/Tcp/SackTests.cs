using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class SackTests
{
    private const string Established = """
        +0 > S  0:0(0) win 64240 <mss 1000,sackOK>
        +0 < S. 0:0(0) ack 1 win 65160 <mss 1000,sackOK>
        +0 > .  1:1(0) ack 1 win 64240

        """;

    [Fact]
    public void A_block_marks_what_lies_inside_it_and_one_of_unsent_numbers_nothing() => TrackerScript.Run(Established + """
        +0 > P. 1:1001(1000) ack 1 win 64240
        +0 > P. 1001:2001(1000) ack 1 win 64240
        +0 > P. 2001:3001(1000) ack 1 win 64240
        +0 < .  1:1(0) ack 1 win 65160 <sack 1501:3001>
        +0 ? Sacked=1500
        +0 < .  1:1(0) ack 1 win 65160 <sack 1501:9001>
        +0 ? Sacked=1500 SndNxt=3001
        """);

    [Fact]
    public void A_D_SACK_below_the_acknowledgment_marks_nothing() => TrackerScript.Run(Established + """
        +0  > P. 1:1001(1000) ack 1 win 64240
        +0  > P. 1001:2001(1000) ack 1 win 64240
        +0  < .  1:1(0) ack 1001 win 65160
        +.3 > P. 1:1001(1000) ack 1 win 64240
        +0  < .  1:1(0) ack 1001 win 65160 <sack 1:1001>
        +0  ? Sacked=0 SndUna=1001 InFlightBytes=1000 peer.RcvNxt=2001
        +0  < .  1:1(0) ack 2001 win 65160
        +0  ? SndUna=2001
        """);

    [Fact]
    public void A_D_SACK_inside_a_block_behind_the_gap_changes_nothing() => TrackerScript.Run(Established + """
        +0 > P. 1:1001(1000) ack 1 win 64240
        +0 > P. 1001:2001(1000) ack 1 win 64240
        +0 > P. 2001:3001(1000) ack 1 win 64240
        +0 < .  1:1(0) ack 1 win 65160 <sack 1001:3001>
        +0 < .  1:1(0) ack 1 win 65160 <sack 2001:3001,sack 1001:3001>
        +0 ? Sacked=2000 SndUna=1
        +0 < .  1:1(0) ack 3001 win 65160
        +0 ? Sacked=0 SndUna=3001 peer.RcvNxt=3001
        """);

    [Fact]
    public void A_receiver_that_reneges_has_lost_what_it_reported() => TrackerScript.Run(Established + """
        +0 > P. 1001:2001(1000) ack 1 win 64240
        +0 > P. 3001:4001(1000) ack 1 win 64240
        +0 < .  1:1(0) ack 1 win 65160 <sack 3001:4001,sack 1001:2001>
        +0 ? Sacked=2000 peer.OutOfOrderBytes=2000
        +0 > P. 1:1001(1000) ack 1 win 64240
        +0 ? peer.RcvNxt=2001
        +0 < .  1:1(0) ack 1001 win 65160
        +0 ? Sacked=0 SndUna=1001 peer.RcvNxt=1001 peer.OutOfOrderBytes=0
        +.2 > P. 1001:2001(1000) ack 1 win 64240
        +0 < .  1:1(0) ack 2001 win 65160
        +0 ? SndUna=2001 peer.RcvNxt=2001 StreamBytes=3000 ConflictingBytes=0
        """);

    [Fact]
    public void A_gap_that_fills_in_part_is_no_reneging() => TrackerScript.Run(Established + """
        +0 > P. 2001:3001(1000) ack 1 win 64240
        +0 < .  1:1(0) ack 1 win 65160 <sack 2001:3001>
        +0 > P. 1:1001(1000) ack 1 win 64240
        +0 < .  1:1(0) ack 1001 win 65160 <sack 2001:3001>
        +0 ? Sacked=1000 SndUna=1001 peer.OutOfOrderBytes=1000
        """);
}
