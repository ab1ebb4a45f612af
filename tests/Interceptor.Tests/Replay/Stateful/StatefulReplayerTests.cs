using System.Net;
using System.Net.Sockets;
using System.Text;
using Interceptor.Packets;
using Interceptor.Replay.Stateful;

namespace Interceptor.Tests.Replay.Stateful;

/// <summary>Conversations played over loopback to servers and clients that answer as captured, or not.</summary>
public sealed class StatefulReplayerTests
{
    private const TcpFlags Fin = TcpFlags.Fin | TcpFlags.Ack;
    private static readonly IpAddress Loopback = IpAddress.FromIpv4(0x7F000001);

    [Fact]
    public void A_server_that_does_what_it_did_matches_and_gets_what_it_got()
    {
        using RecordedPackets packets = Question();
        var heard = new StringBuilder();
        using var server = new LoopbackServer(socket =>
        {
            heard.Append(socket.Read(8));
            socket.Send("answer 1"u8);
            heard.Append(socket.Read(6));
            socket.Send("answer 2"u8);
            heard.Append(socket.Read(100));
        });
        (StatefulReplayReport report, Observer observer) = Play(packets, server.Port);
        server.Join();
        Assert.Equal("questionsecond", heard.ToString());
        Assert.Empty(observer.Divergences);
        Assert.Equal((1, 1, 0), (report.Connections, report.Matched, report.Diverged));
        Assert.Equal((2, 14, 16), (report.Packets, report.Bytes, report.ReceivedBytes));
        Assert.Equal(2, report.Answers.Count);
    }

    [Fact]
    public void A_changed_byte_is_told_with_its_offset_and_its_packet()
    {
        using RecordedPackets packets = Question();
        using var server = new LoopbackServer(socket =>
        {
            socket.Read(8);
            socket.Send("answer 1"u8);
            socket.Read(6);
            socket.Send("aNswer 2"u8);
            socket.Read(100);
        });
        (StatefulReplayReport report, Observer observer) = Play(packets, server.Port);
        ReplayDivergence divergence = Assert.Single(observer.Divergences);
        Assert.Equal((DivergenceKind.Changed, 9, 7, 1, 1), (divergence.Kind, divergence.Offset, divergence.Packet, divergence.ExpectedLength, divergence.SeenLength));
        Assert.Equal(("n", "N"), (Encoding.ASCII.GetString(divergence.Expected.Span), Encoding.ASCII.GetString(divergence.Seen.Span)));
        Assert.Equal((0, 1), (report.Matched, report.Diverged));
        Assert.False(Assert.Single(observer.Outcomes).Matches);
    }

    [Fact]
    public void A_server_that_closes_early_is_told()
    {
        using RecordedPackets packets = Question();
        using var server = new LoopbackServer(socket =>
        {
            socket.Read(8);
            socket.Send("answ"u8);
        });
        ReplayDivergence divergence = Assert.Single(Play(packets, server.Port).Observer.Divergences);
        Assert.Equal((DivergenceKind.Closed, 4, 5, 12), (divergence.Kind, divergence.Offset, divergence.Packet, divergence.ExpectedLength));
    }

    [Fact]
    public void A_server_that_resets_is_told()
    {
        using RecordedPackets packets = Question();
        using var server = new LoopbackServer(socket =>
        {
            socket.Read(8);
            socket.Send("answ"u8);
            socket.LingerState = new LingerOption(true, 0);
        });
        ReplayDivergence divergence = Assert.Single(Play(packets, server.Port).Observer.Divergences);
        Assert.Equal(DivergenceKind.Reset, divergence.Kind);
        Assert.NotNull(divergence.Reason);
    }

    [Fact]
    public void Silence_is_told_and_the_rest_is_played_all_the_same()
    {
        using RecordedPackets packets = Question();
        string? second = null;
        using var server = new LoopbackServer(socket =>
        {
            socket.Read(8);
            socket.Send("answer"u8);
            second = socket.Read(6);
            socket.Send("answer 2"u8);
            socket.Read(100);
        });
        (_, Observer observer) = Play(packets, server.Port, options => options with { AnswerTimeout = TimeSpan.FromMilliseconds(100) });
        server.Join();
        ReplayDivergence divergence = Assert.Single(observer.Divergences);
        Assert.Equal((DivergenceKind.Timeout, 6, 2), (divergence.Kind, divergence.Offset, divergence.ExpectedLength));
        Assert.Equal("second", second);
    }

    [Fact]
    public void More_than_was_captured_and_a_close_that_does_not_come_are_told()
    {
        using RecordedPackets packets = Question();
        using var stop = new ManualResetEventSlim();
        using var server = new LoopbackServer(socket =>
        {
            socket.Read(8);
            socket.Send("answer 1"u8);
            socket.Read(6);
            socket.Send("answer 2 and more"u8);
            stop.Wait(TimeSpan.FromSeconds(20));
        });
        (_, Observer observer) = Play(packets, server.Port, options => options with { AnswerTimeout = TimeSpan.FromMilliseconds(150) });
        stop.Set();
        Assert.Equal([(DivergenceKind.NotClosed, 16L, 0L), (DivergenceKind.Extra, 16, 9)], observer.Divergences.Select(static it => (it.Kind, it.Offset, it.SeenLength)));
    }

