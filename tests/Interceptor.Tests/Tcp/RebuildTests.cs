using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Rebuild;
using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>A socket out of its packets: numbers, bytes, and what can't be known. All numbers cross 2^32.</summary>
public sealed class RebuildTests
{
    private const string Established = """
        +0 > S  0:0(0) win 64240 <mss 1000,sackOK,TS val 100 ecr 0,wscale 7>
        +0 < S. 0:0(0) ack 1 win 65160 <mss 1400,sackOK,TS val 900 ecr 100,wscale 8>
        +0 > .  1:1(0) ack 1 win 502 <TS val 100 ecr 900>

        """;

    // Neither SYN.
    private const string Midstream = """
        +0 > P. 1:101(100) ack 1 win 502
        +0 < .  1:1(0) ack 101 win 300

        """;

    [Fact]
    public void What_was_sent_and_not_acknowledged_is_the_send_queue()
    {
        RebuiltSocket socket = Rebuild(Established + """
            +0 > P. 1:1001(1000) ack 1 win 502 <TS val 100 ecr 900>
            +0 > P. 1001:2501(1500) ack 1 win 502 <TS val 100 ecr 900>
            +0 < .  1:1(0) ack 1501 win 500 <TS val 901 ecr 100>
            +0 > P. 1501:2001(500) ack 1 win 502 <TS val 101 ecr 900>
            """);
        Assert.Equal((TcpState.Established, 1000, 0), (socket.Snapshot.State, socket.Snapshot.QueuedBytes, socket.Snapshot.UnreadBytes));
        Assert.Equal(Pattern(isLocal: true, 1501, 2501), socket.SendQueue.ToArray());
        Assert.Equal((1400, 8, 7, true, true), (socket.Snapshot.MssClamp, socket.Snapshot.SndWindowScale, socket.Snapshot.RcvWindowScale, socket.Snapshot.SackPermitted, socket.Snapshot.Timestamps));
        Assert.Equal((500u << 8, 502u << 7), (socket.Snapshot.SndWnd, socket.Snapshot.RcvWnd));
        Assert.Equal(["sequences.write_seq", "sequences.copied_seq", "socket"], socket.Assumed);

        // As the kernel counts: the client's SYN is acknowledged too.
        Assert.Equal((0, 1501), (socket.BytesReceived, socket.BytesAcked));
    }

    [Fact]
    public void The_other_end_is_rebuilt_from_the_same_packets()
    {
        RebuiltSocket socket = Rebuild(Established + """
            +0 > P. 1:1001(1000) ack 1 win 502 <TS val 100 ecr 900>
            +0 < P. 1:301(300) ack 1001 win 500 <TS val 901 ecr 100>
            """, isClient: false);
        Assert.Equal(Pattern(isLocal: false, 1, 301), socket.SendQueue.ToArray());
        Assert.Equal((1000, 0, false), (socket.BytesReceived, socket.BytesAcked, socket.IsClient));
        Assert.Equal((1000, 7, 8), (socket.Snapshot.MssClamp, socket.Snapshot.SndWindowScale, socket.Snapshot.RcvWindowScale));
    }

    [Fact]
    public void What_came_beyond_a_gap_is_kept_with_the_FIN_behind_it()
    {
        RebuiltSocket socket = Rebuild(Established + """
            +0 < P. 1:101(100) ack 1 win 500 <TS val 901 ecr 100>
            +0 < P. 201:301(100) ack 1 win 500 <TS val 902 ecr 100>
            +0 < F. 401:501(100) ack 1 win 500 <TS val 903 ecr 100>
            """);
        SequenceNumber first = new SequenceNumber(TcpScript.PeerIss) + 1;
        Assert.Equal([first + 200, first + 400, first + 500], socket.OutOfOrder.Select(segment => segment.Start));
        Assert.Equal([false, false, true], socket.OutOfOrder.Select(segment => segment.Fin));
        Assert.Equal(Pattern(isLocal: false, 201, 301), socket.OutOfOrder[0].Text.ToArray());
        Assert.Equal((first + 100, 200, false), (socket.Snapshot.RcvNxt, socket.Snapshot.OutOfOrderBytes, socket.Snapshot.FinReceived));
    }

