using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using Interceptor.Tests.Allocations;

namespace Interceptor.Tests.Intercept.Editing;

/// <summary>What becomes of single segments.</summary>
public sealed class EditorScriptTests
{
    [Fact]
    public void Numbers_are_translated_both_ways_from_the_first_change_of_a_length_on()
    {
        EditorScript script = new EditorScript("old=newer").Open();
        Assert.Equal(["as it is > 1001 'some' ack 5001 win 1000"], script.Client(1001, 5001, text: "some"));
        Assert.Equal(["> 1005 ' newer ' ack 5001 win 1000"], script.Client(1005, 5001, text: " old "));
        Assert.Equal(["< 5001 'ok' ack 1010 win 1000"], script.Server(5001, 1012, text: "ok"));
        Assert.Equal(["> 1012 'more' ack 5003 win 1000"], script.Client(1010, 5003, text: "more"));
        Assert.Equal(["> 1005 ' newer m' ack 5003 win 1000"], script.Client(1005, 5003, text: " old m"));
        Assert.Equal(["< 5003 '' ack 1010 win 1000 sack 1011-1014"], script.Server(5003, 1012, builder: packet => packet.Sack(new SackBlock(new(1013), new(1016)))));
        Assert.Equal(["> 1016 '' ack 5003 win 1000 fin"], script.Client(1014, 5003, TcpFlags.Ack | TcpFlags.Fin));
        Assert.Equal(["< 5003 '' ack 1015 win 1000"], script.Server(5003, 1017));
    }

    [Fact]
    public void A_segment_sent_again_in_other_pieces_has_the_same_bytes()
    {
        EditorScript script = new EditorScript("abcd=XY", "e=12345").Open();
        Assert.Equal(["> 1001 '-XY12345-' ack 5001 win 1000"], script.Client(1001, 5001, text: "-abcde-"));
        Assert.Equal(["> 1003 'Y' ack 5001 win 1000"], script.Client(1003, 5001, text: "bcd"));
        Assert.Equal(["> 1004 '12345-' ack 5001 win 1000"], script.Client(1005, 5001, text: "de-"));
    }

    [Fact]
    public void A_segment_beyond_a_gap_waits_and_is_acknowledged_selectively_in_its_receivers_name()
    {
        EditorScript script = new EditorScript("old=newer").Open();
        Assert.Equal(["kept behind a gap", "own < 5001 '' ack 1001 win 1000 sack 1004-1007"], script.Client(1004, 5001, text: "ldx"));
        Assert.Equal(["kept behind a gap", "own < 5001 '' ack 1001 win 1000 sack 1009-1010 sack 1004-1007"], script.Client(1009, 5001, text: "o"));
        Assert.Equal(["dropped: the same bytes wait already", "own < 5001 '' ack 1001 win 1000 sack 1004-1007 sack 1009-1010"], script.Client(1005, 5001, text: "d"));
        Assert.Equal(["kept", "later > 1001 'yyn' ack 5001 win 1000", "later > 1004 'ewerx' ack 5001 win 1000"], script.Client(1001, 5001, text: "yyo"));
        Assert.Equal(["> 1009 'zz' ack 5001 win 1000"], script.Client(1007, 5001, text: "zz"));
    }

    [Fact]
    public void What_waited_has_the_newest_acknowledgment_and_time()
    {
        static Action<PacketBuilder> At(uint time) => packet => packet.NoOperation().NoOperation().Timestamps(time, 1);
        EditorScript script = new EditorScript("old=newer").Open();
        script.Client(1004, 5001, text: "x", builder: At(10));
        script.Server(5001, 1001, text: "answer", builder: At(7));
        script.Client(1001, 5007, window: 900, builder: At(20));
        Assert.Equal(
            ["as it is > 1001 'abc' ack 5007 win 800 time 30", "later > 1004 'x' ack 5007 win 800 time 30"], script.Client(1001, 5007, text: "abc", window: 800, builder: At(30)));
    }

