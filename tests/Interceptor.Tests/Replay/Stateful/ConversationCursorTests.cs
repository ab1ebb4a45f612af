using Interceptor.Packets;
using Interceptor.Replay.Stateful;

namespace Interceptor.Tests.Replay.Stateful;

/// <summary>When the steps of conversations are due, and in what order connections are opened: in virtual time.</summary>
public sealed class ConversationCursorTests
{
    [Fact]
    public void A_step_waits_for_the_answer_and_then_for_as_long_as_in_the_capture()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(10, 1, 1, "one").Server(15, 1, 4, "ONE").Client(40, 4, 4, "two");
        var cursor = new ConversationCursor(Assert.Single(packets.Scripts()), asClient: true, ConversationPace.Original);
        cursor.Open(Ms(1000));
        Assert.Equal(Ms(1010), cursor.Due);
        cursor.StepDone(Ms(1010), wasHeldUp: false);
        Assert.Null(cursor.Due);
        cursor.PeerReached(2, Ms(1100));
        Assert.Null(cursor.Due);
        cursor.PeerReached(3, Ms(1200));
        Assert.Equal(Ms(1225), cursor.Due);
        cursor.StepDone(Ms(1225), wasHeldUp: false);
        Assert.Equal(ConversationStepKind.End, cursor.Current.Kind);
    }

    [Fact]
    public void Steps_that_depend_on_time_alone_do_not_drift()
    {
        var packets = new RecordedPackets().Handshake(0);
        for (int i = 0; i < 1000; i++)
        {
            packets.Client(10 + i, 1 + i, 1, "x");
        }

        using (packets)
        {
            var cursor = new ConversationCursor(Assert.Single(packets.Scripts()), asClient: true, ConversationPace.Original);
            cursor.Open(0);
            for (int i = 0; i < 1000; i++)
            {
                Assert.Equal(Ms(10 + i), cursor.Due);
                cursor.StepDone(cursor.Due!.Value + 300_000, wasHeldUp: false);
            }
        }
    }

    [Fact]
    public void Bytes_that_had_come_long_before_hold_nothing_up()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(10, 1, 1, "one").Server(20, 1, 4, "ONE").Client(30, 4, 4, "two").Server(40, 4, 7, "TWO").Client(50, 7, 4, "three");
        var cursor = new ConversationCursor(Assert.Single(packets.Scripts()), asClient: true, ConversationPace.Original);
        cursor.Open(0);
        cursor.StepDone(Ms(10), wasHeldUp: false);
        cursor.PeerReached(6, Ms(11));
        Assert.Equal(Ms(21), cursor.Due);
        cursor.StepDone(Ms(21), wasHeldUp: false);
        Assert.Equal(Ms(41), cursor.Due);
    }

    [Fact]
    public void What_the_kernel_did_not_take_in_time_moves_what_follows()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0).Client(10, 1, 1, "one").Client(20, 4, 1, "two");
        var cursor = new ConversationCursor(Assert.Single(packets.Scripts()), asClient: true, ConversationPace.Original);
        cursor.Open(0);
        cursor.StepDone(Ms(100), wasHeldUp: true);
        Assert.Equal(Ms(110), cursor.Due);
    }

    [Fact]
    public void Speed_top_speed_and_the_longest_gap_change_the_waits()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0).Client(1000, 1, 1, "one");
        ConversationScript script = Assert.Single(packets.Scripts());
        long DueAt(ConversationPace pace)
        {
            var cursor = new ConversationCursor(script, asClient: true, pace);
            cursor.Open(0);
            return cursor.Due!.Value;
        }

        Assert.Equal(Ms(250), DueAt(new ConversationPace { SpeedMillionths = 4_000_000 }));
        Assert.Equal(0, DueAt(ConversationPace.TopSpeed));
        Assert.Equal(Ms(30), DueAt(new ConversationPace { MaxGap = TimeSpan.FromMilliseconds(30) }));
    }

    [Fact]
    public void The_server_waits_for_the_question_and_thinks_as_long_as_it_did()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(10, 1, 1, "ask").Server(50, 1, 4, "answer", TcpFlags.Fin | TcpFlags.Ack).Client(51, 4, 8, "", TcpFlags.Fin | TcpFlags.Ack);
        var cursor = new ConversationCursor(Assert.Single(packets.Scripts()), asClient: false, ConversationPace.Original);
        cursor.Open(0);
        Assert.Null(cursor.Due);
        cursor.PeerReached(3, Ms(500));
        Assert.Equal(Ms(540), cursor.Due);
        cursor.StepDone(Ms(540), wasHeldUp: false);
        Assert.Equal((ConversationStepKind.Finish, Ms(540)), (cursor.Current.Kind, cursor.Due!.Value));
    }

    [Fact]
    public void A_connection_waits_for_the_ends_of_those_that_had_ended()
    {
        // 0 and 1 at once, 2 after 0, 3 after both of them and after 2; 4 is of another host.
        using RecordedPackets packets = new();
        Add(packets, 40000, 0, 100);
        Add(packets, 40001, 10, 200);
        Add(packets, 40002, 130, 300);
        Add(packets, 40003, 310, 400);
        Add(packets, 40004, 350, 500, host: 2);
        var order = new ConversationOrder(packets.Scripts(), ConversationPace.Original);
        Assert.Equal([(0, Ms(1000)), (1, Ms(1010)), (4, Ms(1350))], order.Start(Ms(1000)));
        Assert.Empty(order.End(1, Ms(2000)));
        Assert.Equal([(2, Ms(3030))], order.End(0, Ms(3000)));
        Assert.Equal([(3, Ms(5010))], order.End(2, Ms(5000)));
        Assert.Empty(order.End(4, Ms(5000)));
        Assert.Empty(order.End(3, Ms(6000)));
    }

    [Fact]
    public void At_top_speed_only_the_order_is_kept()
    {
        using RecordedPackets packets = new();
        Add(packets, 40000, 0, 100);
        Add(packets, 40001, 50, 200);
        Add(packets, 40002, 250, 300);
        var order = new ConversationOrder(packets.Scripts(), ConversationPace.TopSpeed);
        Assert.Equal([(0, 7L), (1, 7)], order.Start(7));
        Assert.Empty(order.End(0, 10));
        Assert.Equal([(2, 11L)], order.End(1, 11));
    }

    [Fact]
    public void A_connection_that_never_ended_holds_nobody_up()
    {
        using RecordedPackets packets = new();
        packets.Connection(40000).Handshake(0).Client(1, 1, 1, "open for ever");
        Add(packets, 40001, 50, 100);
        Add(packets, 40002, 150, 200);
        var order = new ConversationOrder(packets.Scripts(), ConversationPace.TopSpeed);
        Assert.Equal([0, 1], order.Start(0).Select(static it => it.Index));
        Assert.Equal([2], order.End(1, 5).Select(static it => it.Index));
    }

    private static void Add(RecordedPackets packets, ushort port, double from, double to, byte host = 1) =>
        packets.Connection(port, host).Handshake(from).Client(to, 1, 1, "x", TcpFlags.Fin | TcpFlags.Ack).Server(to, 1, 3, "", TcpFlags.Fin | TcpFlags.Ack);

    private static long Ms(double milliseconds) => RecordedPackets.At(milliseconds);
}
