using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class WriteQueueTests
{
    [Fact]
    public void The_send_head_is_the_first_byte_not_yet_sent() => WriteQueueScript.Run("""
        +0  ? SndUna=1 SndNxt=1 WriteSeq=1 SendHead=none Timer=off
        +0  write 4000
        +0  ? SendHead=1 UnsentBytes=4000 InFlightBytes=0 Timer=off
        +0  < . 1:1(0) ack 1 win 2000
        +0  push
        +0  > . 1:1001(1000) ack 1
        +0  > . 1001:2001(1000) ack 1
        +0  ? SndUna=1 SndNxt=2001 SendHead=2001 UnsentBytes=2000 InFlightBytes=2000 Timer=200
        +.1 < . 1:1(0) ack 1001 win 2000
        +0  ? SndUna=1001 QueuedBytes=3000 Timer=200 Segments=1
        +0  push
        +0  > . 2001:3001(1000) ack 1
        +0  ? SendHead=3001 UnsentBytes=1000
        """);

    [Fact]
    public void Push_one_sends_at_most_one_segment() => WriteQueueScript.Run("""
        +0 write 2500
        +0 push-one
        +0 > . 1:1001(1000) ack 1
        +0 ? SendHead=1001 UnsentBytes=1500
        """);

    [Fact]
    public void A_refused_segment_leaves_the_head_where_it_is() => WriteQueueScript.Run("""
        +0 write 1000
        +0 fail
        +0 push
        +0 ? SendHead=1 UnsentBytes=1000 InFlightBytes=0 Timer=off
        +0 push
        +0 > . 1:1001(1000) ack 1
        +0 ? SendHead=none
        """);

    [Fact]
    public void The_FIN_is_the_last_number_and_no_byte() => WriteQueueScript.Run("""
        +0 write 500
        +0 close
        +0 ? WriteSeq=502 UnsentBytes=500 QueuedBytes=500 SendHead=1
        +0 push
        +0 > F. 1:501(500) ack 1
        +0 ? UnsentBytes=0 InFlightBytes=500 SendHead=none
        +0 < . 1:1(0) ack 501 win 65535
        +0 ? SndUna=501 QueuedBytes=0 Timer=200
        +0 < . 1:1(0) ack 502 win 65535
        +0 ? SndUna=502 Timer=off
        """);

    [Fact]
    public void An_acknowledgment_in_the_middle_trims_the_segment() => WriteQueueScript.Run("""
        +0 write 1000
        +0 push
        +0 > . 1:1001(1000) ack 1
        +0 < . 1:1(0) ack 401 win 65535
        +0 ? SndUna=401 InFlightBytes=600 Segments=1 QueuedBytes=600
        +0 < . 1:1(0) ack 401 win 65535
        +0 ? SndUna=401
        """);

    [Fact]
    public void Acknowledgments_of_what_was_not_sent_are_ignored() => WriteQueueScript.Run("""
        +0 write 1000
        +0 < . 1:1(0) ack 501 win 65535
        +0 ? SndUna=1 SendHead=1 UnsentBytes=1000
        """);

    [Fact]
    public void A_purge_empties_both_parts() => WriteQueueScript.Run("""
        +0 write 2000
        +0 push-one
        +0 > . 1:1001(1000) ack 1
        +0 purge
        +0 ? SndUna=2001 SndNxt=2001 WriteSeq=2001 QueuedBytes=0 Timer=off Segments=0
        """);

    [Fact]
    public void Nothing_follows_a_FIN()
    {
        var queue = new WriteQueue(new SequenceNumber(1));
        queue.QueueFin();
        queue.QueueFin();
        Assert.Equal(new SequenceNumber(2), queue.WriteSeq);
        Assert.Throws<InvalidOperationException>(() => queue.Entail(1));
    }

    [Fact]
    public void A_script_that_does_not_hold_shows_the_line_and_a_sentence_for_each_field()
    {
        Exception exception = Assert.ThrowsAny<Exception>(() => WriteQueueScript.Run("""
            +0 write 3000
            +0 ? SndUna=1 UnsentBytes=2048
            """));
        Assert.Contains(">>> +0 ? SndUna=1 UnsentBytes=2048", exception.Message, StringComparison.Ordinal);
        Assert.Contains("field UnsentBytes: expected: 2048 (0x800) vs actual: 3000 (0xbb8)", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("field SndUna", exception.Message, StringComparison.Ordinal);
    }
}