    [Fact]
    public void A_segment_whose_bytes_are_all_deleted_is_acknowledged_by_us_where_its_receiver_would_not()
    {
        EditorScript script = new EditorScript("old=").Open();
        Assert.Equal(["> 1001 '' ack 5001 win 1000", "own < 5001 '' ack 1004 win 1000"], script.Client(1001, 5001, TcpFlags.Ack | TcpFlags.Psh, "old"));
        script.Client(1004, 5001, text: "x");

        // The receiver still owes an acknowledgment of the x: that will say it.
        Assert.Equal(["> 1002 '' ack 5001 win 1000"], script.Client(1005, 5001, text: "old"));
        Assert.Equal(["< 5001 '' ack 1008 win 1000"], script.Server(5001, 1002));
    }

    [Fact]
    public void A_segment_that_ends_where_a_pair_may_begin_waits_for_the_next_or_a_moment()
    {
        EditorScript script = new EditorScript("old=newer").Open();
        Assert.Equal(["kept"], script.Client(1001, 5001, TcpFlags.Ack | TcpFlags.Psh, "go"));
        Assert.Empty(script.Wait(ConnectionEditor.ShortWait - 1));
        Assert.Equal(["later as it is > 1001 'go' ack 5001 win 1000"], script.Wait(1));
        Assert.Equal(["as it is > 1003 'ld' ack 5001 win 1000"], script.Client(1003, 5001, TcpFlags.Ack | TcpFlags.Psh, "ld"));

        // Not pushed: there is more to come.
        Assert.Equal(["kept"], script.Client(1005, 5001, text: "o"));
        Assert.Equal(["dropped: the same bytes wait already", "own < 5001 '' ack 1001 win 1000 sack 1005-1006"], script.Client(1005, 5001, text: "o"));
        Assert.Empty(script.Wait(ConnectionEditor.ShortWait));
        Assert.Equal(["own < 5001 '' ack 1001 win 1000 sack 1005-1006"], script.Wait(ConnectionEditor.LongWait));
        Assert.Equal(["later > 1005 'n' ack 5001 win 1000", "> 1006 'ewer' ack 5001 win 1000"], script.Client(1006, 5001, text: "ld"));
        Assert.Equal(["kept"], script.Client(1008, 5001, text: "o"));
        Assert.Equal(["later > 1010 'o' ack 5001 win 1000", "> 1011 '' ack 5001 win 1000 fin"], script.Client(1009, 5001, TcpFlags.Ack | TcpFlags.Fin));
    }

    [Fact]
    public void What_waits_for_what_follows_is_acknowledged_when_it_comes_again_or_nothing_does_for_else_its_sender_may_stop_there()
    {
        EditorScript script = new EditorScript("old=newer").Open();
        Assert.Equal(["kept"], script.Client(1001, 5001, text: "go"));
        Assert.Equal(["kept behind a gap", "own < 5001 '' ack 1001 win 1000 sack 1005-1006"], script.Client(1005, 5001, text: "x"));
        Assert.Equal(["own < 5001 '' ack 1001 win 1000 sack 1001-1003 sack 1005-1006"], script.Wait(ConnectionEditor.LongWait));
        Assert.Equal(["dropped: the same bytes wait already", "own < 5001 '' ack 1001 win 1000 sack 1001-1003 sack 1005-1006"], script.Client(1002, 5001, text: "o"));
        Assert.Equal(
            ["later > 1001 'gn' ack 5001 win 1000", "> 1003 'ewer' ack 5001 win 1000", "later > 1007 'x' ack 5001 win 1000"], script.Client(1003, 5001, text: "ld"));

        // Not for ever: its sender may know no selective acknowledgments.
        script.Client(1006, 5001, text: "o");
        script.Client(1009, 5001, text: "x");
        Assert.Equal(["later > 1008 'o' ack 5001 win 1000"], script.Wait(ConnectionEditor.GapWait));
    }

    [Fact]
    public void A_probe_stays_before_the_next_byte_and_a_reset_at_it()
    {
        EditorScript script = new EditorScript("old=").Open();
        script.Client(1001, 5001, text: "xold");
        Assert.Equal(["> 1001 '' ack 5001 win 1000"], script.Client(1004, 5001));
        Assert.Equal(["> 1002 '' ack 5001 win 1000"], script.Client(1005, 5001));
        Assert.Equal(["> 1002 '' ack 5001 win 1000 reset"], script.Client(1005, 5001, TcpFlags.Ack | TcpFlags.Rst));
        Assert.True(script.Connection.IsClosed);
    }