    [Fact]
    public void What_the_application_had_not_read_is_the_receive_queue()
    {
        const string Script = Established + """
            +0 < P. 1:1001(1000) ack 1 win 500 <TS val 901 ecr 100>
            +0 < P. 1101:1201(100) ack 1 win 500 <TS val 902 ecr 100>
            +0 < F. 1001:1101(100) ack 1 win 500 <TS val 903 ecr 100>
            """;
        RebuiltSocket socket = Rebuild(Script, readOffset: 400);
        Assert.Equal(Pattern(isLocal: false, 401, 1101), socket.ReceiveQueue[..700].ToArray());
        Assert.Equal(socket.ReceiveQueue.Length, socket.Snapshot.UnreadBytes);
        Assert.DoesNotContain("sequences.copied_seq", socket.Assumed);
        Assert.Equal(0, Rebuild(Script).ReceiveQueue.Length);
        Fails(Script, RebuildFault.Contradicted, "1300 bytes can't be what the application", readOffset: 1300);
    }

    [Theory]
    [InlineData("+0 < F. 1:101(100) ack 1 win 500 <TS val 901 ecr 100>", TcpState.CloseWait, 0)]
    [InlineData("+0 > F. 1:101(100) ack 1 win 500 <TS val 101 ecr 900>", TcpState.FinWait1, 100)]
    [InlineData("+0 > F. 1:101(100) ack 1 win 500 <TS val 101 ecr 900>\n+0 < . 1:1(0) ack 102 win 500 <TS val 901 ecr 101>", TcpState.FinWait2, 0)]
    [InlineData("+0 > F. 1:101(100) ack 1 win 500 <TS val 101 ecr 900>\n+0 < F. 1:1(0) ack 1 win 500 <TS val 901 ecr 100>", TcpState.Closing, 100)]
    [InlineData("+0 < F. 1:1(0) ack 1 win 500 <TS val 901 ecr 100>\n+0 > F. 1:101(100) ack 2 win 500 <TS val 101 ecr 901>", TcpState.LastAck, 100)]
    public void A_half_closed_end_has_its_state_and_its_bytes(string script, TcpState state, int queued)
    {
        RebuiltSocket socket = Rebuild(Established + script);
        Assert.Equal((state, queued, queued), (socket.Snapshot.State, socket.Snapshot.QueuedBytes, socket.SendQueue.Length));
        Assert.Equal((state.HasOwnFin(), state.HasPeerFin(), 0), (socket.Snapshot.FinQueued, socket.Snapshot.FinReceived, socket.Snapshot.UnreadBytes));
    }

    [Theory]
    [InlineData("+0 < R. 1:1(0) ack 1 win 0", "was reset")]
    [InlineData("+0 > F. 1:1(0) ack 1 win 5\n+0 < F. 1:1(0) ack 2 win 5 <TS val 901 ecr 100>\n+0 > . 2:2(0) ack 2 win 5", "is over (TIME-WAIT)")]
    [InlineData("+61 > S 70000:70000(0) win 64240 <mss 1000>", "was not finished (SYN-SENT)")]
    public void There_is_nothing_to_go_on_with_where_it_is_over_or_has_not_begun(string script, string message) =>
        Fails(Established + script, RebuildFault.NotOpen, message, ends: (TrackerScript.Local, TrackerScript.Peer));

