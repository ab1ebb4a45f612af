using Interceptor.Packets;
using Interceptor.Replay.Stateful;

namespace Interceptor.Tests.Replay.Stateful;

/// <summary>What is made of packets to be played again.</summary>
public sealed class ConversationScriptTests
{
    private const TcpFlags Fin = TcpFlags.Fin | TcpFlags.Ack;

    [Fact]
    public void Each_byte_is_there_once_with_the_packet_that_carried_it_first()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "GET /")
            .Client(2, 1, 1, "GET /")            // again
            .Client(3, 1, 1, "GET /index")       // again, and more
            .Server(5, 1, 11, "answer")
            .Client(6, 11, 7, "")
            .Client(7, 11, 7, "GET /2")
            .Server(8, 7, 17, "more");
        ConversationScript script = Assert.Single(packets.Scripts());

        Assert.Equal("GET /indexGET /2", RecordedPackets.TextOf(script.ClientStream));
        Assert.Equal("answermore", RecordedPackets.TextOf(script.ServerStream));
        Assert.Equal([(0, 4, 0), (5, 6, 0), (10, 9, 6)], script.ClientStream.Pieces.ToArray().Select(static piece => (piece.Offset, piece.Packet, piece.PeerOffset)));
        Assert.Equal([(0L, 7L, 10L), (6, 10, 16)], script.ServerStream.Pieces.ToArray().Select(static piece => (piece.Offset, piece.Packet, piece.PeerOffset)));
        Assert.Equal(RecordedPackets.ClientBase, script.ClientInitialSequence!.Value.Value);
        Assert.Equal((9L, 10L), (script.ClientStream.PacketAt(12), script.ServerStream.PacketAt(6)));
    }

    [Fact]
    public void Bytes_out_of_order_keep_their_packets_and_their_senders_times()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "ask")
            .Server(2, 4, 4, "BBB")
            .Server(3, 7, 4, "CCC")
            .Server(4, 1, 4, "AAA")
            .Client(5, 4, 10, "next");
        ConversationScript script = Assert.Single(packets.Scripts());

        Assert.Equal("AAABBBCCC", RecordedPackets.TextOf(script.ServerStream));
        Assert.Equal([7L, 5L, 6L], script.ServerStream.Pieces.ToArray().Select(static piece => piece.Packet));

        // None of it had come before the first piece filled the gap.
        Assert.All(script.ServerStream.Pieces.ToArray(), static piece => Assert.Equal(RecordedPackets.At(4), piece.At));
        Assert.Equal(9, script.ClientStream.Pieces[1].PeerOffset);
    }

    [Fact]
    public void A_gap_on_the_played_side_makes_it_unplayable_and_on_the_other_side_only_uncompared()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "ask")
            .Server(2, 1, 4, "AAA")
            .Server(3, 7, 4, "CCC")
            .Client(4, 4, 10, "next");
        (ConversationScript script, string? obstacle, string? reservation) = Assert.Single(packets.Read());
        Assert.Null(obstacle);
        Assert.Contains("3 bytes that the server sent", reservation, StringComparison.Ordinal);
        Assert.Equal((9L, 3L), (script.ServerBytes, script.ServerStream.MissingBytes));
        Assert.Equal(2, script.ServerStream.Read(4, new byte[16], out bool isKnown));
        Assert.False(isKnown);

        using RecordedPackets others = new RecordedPackets().Handshake(0).Client(1, 1, 1, "ask").Client(2, 9, 1, "next").Server(3, 1, 13, "A");
        Assert.Contains("5 bytes that the client sent", Assert.Single(others.Read()).Obstacle, StringComparison.Ordinal);
        using RecordedPackets servers = new RecordedPackets().Handshake(0).Client(1, 1, 1, "ask").Client(2, 9, 1, "next").Server(3, 1, 13, "A");
        Assert.Null(Assert.Single(servers.Read(new ConversationSelection { AsClient = false })).Obstacle);
    }

    [Fact]
    public void What_only_an_acknowledgment_tells_of_is_missing_too()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0).Client(1, 1, 1, "ask").Client(2, 4, 101, "next");
        (ConversationScript script, _, string? reservation) = Assert.Single(packets.Read());
        Assert.Equal((100L, 100L), (script.ServerBytes, script.ServerStream.MissingBytes));
        Assert.Contains("100 bytes", reservation, StringComparison.Ordinal);
        Assert.Equal(100, script.ClientStream.Pieces[1].PeerOffset);
    }

    [Fact]
    public void Requests_sent_ahead_wait_only_for_what_had_come()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "one")
            .Client(1.5, 4, 1, "two")
            .Server(2, 1, 4, "ONE")
            .Client(2.5, 7, 2, "three")
            .Server(3, 4, 12, "TWO");
        ConversationScript script = Assert.Single(packets.Scripts());
        Assert.Equal([0L, 0, 1], script.ClientStream.Pieces.ToArray().Select(static piece => piece.PeerOffset));
        Assert.Equal([3L, 11], script.ServerStream.Pieces.ToArray().Select(static piece => piece.PeerOffset));
    }

    [Fact]
    public void A_half_close_stands_at_its_place()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "all")
            .Client(2, 4, 1, "", Fin)
            .Server(3, 1, 5, "sum")
            .Server(4, 4, 5, "", Fin)
            .Client(5, 5, 5, "");
        ConversationScript script = Assert.Single(packets.Scripts());
        Assert.Equal(new ScriptMark(5, RecordedPackets.At(2), 0), script.ClientStream.Fin);
        Assert.Equal(new ScriptMark(7, RecordedPackets.At(4), 4), script.ServerStream.Fin);
        Assert.Equal(RecordedPackets.At(3), script.EndedAt);
    }

    [Fact]
    public void A_close_that_answers_a_close_waits_for_it()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "ask").Server(2, 1, 4, "answer", Fin).Client(3, 4, 8, "", Fin).Server(4, 8, 5, "");
        ConversationScript script = Assert.Single(packets.Scripts());
        Assert.Equal(7, script.ClientStream.Fin!.Value.PeerOffset);
        Assert.Equal(7, script.ServerStream.End);
    }

    [Fact]
    public void A_reset_ends_the_script_and_one_after_both_ends_closed_does_not()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "ask").Server(2, 1, 4, "answer").Client(3, 4, 7, "", TcpFlags.Rst | TcpFlags.Ack);
        ConversationScript script = Assert.Single(packets.Scripts());
        Assert.Equal(new ScriptMark(6, RecordedPackets.At(3), 6), script.ClientStream.Reset);
        Assert.Equal(RecordedPackets.At(3), script.EndedAt);

        using RecordedPackets closed = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "", Fin).Server(2, 1, 2, "", Fin).Client(3, 2, 2, "", TcpFlags.Rst);
        script = Assert.Single(closed.Scripts());
        Assert.Null(script.ClientStream.Reset);
        Assert.NotNull(script.ClientStream.Fin);
    }

    [Fact]
    public void A_connection_without_its_beginning_is_left_out_unless_it_is_wanted()
    {
        RecordedPackets Make() => new RecordedPackets()
            .Client(1, 501, 901, "ask").Server(2, 901, 504, "answer").Client(3, 504, 907, "more").Server(4, 907, 508, "last");
        using RecordedPackets packets = Make();
        Assert.Contains("--midstream", Assert.Single(packets.Read()).Obstacle, StringComparison.Ordinal);

        using RecordedPackets wanted = Make();
        (ConversationScript script, string? obstacle, _) = Assert.Single(wanted.Read(new ConversationSelection { IncludesMidstream = true }));
        Assert.Null(obstacle);
        Assert.Equal("askmore", RecordedPackets.TextOf(script.ClientStream));
        Assert.Equal([(0L, 1L, 0L), (3, 3, 6)], script.ClientStream.Pieces.ToArray().Select(static piece => (piece.Offset, piece.Packet, piece.PeerOffset)));
        Assert.Null(script.ClientInitialSequence);
    }

    [Fact]
    public void Without_a_beginning_the_ports_tell_the_client()
    {
        using RecordedPackets packets = new RecordedPackets().Server(1, 901, 501, "late answer").Client(2, 501, 912, "ask");
        ConversationScript script = Assert.Single(packets.Read(new ConversationSelection { IncludesMidstream = true })).Script;
        Assert.Equal((40000, 80), (script.Client.Port, script.Server.Port));
        Assert.Equal(("ask", "late answer"), (RecordedPackets.TextOf(script.ClientStream), RecordedPackets.TextOf(script.ServerStream)));
    }

    [Fact]
    public void What_nobody_answered_or_somebody_refused_is_left_out()
    {
        using RecordedPackets packets = new RecordedPackets()
            .Client(1, 0, 0, "", TcpFlags.Syn)
            .Connection(40001).Client(2, 0, 0, "", TcpFlags.Syn).Server(2, 0, 1, "", TcpFlags.Rst | TcpFlags.Ack);
        Assert.Equal(["the capture shows no answer to its SYN", "it was refused in the capture"], packets.Read().Select(static it => it.Obstacle));
    }

    [Fact]
    public void A_port_used_again_is_another_connection()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0).Client(1, 1, 1, "one", Fin).Server(2, 1, 5, "", Fin).Client(3, 5, 2, "")
            .Client(10, 1000, 0, "", TcpFlags.Syn).Server(11, 5000, 1001, "", TcpFlags.Syn | TcpFlags.Ack).Client(12, 1001, 5001, "two");
        Assert.Equal(["one", "two"], packets.Scripts().Select(static script => RecordedPackets.TextOf(script.ClientStream)));
    }

    [Fact]
    public void The_answers_to_what_matches_are_not_known_any_more()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0)
            .Client(1, 1, 1, "GET a").Server(2, 1, 6, "AAA").Client(3, 6, 4, "TIME").Server(4, 4, 10, "12:").Server(5, 7, 10, "34").Client(6, 10, 9, "GET b").Server(7, 9, 15, "BBB");
        ConversationScript script = Assert.Single(packets.Scripts());
        UncomparedAnswers.Forget(script.ClientStream, script.ServerStream, [new("^TIME")]);
        Assert.Equal(11, script.ServerBytes);
        var bytes = new byte[16];
        Assert.Equal(3, ((IExpectedBytes)script.ServerStream).ReadKnown(0, bytes));
        Assert.Equal(0, ((IExpectedBytes)script.ServerStream).ReadKnown(7, bytes));
        Assert.Equal(3, ((IExpectedBytes)script.ServerStream).ReadKnown(8, bytes));
        Assert.Equal("BBB"u8, bytes.AsSpan(0, 3));
    }
}