    [Fact]
    public void The_window_ends_at_the_same_byte_for_both()
    {
        EditorScript script = new EditorScript("a=12345").Open();
        script.Client(1001, 5001, text: "aaa");
        Assert.Equal(["< 5001 '' ack 1001 win 988"], script.Server(5001, 1001));
        Assert.Equal(["< 5001 '' ack 1002 win 992"], script.Server(5001, 1006));
        Assert.Equal(["< 5001 '' ack 1004 win 1000"], script.Server(5001, 1016));
    }

    [Fact]
    public void An_urgent_pointer_points_at_the_same_byte()
    {
        EditorScript script = new EditorScript("old=newer").Open();
        byte[] packet = script.Build(isClient: true, 1001, 5001, TcpFlags.Ack | TcpFlags.Urg, "old!");
        Assert.True(TcpEditor.TryParse(packet.AsSpan(20), out TcpEditor tcp));
        tcp.UrgentPointer = 4;
        PacketChecksums.FixChecksums(packet, LinkType.Raw);
        script.TakeBytes(packet);
        Assert.Equal(["> 1001 'newer!' ack 5001 win 1000 urgent 6"], script.Wait(0));
    }

    [Fact]
    public void A_grown_segment_is_cut_but_at_input()
    {
        EditorScript script = new EditorScript("a=bbb").Open();
        string[] pieces = script.Client(1001, 5001, TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Fin, new string('a', 1460));
        Assert.Equal(3, pieces.Length);
        Assert.Equal(["> 1001", "own > 2461", "own > 3921"], pieces.Select(piece => piece[..piece.IndexOf(" '", StringComparison.Ordinal)]));
        Assert.EndsWith("win 1000 fin", pieces[2], StringComparison.Ordinal);
        Assert.DoesNotContain("fin", pieces[0] + pieces[1], StringComparison.Ordinal);
        script = new EditorScript("a=bbb") { Hook = FirewallHook.Input }.Open();
        Assert.Single(script.Client(1001, 5001, text: new string('a', 1460)));
    }

    [Fact]
    public void A_connection_seen_from_the_middle_is_left_as_it_is_with_the_reason()
    {
        var script = new EditorScript("old=newer");
        Assert.Equal(["as it is > 1001 'old' ack 5001 win 1000"], script.Client(1001, 5001, text: "old"));
        Assert.Equal(("its beginning was not seen.", true), (script.Connection.Refusal, script.Connection.IsMidstream));
    }

    [Theory]
    [InlineData("old=newer", "> 1001 'old'", true)]
    [InlineData("old=new", "> 1001 'new'", false)]
    public void One_direction_alone_is_edited_only_where_lengths_stay(string rule, string expected, bool isRefused)
    {
        var script = new EditorScript(rule);
        script.Client(1000, 0, TcpFlags.Syn);
        Assert.Contains(expected, Assert.Single(script.Client(1001, 5001, text: "old")), StringComparison.Ordinal);
        Assert.Equal(isRefused, script.Connection.Refusal is not null);
    }

    [Theory]
    [InlineData(19, false, "MD5")]
    [InlineData(29, false, "TCP-AO")]
    [InlineData(30, true, "Multipath")]
    public void What_can_not_stay_valid_is_refused_with_the_reason(byte option, bool isInAnswer, string reason)
    {
        Action<PacketBuilder> add = packet => packet.TcpOption((TcpOptionKind)option, new byte[16]);
        var script = new EditorScript("old=newer");
        script.Client(1000, 0, TcpFlags.Syn, builder: add);
        Assert.Equal(isInAnswer, script.Connection.Refusal is null);
        script.Server(5000, 1001, TcpFlags.Syn | TcpFlags.Ack, builder: add);
        Assert.Contains(reason, script.Connection.Refusal, StringComparison.Ordinal);
        Assert.StartsWith("as it is", Assert.Single(script.Client(1001, 5001, text: "old")), StringComparison.Ordinal);
    }

    [Fact]
    public void What_passes_a_second_hook_is_not_edited_again()
    {
        var script = new EditorScript("a=aa") { Hook = FirewallHook.Output };
        script.Client(1000, 0, TcpFlags.Syn);
        script.Hook = FirewallHook.Input;
        script.Client(1000, 0, TcpFlags.Syn);
        script.Hook = FirewallHook.Output;
        script.Server(5000, 1001, TcpFlags.Syn | TcpFlags.Ack);
        Assert.Equal(["> 1001 'aa' ack 5001 win 1000"], script.Client(1001, 5001, text: "a"));
        script.Hook = FirewallHook.Input;
        Assert.Equal(["as it is > 1001 'aa' ack 5001 win 1000"], script.Client(1001, 5001, text: "aa"));
    }

