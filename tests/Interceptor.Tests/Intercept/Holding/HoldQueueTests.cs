using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Testing;
using static Interceptor.Tests.Intercept.Holding.HoldBench;

namespace Interceptor.Tests.Intercept.Holding;

public sealed class HoldQueueTests
{
    [Fact]
    public void What_comes_waits_and_goes_on_in_order()
    {
        HoldBench bench = Full("a", "b", "c");
        Assert.Empty(bench.Turn());
        Assert.Equal(3, bench.Queue.ReleaseAll());
        Assert.Equal(3, bench.Wakes);
        Assert.Equal(["+a", "+b", "+c"], bench.Turn());
        Assert.Equal(0, bench.Queue.Count);
        Assert.Equal(["Held 1", "Held 2", "Held 3", "Released 1", "Released 2", "Released 3"], bench.Events);
    }

    [Fact]
    public void A_person_may_release_and_drop_out_of_order()
    {
        HoldBench bench = Full("a", "b", "c", "d");
        Assert.True(bench.Queue.Release(3));
        Assert.False(bench.Queue.Release(3));
        Assert.True(bench.Queue.Drop(1));
        Assert.Equal(["+c", "-a(Command)"], bench.Turn());
        Assert.Equal([2, 4], bench.Queue.Snapshot().Select(item => item.Id));
    }

    [Fact]
    public void All_up_to_one_go_on_by_number_by_filter_and_by_count()
    {
        HoldBench bench = Full("a", "b", "c", "d", "e", "f");
        Assert.Equal(0, bench.Queue.ReleaseUntil(99));
        Assert.Equal(2, bench.Queue.ReleaseUntil(2));
        Assert.Equal(["+a", "+b"], bench.Turn());
        Assert.Equal(0, bench.Queue.ReleaseUntil(PacketFilter.Compile("udp", LinkType.Raw)));
        Assert.Equal(2, bench.Queue.ReleaseUntil(PacketFilter.Compile("tcp[4:4] = 103", LinkType.Raw)));
        Assert.Equal(["+c", "+d"], bench.Turn());
        Assert.Equal(1, bench.Queue.ReleaseFirst(1));
        Assert.Equal(["+e"], bench.Turn());
    }

    [Fact]
    public void Paused_nothing_more_is_held_but_what_comes_behind_held_packets_of_its_direction()
    {
        HoldBench bench = Full("a");
        bench.Queue.Pause();
        Assert.False(bench.Come(Segment(1, "other", port: 40001)));
        Assert.True(bench.Come(Segment(101, "b")));
        Assert.False(bench.Queue.IsHolding);
        bench.Queue.Release(1);
        Assert.True(bench.Come(Segment(102, "c")));
        bench.Queue.ReleaseAll();
        Assert.Equal(["passed other", "+a", "+b", "+c"], bench.Turn());
        Assert.False(bench.Come(Segment(103, "d")));
        bench.Queue.Continue();
        Assert.True(bench.Come(Segment(104, "e")));
    }

    [Fact]
    public void What_was_let_go_before_goes_on_before_what_passes()
    {
        HoldBench bench = Full("a");
        bench.Queue.Pause();
        bench.Queue.ReleaseAll();
        bench.Come(Segment(101, "b"));
        Assert.Equal(["+a", "passed b"], bench.Log);
    }

    [Fact]
    public void A_breakpoint_stops_its_direction_until_all_that_is_held_of_it_is_gone()
    {
        var bench = new HoldBench(new HoldOptions { Trigger = (in packet, _, _) => packet.TryGetTcp(out TcpView tcp) && (tcp.Flags & TcpFlags.Fin) != 0 });
        Assert.False(bench.Come(Segment(1, "a")));
        Assert.True(bench.Come(Segment(2, "b", TcpFlags.Fin | TcpFlags.Ack)));
        Assert.True(bench.Come(Segment(4, "c")));
        Assert.False(bench.Come(Segment(1, "x", port: 40001)));
        bench.Queue.Release(1);
        Assert.True(bench.Come(Segment(5, "d")));
        bench.Queue.ReleaseAll();
        bench.Turn();
        Assert.False(bench.Come(Segment(6, "e")));
    }

    [Theory]
    [InlineData(HoldOverflow.ReleaseOldest, "+a", 2, 3, 4)]
    [InlineData(HoldOverflow.DropOldest, "-a(Packets)", 2, 3, 4)]
    [InlineData(HoldOverflow.DropNewest, "-d(Packets)", 1, 2, 3)]
    public void Too_many_packets_are_met_by_the_policy(HoldOverflow overflow, string done, params int[] left)
    {
        var bench = new HoldBench(new HoldOptions { Limits = new HoldLimits { MaxPackets = 3, OnPackets = overflow } });
        Fill(bench, "a", "b", "c", "d");
        Assert.Equal([done], bench.Turn());
        Assert.Equal(left.Select(id => (long)id), bench.Queue.Snapshot().Select(item => item.Id));
        Check(bench.Queue.Counters);
    }