    [Fact]
    public void A_server_that_is_not_there_refuses()
    {
        using RecordedPackets packets = Question();
        ushort port;
        using (var server = new LoopbackServer(static _ => { }))
        {
            port = server.Port;
        }

        (StatefulReplayReport report, Observer observer) = Play(packets, port);
        Assert.Equal(DivergenceKind.Refused, Assert.Single(observer.Divergences).Kind);
        Assert.Equal((1, 0, 1), (report.Connections, report.Opened, report.Diverged));
    }

    [Fact]
    public void A_reset_stands_at_its_place()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0).Client(1, 1, 1, "ask").Server(2, 1, 4, "answer").Client(3, 4, 7, "", TcpFlags.Rst | TcpFlags.Ack);
        SocketError? error = null;
        using var server = new LoopbackServer(socket =>
        {
            socket.Read(3);
            socket.Send("answer"u8);
            error = Assert.Throws<SocketException>(() => socket.Read(100)).SocketErrorCode;
        });
        Assert.Empty(Play(packets, server.Port).Observer.Divergences);
        server.Join();
        Assert.Equal(SocketError.ConnectionReset, error);
    }

    [Fact]
    public void What_was_sent_ahead_is_sent_ahead_and_megabytes_go_both_ways_at_once()
    {
        const int Pieces = 300;
        const int Length = 10_000;
        var packets = new RecordedPackets().Handshake(0);
        for (int i = 0; i < Pieces; i++)
        {
            packets.Client(1, 1 + (i * Length), 1, new string((char)('a' + (i % 26)), Length));
            packets.Server(1, 1 + (i * Length), 1, new string((char)('A' + (i % 26)), Length));
        }

        using (packets)
        using (var server = new LoopbackServer(socket =>
        {
            // Sends everything before it reads anything: only one who sends and receives at once gets through.
            for (int i = 0; i < Pieces; i++)
            {
                socket.Send(Encoding.ASCII.GetBytes(new string((char)('A' + (i % 26)), Length)));
            }

            Assert.Equal(Pieces * Length, socket.Read(Pieces * Length).Length);
        }))
        {
            (StatefulReplayReport report, Observer observer) = Play(packets, server.Port, static options => options with { Pace = ConversationPace.TopSpeed });
            server.Join();
            Assert.Empty(observer.Divergences);
            Assert.Equal((3_000_000, 3_000_000), (report.Bytes, report.ReceivedBytes));
        }
    }

    [Fact]
    public void Hundreds_of_connections_are_open_at_once_as_in_the_capture_or_as_allowed()
    {
        const int Connections = 300;
        RecordedPackets Make()
        {
            var packets = new RecordedPackets();
            for (ushort i = 0; i < Connections; i++)
            {
                packets.Connection((ushort)(20000 + i)).Handshake(i * 0.001).Client(100, 1, 1, $"number {i:D3}").Server(101, 1, 11, "good").Client(102, 11, 5, "", Fin).Server(103, 5, 12, "", Fin);
            }

            return packets;
        }

        foreach (int? most in (ReadOnlySpan<int?>)[null, 7])
        {
            using RecordedPackets packets = Make();
            using var server = new LoopbackServer(static socket =>
            {
                socket.Read(10);
                socket.Send("good"u8);
                socket.Read(100);
            });
            (StatefulReplayReport report, Observer observer) = Play(packets, server.Port, options => options with { MaximumConnections = most, Pace = new ConversationPace { MaxGap = TimeSpan.FromMilliseconds(most is null ? 100 : 1) } });
            Assert.Empty(observer.Divergences);
            Assert.Equal((Connections, Connections), (report.Connections, report.Matched));
            Assert.Equal(most ?? Connections, report.MostOpen);
        }
    }

    [Fact]
    public void As_a_server_each_client_gets_the_connection_that_began_as_he_does()
    {
        using RecordedPackets packets = new();
        packets.Connection(40000).Handshake(0).Client(1, 1, 1, "GET /one").Server(2, 1, 9, "first", Fin).Client(3, 9, 7, "", Fin);
        packets.Connection(40001).Handshake(10).Client(11, 1, 1, "GET /two").Server(12, 1, 9, "second", Fin).Client(13, 9, 8, "", Fin);
        var answers = new List<string>();
        (StatefulReplayReport report, Observer observer) = Serve(packets, port =>
        {
            answers.Add(Ask(port, "GET /two"));
            answers.Add(Ask(port, "GET /one"));
        });
        Assert.Equal(["second", "first"], answers);
        Assert.Empty(observer.Divergences);
        Assert.Equal((2, 2), (report.Connections, report.Matched));
    }

    [Fact]
    public void As_a_server_what_a_client_asks_otherwise_and_what_nobody_asks_is_told()
    {
        using RecordedPackets packets = new();
        packets.Connection(40000).Handshake(0).Client(1, 1, 1, "GET /one").Server(2, 1, 9, "first", Fin).Client(3, 9, 7, "", Fin);
        packets.Connection(40001).Handshake(10).Client(11, 1, 1, "PUT").Server(12, 1, 4, "second", Fin).Client(13, 4, 8, "", Fin);
        string? answer = null;
        (StatefulReplayReport report, Observer observer) = Serve(packets, port => answer = Ask(port, "GET /0ne"), TimeSpan.FromMilliseconds(800));
        Assert.Equal("first", answer);
        Assert.Equal([(0, DivergenceKind.Changed, 5L), (1, DivergenceKind.NotAsked, 0)], observer.Divergences.Select(static it => (it.ConnectionId!.Value, it.Kind, it.Offset)));
        Assert.False(observer.Divergences[0].IsOfServer);
        Assert.Equal((1, 0, 1, 1), (report.Connections, report.Matched, report.Diverged, report.NotAsked));
    }

    [Fact]
    public void As_a_server_it_begins_where_the_server_began()
    {
        using RecordedPackets packets = new RecordedPackets().Handshake(0).Server(1, 1, 1, "220 hello").Client(2, 1, 10, "QUIT").Server(3, 10, 5, "221 bye", Fin).Client(4, 5, 18, "", Fin);
        string? greeting = null;
        Observer observer = Serve(packets, port =>
        {
            using Socket socket = Connect(port);
            greeting = socket.Read(9);
            socket.Send("QUIT"u8);
            Assert.Equal("221 bye", socket.Read(100));
        }).Observer;
        Assert.Equal("220 hello", greeting);
        Assert.Empty(observer.Divergences);
    }

    [Fact]
    public void A_cancelled_replay_cuts_its_connections_short()
    {
        using RecordedPackets packets = Question();
        using var stop = new CancellationTokenSource();
        using var server = new LoopbackServer(socket =>
        {
            socket.Read(8);
            stop.Cancel();
            socket.Read(100);
        });
        var observer = new Observer();
        StatefulReplayReport report = new StatefulReplayer(packets.Scripts(), Options(server.Port), observer).Run(stop.Token);
        Assert.Equal((1, 0, 0, 1), (report.Connections, report.Matched, report.Diverged, report.Interrupted));
        Assert.True(Assert.Single(observer.Outcomes).WasInterrupted);
    }

    // Packets: 4 question, 5 answer 1, 6 second, 7 answer 2, then both close.
    private static RecordedPackets Question() => new RecordedPackets().Handshake(0)
        .Client(1, 1, 1, "question").Server(3, 1, 9, "answer 1").Client(4, 9, 9, "second").Server(6, 9, 15, "answer 2").Client(7, 15, 17, "", Fin).Server(8, 17, 16, "", Fin);

    private static StatefulReplayOptions Options(ushort port) => new() { Target = Loopback, Port = port };

    private static (StatefulReplayReport Report, Observer Observer) Play(RecordedPackets packets, ushort port, Func<StatefulReplayOptions, StatefulReplayOptions>? change = null)
    {
        var observer = new Observer();
        StatefulReplayOptions options = Options(port);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        StatefulReplayReport report = new StatefulReplayer(packets.Scripts(), change?.Invoke(options) ?? options, observer).Run(limit.Token);
        Assert.False(limit.IsCancellationRequested);
        return (report, observer);
    }

    private static (StatefulReplayReport Report, Observer Observer) Serve(RecordedPackets packets, Action<ushort> clients, TimeSpan? duration = null)
    {
        using var listening = new ManualResetEventSlim();
        var observer = new Observer { OnListening = listening.Set };
        ushort port = FreePort();
        var options = new StatefulReplayOptions { ListenAddress = Loopback, Port = port, Duration = duration };
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var replayer = new StatefulReplayer(packets.Scripts(), options, observer);
        Task run = Task.Factory.StartNew(() => replayer.Run(limit.Token), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.True(listening.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        clients(port);
        Assert.True(run.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        return (replayer.Report, observer);
    }

    private static ushort FreePort()
    {
        using var server = new LoopbackServer(static _ => { });
        return server.Port;
    }

    private static Socket Connect(ushort port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    private static string Ask(ushort port, string question)
    {
        using Socket socket = Connect(port);
        socket.Send(Encoding.ASCII.GetBytes(question));
        return socket.Read(100);
    }

    private sealed class Observer : IStatefulReplayObserver
    {
        internal List<ReplayDivergence> Divergences { get; } = [];

        internal List<ConversationOutcome> Outcomes { get; } = [];

        internal Action? OnListening { get; init; }

        public void Diverged(ReplayDivergence divergence) => Divergences.Add(divergence);

        public void Ended(ConversationOutcome outcome) => Outcomes.Add(outcome);

        public void Listening(FlowEndpoint address) => OnListening?.Invoke();
    }
}
