using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using static Interceptor.Tests.Intercept.Holding.HoldBench;

namespace Interceptor.Tests.Intercept.Holding;

public sealed class HeldCopyTests
{
    private const TcpFlags Data = TcpFlags.Ack | TcpFlags.Psh;

    [Fact]
    public void Retransmissions_are_one_item_and_the_first_copy_goes_on()
    {
        var bench = new HoldBench();
        bench.Come(Segment(100, "request", timestamp: 1000));
        bench.Come(Segment(100, "request", timestamp: 1200));
        bench.Come(Segment(100, "request", timestamp: 1600));
        Assert.Equal(["-request(Copy)", "-request(Copy)"], bench.Turn());
        HeldItem item = Assert.Single(bench.Queue.Snapshot());
        Assert.Equal(2, item.Copies);
        bench.Queue.ReleaseAll();
        Assert.Equal(["+request"], bench.Turn());

        // The time of the first transmission goes on: its sender sees by the echo that nothing was lost (Eifel, RFC 3522), and how long it took.
        Assert.True(item.Parse().TryGetTcp(out TcpView tcp));
        TcpOptionSummary options = TcpOptionSummary.Read(in tcp);
        Assert.Equal(1000u, options.TimestampValue);
        Assert.Equal((3L, 1L, 2L), (bench.Queue.Counters.Held, bench.Queue.Counters.Released, bench.Queue.Counters.Copies));
    }

    [Fact]
    public void A_part_of_what_is_held_is_a_copy_too()
    {
        var bench = new HoldBench();
        bench.Come(Segment(uint.MaxValue - 1, "abcdef"));
        bench.Come(Segment(uint.MaxValue, "bcd"));
        bench.Come(Segment(2, "ef"));
        Assert.Equal(["-bcd(Copy)", "-ef(Copy)"], bench.Turn());
    }

    [Fact]
    public void A_retransmission_that_covers_more_takes_the_place_of_what_it_covers()
    {
        var bench = new HoldBench();
        bench.Come(Segment(100, "abc"));
        bench.Come(Segment(900, "later"));
        bench.Come(Segment(103, "def"));
        bench.Come(Segment(100, "abcdefghi"));
        Assert.Equal(["-abc(Copy)", "-def(Copy)"], bench.Turn());
        Assert.Equal([(1, 2), (2, 0)], bench.Queue.Snapshot().Select(item => ((int)item.Id, item.Copies)));
        bench.Queue.ReleaseAll();
        Assert.Equal(["+abcdefghi", "+later"], bench.Turn());
    }

    [Fact]
    public void What_was_edited_is_not_given_up_for_what_the_sender_sends()
    {
        var bench = new HoldBench();
        bench.Come(Segment(100, "abc"));
        Assert.True(bench.Queue.TryEdit(1, [HeldEdit.OfField("payload", "XYZ")], out _));
        bench.Come(Segment(100, "abc"));
        bench.Come(Segment(100, "abcdef"));
        bench.Queue.ReleaseAll();
        Assert.Equal(["-abc(Copy)", "+XYZ", "+abcdef"], bench.Turn());
    }

    [Theory]
    [InlineData("abX", Data)]
    [InlineData("abcd", Data)]
    [InlineData("abc", Data | TcpFlags.Fin)]
    [InlineData("abc", Data | TcpFlags.Rst)]
    public void Other_text_more_text_a_FIN_or_a_reset_is_no_copy(string text, TcpFlags flags)
    {
        var bench = new HoldBench();
        bench.Come(Segment(100, "abc"));
        bench.Queue.TryEdit(1, [HeldEdit.OfField("ttl", "9")], out _);
        bench.Come(Segment(100, text, flags));
        Assert.Equal(2, bench.Queue.Count);
    }

    [Fact]
    public void A_FIN_and_a_SYN_that_come_again_are_copies()
    {
        var bench = new HoldBench();
        bench.Come(Segment(100, "", TcpFlags.Syn));
        bench.Come(Segment(100, "", TcpFlags.Syn));
        bench.Come(Segment(101, "bye", Data | TcpFlags.Fin));
        bench.Come(Segment(104, "", TcpFlags.Ack | TcpFlags.Fin));
        Assert.Equal([1, 1], bench.Queue.Snapshot().Select(item => item.Copies));
    }

    [Fact]
    public void Acknowledgments_that_say_the_same_are_not_copies_for_three_of_them_mean_something()
    {
        var bench = new HoldBench();
        for (int i = 0; i < 3; i++)
        {
            bench.Come(Segment(100, "", TcpFlags.Ack));
        }

        Assert.Equal(3, bench.Queue.Count);
    }

    [Fact]
    public void The_same_numbers_of_another_connection_are_no_copy()
    {
        var bench = new HoldBench();
        bench.Come(Segment(100, "abc"));
        bench.Come(Segment(100, "abc", port: 40001));
        Assert.Equal(2, bench.Queue.Count);
    }

    [Theory]
    [InlineData(7, "same", 7, "same", 1)]
    [InlineData(7, "same", 8, "same", 2)]
    [InlineData(7, "same", 7, "else", 2)]
    [InlineData(0, "same", 0, "same", 2)]
    public void A_datagram_comes_again_if_its_identification_and_bytes_do(ushort first, string one, ushort second, string other, int items)
    {
        var bench = new HoldBench();
        bench.Come(Datagram(one, first));
        bench.Come(Datagram(other, second));
        Assert.Equal(items, bench.Queue.Count);
    }
}