    [Theory]
    [InlineData(HoldOverflow.ReleaseOldest, "+a")]
    [InlineData(HoldOverflow.DropOldest, "-a(Bytes)")]
    [InlineData(HoldOverflow.DropNewest, "-d(Bytes)")]
    public void Too_many_bytes_are_met_by_the_policy(HoldOverflow overflow, string done)
    {
        // Each has 20 bytes of IP, 20 of TCP and one of text.
        var bench = new HoldBench(new HoldOptions { Limits = new HoldLimits { MaxBytes = 3 * 41, OnBytes = overflow } });
        Fill(bench, "a", "b", "c", "d");
        Assert.Equal([done], bench.Turn());
        Assert.Equal(3 * 41, bench.Queue.Counters.WaitingBytes);
        Check(bench.Queue.Counters);
    }

    [Theory]
    [InlineData(HoldOverflow.ReleaseOldest, "+a", "+b")]
    [InlineData(HoldOverflow.DropOldest, "-a(Age)", "-b(Age)")]
    public void What_is_too_old_is_met_by_the_policy_exactly_then(HoldOverflow overflow, string first, string second)
    {
        var bench = new HoldBench(new HoldOptions { Limits = new HoldLimits { MaxAge = TimeSpan.FromMilliseconds(50), OnAge = overflow } });
        bench.Come(Segment(1, "a"));
        bench.Now += 10 * Millisecond;
        bench.Come(Segment(2, "b"));
        Assert.Equal(50 * Millisecond, bench.Queue.NextDue);
        Assert.Empty(bench.Turn(39));
        Assert.Equal([first], bench.Turn(1));
        Assert.Equal(60 * Millisecond, bench.Queue.NextDue);
        Assert.Equal([second], bench.Turn(10));
        Assert.Equal(long.MaxValue, bench.Queue.NextDue);
    }

    [Fact]
    public void A_limit_that_is_set_later_meets_what_is_held_already()
    {
        HoldBench bench = Full("a", "b", "c");
        int before = bench.Wakes;
        bench.Queue.Limits = new HoldLimits { MaxPackets = 1 };
        Assert.True(bench.Wakes > before);
        Assert.Equal(["+a", "+b"], bench.Turn());
        Assert.Throws<ArgumentOutOfRangeException>(() => bench.Queue.Limits = new HoldLimits { OnAge = HoldOverflow.DropNewest });
    }

    [Fact]
    public void Held_for_a_time_all_go_on_together_and_what_comes_later_passes()
    {
        var bench = new HoldBench(new HoldOptions { For = TimeSpan.FromMilliseconds(20) });
        bench.Now = 5 * Millisecond;
        Fill(bench, "a", "b");
        Assert.Equal(25 * Millisecond, bench.Queue.NextDue);
        Assert.Empty(bench.Turn(19));
        Assert.Equal(["+a", "+b"], bench.Turn(1));
        Assert.False(bench.Come(Segment(200, "c")));
        Assert.False(bench.Queue.IsHolding);
    }

    [Fact]
    public void Held_until_a_packet_comes_that_one_goes_on_last()
    {
        var bench = new HoldBench(new HoldOptions { Until = PacketFilter.Compile("udp", LinkType.Raw) });
        Fill(bench, "a", "b");
        Assert.True(bench.Come(Datagram("go")));
        Assert.Equal(["+a", "+b", "+go"], bench.Turn());
        Assert.False(bench.Come(Segment(200, "c")));
    }

    [Fact]
    public void A_packet_that_is_waited_for_ends_the_holding_also_where_it_is_not_held_itself()
    {
        var bench = new HoldBench(new HoldOptions
        {
            Until = PacketFilter.Compile("udp", LinkType.Raw),
            Trigger = (in packet, _, _) => packet.TryGetTcp(out TcpView tcp) && (tcp.Flags & TcpFlags.Fin) != 0,
        });
        Assert.False(bench.Come(Datagram("too early")));
        Assert.True(bench.Come(Segment(2, "b", TcpFlags.Fin | TcpFlags.Ack)));
        Assert.False(bench.Come(Datagram("go")));
        Assert.False(bench.Come(Segment(2, "c", TcpFlags.Fin | TcpFlags.Ack)));
        Assert.Equal(["passed too early", "+b", "passed go", "passed c"], bench.Turn());
    }

