using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class TimestampTests
{
    private const string Established = """
        +0 > S  0:0(0) win 64240 <TS val 5000 ecr 0>
        +0 < S. 0:0(0) ack 1 win 65160 <TS val 1 ecr 5000>
        +0 > .  1:1(0) ack 1 win 64240 <TS val 5000 ecr 1>

        """;

    [Fact]
    public void Old_timestamps_are_not_taken() => TrackerScript.Run(Established + """
        +0 > P. 1:101(100) ack 1 win 64240 <TS val 5001 ecr 1>
        +0 ? peer.TimestampRecent=5001 peer.RcvNxt=101
        +0 > P. 101:201(100) ack 1 win 64240 <TS val 4000 ecr 1>
        +0 ? peer.TimestampRecent=5001 peer.RcvNxt=101
        """);

    [Fact]
    public void An_old_timestamp_on_a_repetition_that_goes_on_with_new_data_is_not_taken_either() => TrackerScript.Run(Established + """
        +0 > P. 1:101(100) ack 1 win 64240 <TS val 5001 ecr 1>
        +0 > P. 51:151(100) ack 1 win 64240 <TS val 4999 ecr 1>
        +0 ? peer.RcvNxt=101 peer.TimestampRecent=5001
        """);

    [Fact]
    public void One_older_is_let_through_and_changes_no_timestamp() => TrackerScript.Run(Established + """
        +0 > P. 1:101(100) ack 1 win 64240 <TS val 5001 ecr 1>
        +0 < .  1:1(0) ack 101 win 65160 <TS val 2 ecr 5001>
        +0 > P. 101:201(100) ack 1 win 64240 <TS val 5000 ecr 1>
        +0 ? peer.RcvNxt=201 peer.TimestampRecent=5001
        """);

    [Fact]
    public void A_clock_that_wraps_goes_on() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <TS val 4294967290 ecr 0>
        +0 < S. 0:0(0) ack 1 win 65160 <TS val 1 ecr 4294967290>
        +0 > P. 1:101(100) ack 1 win 64240 <TS val 4294967295 ecr 1>
        +0 < .  1:1(0) ack 101 win 65160 <TS val 2 ecr 4294967295>
        +0 > P. 101:201(100) ack 1 win 64240 <TS val 4 ecr 2>
        +0 ? peer.RcvNxt=201 peer.TimestampRecent=4
        +0 > P. 201:301(100) ack 1 win 64240 <TS val 4294967295 ecr 2>
        +0 ? peer.RcvNxt=201
        """);

    [Fact]
    public void A_timestamp_of_24_days_ago_rejects_nothing() => TrackerScript.Run(Established + """
        +2073599 > P. 1:101(100) ack 1 win 64240 <TS val 4000 ecr 1>
        +0       ? peer.RcvNxt=1
        +2       > P. 1:101(100) ack 1 win 64240 <TS val 4000 ecr 1>
        +0       ? peer.RcvNxt=101 peer.TimestampRecent=4000
        """);

    [Fact]
    public void A_SYN_with_a_clock_at_zero_rejects_nothing() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <TS val 0 ecr 0>
        +0 < S. 0:0(0) ack 1 win 65160 <TS val 1 ecr 0>
        +0 > P. 1:101(100) ack 1 win 64240 <TS val 4294900000 ecr 1>
        +0 ? peer.RcvNxt=101
        """);

    [Fact]
    public void A_reset_is_not_asked_for_its_timestamp() => TrackerScript.Run(Established + """
        +0 > R. 1:1(0) ack 1 win 0 <TS val 1 ecr 1>
        +0 ? State=CLOSED peer.State=CLOSED
        """);
}