    [Fact]
    public void A_new_SYN_begins_anew_once_it_is_answered_and_not_before()
    {
        EditorScript script = new EditorScript("a=aa").Open();
        script.Client(1001, 5001, text: "a");
        script.Client(9000, 0, TcpFlags.Syn);
        Assert.Equal(["> 1003 'b' ack 5001 win 1000"], script.Client(1002, 5001, text: "b"));
        script.Server(7000, 9001, TcpFlags.Syn | TcpFlags.Ack);
        Assert.Equal(["as it is > 9001 'b' ack 7001 win 1000"], script.Client(9001, 7001, text: "b"));
    }

    [Fact]
    public void What_is_over_is_forgotten_after_a_minute_and_what_is_not_stays()
    {
        EditorScript script = new EditorScript("a=aa").Open();
        script.Client(1001, 5001, text: "a");
        Assert.Equal(0, script.Connections.Sweep(script.Now + (2 * ConnectionTable.ShortMemory)));
        Assert.Equal(1, script.Connections.Count);
        script.Client(1002, 5001, TcpFlags.Ack | TcpFlags.Fin);
        script.Server(5001, 1004, TcpFlags.Ack | TcpFlags.Fin);
        script.Client(1003, 5002);
        Assert.True(script.Connection.IsClosed);
        Assert.Equal(0, script.Connections.Sweep(script.Now + (2 * ConnectionTable.ShortMemory)));
        Assert.Equal(0, script.Connections.Count);
    }

    [Fact]
    public void At_the_end_what_waits_in_order_goes_on_and_both_ends_can_be_reset()
    {
        EditorScript script = new EditorScript("old=newer").Open();
        script.Client(1001, 5001, text: "old o");
        script.Client(1009, 5001, text: "later");
        Assert.Equal(["later > 1001 'newer o' ack 5001 win 1000", "dropped: it was behind a gap when the end came"], script.Release());
        Assert.True(script.Connection.IsTranslated);
        Assert.Equal(0, script.Scratch.AheadBytes);
    }

    [Fact]
    public void A_segment_without_a_match_on_a_known_connection_allocates_nothing()
    {
        var editor = new ConnectionTable(new ReplacementSet([Replacement.Parse("needle=pin")]), new EditingScratch());
        EditorScript script = new EditorScript("needle=pin").Open();
        byte[][] opening =
        [
            script.Build(true, 1000, 0, TcpFlags.Syn, ""), script.Build(false, 5000, 1001, TcpFlags.Syn | TcpFlags.Ack, ""),
        ];
        byte[][] segments = [.. Enumerable.Range(0, 200).Select(i => script.Build(true, 1001 + (uint)(500 * i), 5001, TcpFlags.Ack, new string('x', 500)))];
        var silent = new SilentOutput();
        foreach (byte[] packet in opening)
        {
            Pass(editor, packet, silent);
        }

        int next = 0;
        Pass(editor, segments[next++], silent);
        Assert.Equal(0, RealPackets.AllocatedBy(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                Pass(editor, segments[next++], silent);
            }
        }));
    }

    private static void Pass(ConnectionTable connections, byte[] packet, IEditingOutput output)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        EditedSegment.TryRead(in view, out EditedSegment segment);
        view.TryGetFlow(out FlowKey flow);
        connections.Find(in flow, in segment, output, out int direction)!.Take(direction, FirewallHook.Forward, in segment, 1, output);
    }

    private sealed class SilentOutput : IEditingOutput
    {
        public IHeldSegment Keep(bool behindGap) => throw new NotSupportedException();

        public void GoOn(IHeldSegment? held)
        {
        }

        public void GoOn(IHeldSegment? held, ReadOnlySpan<byte> packet, int replaced, int growth)
        {
        }

        public void Drop(IHeldSegment? held, string reason) => throw new NotSupportedException();

        public void Send(ReadOnlySpan<byte> packet)
        {
        }
    }
}