    [Theory]
    [InlineData(false, "+a", "+b")]
    [InlineData(true, "-a(End)", "-b(End)")]
    public void At_the_end_the_policy_decides_and_nothing_more_is_held(bool drops, string first, string second)
    {
        var bench = new HoldBench(new HoldOptions { DropsAtEnd = drops });
        Fill(bench, "a", "b");
        bench.Queue.End(bench.Exit);
        Assert.Equal([first, second], bench.Turn());
        Assert.False(bench.Come(Segment(200, "c")));
        Check(bench.Queue.Counters);
    }

    [Fact]
    public void The_end_of_one_exit_leaves_what_belongs_to_another()
    {
        HoldBench bench = Full("a");
        bench.Queue.End(new HoldExit(() => { }));
        Assert.Equal(1, bench.Queue.Count);
    }

    [Fact]
    public void An_edit_goes_on_with_right_checksums_and_a_second_one_is_on_top_of_it()
    {
        HoldBench bench = Full("GET /a");
        Assert.True(bench.Queue.TryEdit(1, [HeldEdit.OfField("payload", "GET /b"), HeldEdit.OfField("ttl", "3")], out _));
        Assert.True(bench.Queue.TryEdit(1, [HeldEdit.OfField("tcp.window", "0x10")], out _));
        Assert.True(bench.Queue.SetDoubled(1, true));
        bench.Queue.ReleaseAll();
        Assert.Equal(["+GET /b twice"], bench.Turn());
        PacketView view = PacketView.Parse(bench.Sent[0], LinkType.Raw, bench.Sent[0].Length);
        Assert.True(view.TryGetIpv4(out Ipv4View ip) && view.TryGetTcp(out TcpView tcp) && ip.TimeToLive == 3 && tcp.WindowField == 16);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(in view).Transport);
        Assert.Equal(["Held 1", "Edited 1", "Edited 1", "Edited 1", "Released 1"], bench.Events);
    }

    [Fact]
    public void What_is_gone_or_cut_is_not_edited()
    {
        HoldBench bench = Full("a");
        Assert.False(bench.Queue.TryEdit(7, [], out string? reason));
        Assert.Equal("packet 7 is held no longer.", reason);
        byte[] cut = Segment(500, "long");
        bench.Come(cut, originalLength: 100);
        Assert.False(bench.Queue.TryEdit(2, [HeldEdit.OfField("ttl", "1")], out reason));
        Assert.StartsWith("packet 2 is not wholly here", reason, StringComparison.Ordinal);
    }

    /// <summary>Whatever is done in whatever order, each packet is decided once, in order where nobody chose another, and the counters add up.</summary>
    [Fact]
    public void Whatever_is_done_every_packet_is_decided_once_and_counted() => PropertyCheck.ForAllBytes(bytes =>
    {
        var bench = new HoldBench(new HoldOptions { Limits = new HoldLimits { MaxPackets = 5, OnPackets = (HoldOverflow)(bytes.Length % 3), MaxAge = TimeSpan.FromMilliseconds(9) } });
        int came = 0;
        int passed = 0;
        foreach (byte step in bytes)
        {
            long someone = bench.Queue.Snapshot().Select(item => item.Id).ElementAtOrDefault(step % 4);
            switch (step % 11)
            {
                case < 5:
                    came++;
                    passed += bench.Come(Segment((uint)(step * 3), $"{step:d3}", port: (ushort)(40000 + (step % 3)))) ? 0 : 1;
                    break;
                case 5:
                    bench.Queue.Release(someone);
                    break;
                case 6:
                    bench.Queue.Drop(someone);
                    break;
                case 7:
                    bench.Queue.TryEdit(someone, [HeldEdit.OfField("ttl", "9")], out _);
                    break;
                case 8 when step % 2 == 0:
                    bench.Queue.Pause();
                    break;
                case 8:
                    bench.Queue.Continue();
                    break;
                default:
                    bench.Now += step * Millisecond / 64;
                    bench.Queue.Expire(bench.Now);
                    bench.Exit.Flush(bench.Now);
                    break;
            }

            Check(bench.Queue.Counters);
            Assert.InRange(bench.Queue.Count, 0, 5);
        }

        bench.Queue.End(bench.Exit);
        bench.Turn();
        HoldCounters counters = bench.Queue.Counters;
        Check(counters);
        Assert.Equal((came, 0L, 0L), (counters.Held + passed, counters.Waiting, counters.WaitingBytes));
    });

    private static HoldBench Full(params string[] texts)
    {
        var bench = new HoldBench();
        Fill(bench, texts);
        return bench;
    }

    private static void Fill(HoldBench bench, params string[] texts)
    {
        uint sequence = 100;
        foreach (string text in texts)
        {
            Assert.True(bench.Come(Segment(sequence, text)));
            sequence += (uint)text.Length;
        }
    }

    private static void Check(HoldCounters counters) =>
        Assert.Equal(counters.Held, counters.Released + counters.Dropped + counters.Copies + counters.Waiting);
}
