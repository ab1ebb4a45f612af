using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Tcp;

public sealed class WindowAnswerTests
{
    private static readonly TcpSnapshot Socket = new()
    {
        Local = new FlowEndpoint(Sample.Server4, 80),
        Peer = new FlowEndpoint(Sample.Client4, 49152),
        State = TcpState.Established,
        SndUna = new(0xFFFFFFF0),
        SndNxt = new(20),
        WriteSeq = new(90),
        RcvNxt = new(3),
        RcvWup = new(0xFFFFFF00),
        RcvWnd = 70_000,
        RcvWindowScale = 2,
        Timestamps = true,
    };

    [Theory]
    [InlineData(0, 100, TcpFlags.Ack, true)] // new data
    [InlineData(-1, 0, TcpFlags.Ack, true)] // a window probe, or a keepalive
    [InlineData(-1, 1, TcpFlags.Ack, true)] // a keepalive of the old kind
    [InlineData(-50, 40, TcpFlags.Ack, true)] // a repetition
    [InlineData(0, 0, TcpFlags.Fin | TcpFlags.Ack, true)]
    [InlineData(0, 0, TcpFlags.Ack, false)]
    [InlineData(0, 0, TcpFlags.Rst | TcpFlags.Ack, false)]
    [InlineData(-1, 0, TcpFlags.Syn, false)]
    public void What_a_socket_would_answer_is_answered_and_a_bare_acknowledgement_is_not(int sequence, int length, TcpFlags flags, bool isDue)
    {
        byte[] packet = FromPeer(sequence, length, flags);
        Assert.Equal(isDue, WindowAnswer.IsDue(Socket, packet, packet.Length, out uint time));
        Assert.Equal(isDue ? 77u : time, time);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(5000, true)]
    [InlineData(-1, false)]
    [InlineData(100_000, false)]
    public void Only_a_reset_within_the_window_is_the_end(int sequence, bool isEnd)
    {
        byte[] packet = FromPeer(sequence, 0, TcpFlags.Rst);
        Assert.Equal(isEnd, WindowAnswer.IsEnd(Socket, packet, packet.Length));
        byte[] other = FromPeer(sequence, 0, TcpFlags.Ack);
        Assert.False(WindowAnswer.IsEnd(Socket, other, other.Length));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1003, 250)]
    [InlineData(1 << 20, 65535)]
    public void The_answer_acknowledges_what_was_received_and_offers_the_window(int window, int field)
    {
        byte[] packet = WindowAnswer.Build(Socket, (uint)window, 1000, 77);
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        Assert.True(view.TryGetTcp(out TcpView tcp));
        Assert.Equal((80, 49152), (tcp.SourcePort, tcp.DestinationPort));
        Assert.Equal((Socket.SndNxt, Socket.RcvNxt, TcpFlags.Ack, field), (tcp.Sequence, tcp.Acknowledgment, tcp.Flags, tcp.WindowField));
        TcpOptionSummary options = TcpOptionSummary.Read(tcp);
        Assert.Equal((true, 1000u), (options.HasTimestamps, options.TimestampValue));
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(view).Transport);
        Assert.Equal(packet.Length - 12, WindowAnswer.Build(Socket with { Timestamps = false }, (uint)window, 1000, 77).Length);
    }

    private static byte[] FromPeer(int sequence, int length, TcpFlags flags) => new PacketBuilder()
        .Ipv4(Sample.Client4, Sample.Server4)
        .Tcp(49152, 80, Socket.RcvNxt + sequence, Socket.SndNxt, flags, 1000)
        .NoOperation().NoOperation().Timestamps(77, 3)
        .Payload(new byte[length]).ToArray();
}