    [Fact]
    public void Without_the_handshake_its_fields_are_named()
    {
        RebuildOutcome outcome = Outcome(Midstream, new RebuildRequest { ConnectionId = 0, IsClient = true });
        Assert.Equal(RebuildFault.HandshakeMissing, outcome.Fault);
        Assert.Contains("neither SYN is in it). Not known: mss, snd-window-scale, rcv-window-scale, sack.", outcome.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_given_instead_of_the_handshake_is_used_and_marked()
    {
        var given = new HandshakeAssumptions { Mss = 1460, SndWindowScale = 3, RcvWindowScale = 7, SackPermitted = true };
        RebuiltSocket socket = Rebuild(Midstream, given: given);
        Assert.Equal((300u << 3, 300u << 3, 502u << 7), (socket.Snapshot.SndWnd, socket.Snapshot.MaxWindow, socket.Snapshot.RcvWnd));
        Assert.Equal((1460, true, true, false), (socket.Snapshot.MssClamp, socket.Snapshot.WindowScaling, socket.Snapshot.SackPermitted, socket.Snapshot.Timestamps));
        Assert.Equal(
            [
                "sequences.write_seq", "sequences.copied_seq", "options.mss", "options.window_scaling", "options.snd_window_scale", "options.rcv_window_scale",
                "options.sack_permitted", "socket", "counters",
            ],
            socket.Assumed);

        socket = Rebuild(Midstream, given: new HandshakeAssumptions { Mss = 1460, WindowScaling = false, SackPermitted = false });
        Assert.Equal((300u, 502u, false, false), (socket.Snapshot.SndWnd, socket.Snapshot.RcvWnd, socket.Snapshot.WindowScaling, socket.Snapshot.SackPermitted));
    }

    [Fact]
    public void An_answer_alone_says_what_was_agreed_on_but_not_the_clients_own_numbers()
    {
        const string Script = """
            +0 < S. 0:0(0) ack 1 win 65160 <mss 1400,sackOK,TS val 900 ecr 100,wscale 8>
            +0 > .  1:1(0) ack 1 win 502 <TS val 100 ecr 900>
            +0 < .  1:1(0) ack 1 win 500 <TS val 900 ecr 100>
            """;
        RebuildOutcome outcome = Outcome(Script, new RebuildRequest { ConnectionId = 0, IsClient = true });
        Assert.Contains("the SYN of 192.0.2.1:49152 is not in it). Not known: rcv-window-scale.", outcome.Problem, StringComparison.Ordinal);
        RebuiltSocket socket = Rebuild(Script, given: new HandshakeAssumptions { RcvWindowScale = 7 });
        Assert.Equal((500u << 8, 502u << 7, true, 1400), (socket.Snapshot.SndWnd, socket.Snapshot.RcvWnd, socket.Snapshot.SackPermitted, socket.Snapshot.MssClamp));
        Assert.Contains("Not known: mss, snd-window-scale.", Outcome(Script, new RebuildRequest { ConnectionId = 0 }).Problem, StringComparison.Ordinal);

        // And one without the option says that there is none.
        socket = Rebuild(Script.Replace(",wscale 8", "", StringComparison.Ordinal).Replace("sackOK,", "", StringComparison.Ordinal));
        Assert.False(socket.Snapshot.WindowScaling || socket.Snapshot.SackPermitted);
    }

    [Fact]
    public void What_the_handshake_says_otherwise_is_refused()
    {
        Fails(Established, RebuildFault.Contradicted, "says otherwise of: mss, sack.", given: new HandshakeAssumptions { Mss = 1399, SackPermitted = false, SndWindowScale = 8 });
        Assert.Equal(1400, Rebuild(Established, given: new HandshakeAssumptions { Mss = 1400 }).Snapshot.MssClamp);
    }

    [Fact]
    public void Bytes_that_the_capture_missed_are_named() => Fails(
        Established + """
        +0 > P. 1:1001(1000) ack 1 win 502 <TS val 100 ecr 900>
        +0 > P. 2001:3001(1000) ack 1 win 502 <TS val 100 ecr 900>
        """, RebuildFault.BytesMissing, "192.0.2.2:80 did not acknowledge (3000 bytes), the bytes 1000 to 1999 of the stream are not in the capture: it missed packets");

    [Fact]
    public void Bytes_that_the_snap_length_cut_off_are_named() => Fails(
        Established + """
        +0 > P. 1:1001(1000) ack 1 win 502 cut 40 <TS val 100 ecr 900>
        """, RebuildFault.BytesMissing, "the bytes 40 to 999 of the stream are not in the capture: packets were cut off");

    [Fact]
    public void A_retransmission_fills_what_was_missed()
    {
        RebuiltSocket socket = Rebuild(Established + """
            +0 > P. 1001:2001(1000) ack 1 win 502 <TS val 100 ecr 900>
            +0.3 > P. 1:1001(1000) ack 1 win 502 <TS val 400 ecr 900>
            """);
        Assert.Equal(Pattern(isLocal: true, 1, 2001), socket.SendQueue.ToArray());
    }

    [Fact]
    public void The_timestamp_clock_runs_on_to_the_instant()
    {
        const string Script = Established + "+.5 > P. 1:101(100) ack 1 win 502 <TS val 600 ecr 900>";
        Assert.Equal(600u, Rebuild(Script).Snapshot.TimestampValue);
        RebuiltSocket later = Rebuild(Script, after: 2_000_000_000);
        Assert.Equal((2600u, false), (later.Snapshot.TimestampValue, later.MicrosecondTimestamps));
        later = Rebuild(Script.Replace("TS val 600", "TS val 500100", StringComparison.Ordinal), after: 2_000_000_000);
        Assert.Equal((2_500_100u, true), (later.Snapshot.TimestampValue, later.MicrosecondTimestamps));
    }

    [Fact]
    public void Places_are_kept_once_whatever_the_order()
    {
        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            var bytes = new PlacedBytes();
            var model = new SortedDictionary<long, byte>();
            for (int i = 0; i < 40; i++)
            {
                long place = random.Next(200) - 20;
                byte[] text = new byte[random.Next(1, 30)];
                random.NextBytes(text);
                bytes.Add(place, text, default);
                for (int j = 0; j < text.Length; j++)
                {
                    model.TryAdd(place + j, text[j]);
                }

                if (random.Next(4) == 0)
                {
                    long dropped = random.Next(200) - 20;
                    bytes.DropBefore(dropped);
                    foreach (long key in model.Keys.Where(key => key < dropped).ToArray())
                    {
                        model.Remove(key);
                    }
                }

                Assert.Equal(model.Count, bytes.Count);
            }

            Assert.Equal(model, bytes.From(long.MinValue).SelectMany(piece => piece.Bytes.ToArray().Select((value, j) => KeyValuePair.Create(piece.Place + j, value))));
            long start = random.Next(100);
            bool isWhole = bytes.TryCopy(start, start + 50, out byte[] copy, out (long Start, long End) missing);
            long[] absent = [.. Enumerable.Range((int)start, 50).Select(key => (long)key).Where(key => !model.ContainsKey(key))];
            Assert.Equal(absent.Length == 0, isWhole);
            if (isWhole)
            {
                Assert.Equal(Enumerable.Range((int)start, 50).Select(key => model[key]), copy);
            }
            else
            {
                Assert.Equal(absent[0], missing.Start);
                Assert.All(Enumerable.Range((int)missing.Start, (int)(missing.End - missing.Start)), key => Assert.False(model.ContainsKey(key)));
                Assert.True(missing.End == start + 50 || model.ContainsKey(missing.End));
            }
        }
    }

    private static byte[] Pattern(bool isLocal, long from, long to) => [.. Enumerable.Range((int)from, (int)(to - from)).Select(i => TcpScript.PatternAt(isLocal, i))];

    private static RebuiltSocket Rebuild(string script, bool isClient = true, long? readOffset = null, HandshakeAssumptions? given = null, long after = 0)
    {
        RebuildOutcome outcome = Outcome(script, new RebuildRequest { ConnectionId = 0, IsClient = isClient, ReadOffset = readOffset, Assumptions = given ?? new() }, after);
        Assert.Equal((RebuildFault.None, ""), (outcome.Fault, outcome.Problem));
        Assert.Equal(outcome.Socket!.Snapshot.QueuedBytes, outcome.Socket.SendQueue.Length);
        return outcome.Socket;
    }

    private static void Fails(
        string script, RebuildFault fault, string message, long? readOffset = null, HandshakeAssumptions? given = null, (FlowEndpoint Local, FlowEndpoint Peer)? ends = null)
    {
        RebuildOutcome outcome = Outcome(
            script, new RebuildRequest { ConnectionId = ends is null ? 0 : null, Ends = ends, IsClient = true, ReadOffset = readOffset, Assumptions = given ?? new() });
        Assert.Null(outcome.Socket);
        Assert.Equal(fault, outcome.Fault);
        Assert.Contains(message, outcome.Problem, StringComparison.Ordinal);
    }

    private static RebuildOutcome Outcome(string script, RebuildRequest request, long after = 0)
    {
        var recorder = new SocketRecorder(request);
        TcpTracker tracker = TrackerScript.Run(script, recorder);
        return recorder.Rebuild(tracker.Connections[^1].LastPacketAt + after);
    }
}
