using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tcp;

namespace Interceptor.Tests.Replay;

/// <summary>Numbers are relative to what the socket expects next, which is just below where they come round.</summary>
public sealed class HeldPacketTrimmerTests
{
    private const uint Next = 0xFFFF_FFF0;
    private const uint Una = 0xFFFF_FF00;
    private const ushort Window = 500;
    private static readonly FlowEndpoint Local = new(IpAddress.FromIpv4(0xC0000201), 80);
    private static readonly FlowEndpoint Peer = new(IpAddress.FromIpv4(0xC0000202), 5000);
    private readonly HeldPacketTrimmer _trimmer = new(new TcpSnapshot
    {
        Local = Local,
        Peer = Peer,
        State = TcpState.Established,
        RcvNxt = new SequenceNumber(Next),
        CopiedSeq = new SequenceNumber(Next),
        SndUna = new SequenceNumber(Una),
        SndNxt = new SequenceNumber(Una) + 50,
        WriteSeq = new SequenceNumber(Una) + 50,
        SndWnd = Window << 2,
        SndWindowScale = 2,
    });

    [Fact]
    public void New_data_passes_as_it_is() => Assert.Equal("0 abcdef ack 0 win 500", Give(0, "abcdef"));

    [Fact]
    public void A_packet_that_was_sent_twice_is_given_once()
    {
        Assert.Equal("0 abcdef ack 0 win 500", Give(0, "abcdef"));
        Assert.Null(Give(0, "abcdef"));
    }

    [Fact]
    public void Of_an_overlap_only_the_new_part_is_given_across_the_wrap_too()
    {
        Assert.Equal("0 " + new string('a', 20) + " ack 0 win 500", Give(-5, new string('a', 25)));
        Assert.Equal("20 cd ack 0 win 500", Give(16, "abbbcd"));
    }

    [Fact]
    public void What_came_beyond_a_gap_is_not_given_again_and_the_gap_is_filled_exactly()
    {
        Assert.Equal("10 kl ack 0 win 500", Give(10, "kl"));
        Assert.Null(Give(10, "kl"));
        Assert.Equal("5 fghij ack 0 win 500", Give(5, "fghijkl"));
        Assert.Equal("0 abcde ack 0 win 500", Give(0, "abcdefghijkl"));
        Assert.Equal("12 m ack 0 win 500", Give(0, "abcdefghijklm"));
    }

    [Fact]
    public void A_fin_is_given_once_and_stays_behind_its_text()
    {
        Assert.Equal("4 e ack 0 win 500", Give(4, "e"));
        Assert.Equal("0 abcde FIN ack 0 win 500", Give(0, "abcde", isFin: true));
        Assert.Null(Give(0, "abcde", isFin: true));
        Assert.Null(Give(5, "", isFin: true));
    }

    [Fact]
    public void Old_text_with_a_newer_acknowledgement_or_window_becomes_an_acknowledgement_alone()
    {
        Assert.Equal("0  ack 20 win 500", Give(-3, "abc", ack: 20));
        Assert.Equal("0  ack 20 win 600", Give(-3, "abc", ack: 20, window: 600));
        Assert.Null(Give(-3, "abc", ack: 20, window: 600));
    }

    [Fact]
    public void An_acknowledgement_older_than_the_socket_is_made_current_for_its_text_and_left_out_without()
    {
        Assert.Equal("0 ab ack 0 win 500", Give(0, "ab", ack: -7));
        Assert.Null(Give(2, "", ack: -7));
        Assert.Equal("2  ack 0 win 500", Give(2, ""));
    }

    [Fact]
    public void A_keep_alive_says_nothing_new() => Assert.Null(Give(-1, "x"));

    [Fact]
    public void A_reset_passes_as_it_is()
    {
        byte[] packet = Build(-100, "", -9, Window, TcpFlags.Rst);
        byte[] before = [.. packet];
        Assert.True(_trimmer.TryTrim(packet, out int length));
        Assert.Equal(before, packet.AsSpan(0, length));
    }

    /// <summary>What is given, in words; null for nothing. Its checksums are right and its options are still there.</summary>
    private string? Give(int at, string text, int ack = 0, ushort window = Window, bool isFin = false)
    {
        byte[] packet = Build(at, text, ack, window, TcpFlags.Ack | (isFin ? TcpFlags.Fin : 0));
        if (!_trimmer.TryTrim(packet, out int length))
        {
            return null;
        }

        PacketView view = PacketView.Parse(packet.AsSpan(0, length), LinkType.Raw, length);
        Assert.True(view.TryGetTcp(out TcpView tcp));
        Assert.False(PacketChecksums.Verify(view).HasIncorrect);
        Assert.Equal(77u, TcpOptionSummary.Read(tcp).TimestampValue);
        return $"{tcp.Sequence - new SequenceNumber(Next)} {System.Text.Encoding.ASCII.GetString(view.Payload)}{((tcp.Flags & TcpFlags.Fin) != 0 ? " FIN" : "")} "
            + $"ack {tcp.Acknowledgment - new SequenceNumber(Una)} win {tcp.WindowField}";
    }

    private static byte[] Build(int at, string text, int ack, ushort window, TcpFlags flags) => new PacketBuilder()
        .Ipv4(Peer.Address, Local.Address)
        .Tcp(Peer.Port, Local.Port, new SequenceNumber(Next) + at, new SequenceNumber(Una) + ack, flags, window).NoOperation().NoOperation().Timestamps(77, 66)
        .Payload(System.Text.Encoding.ASCII.GetBytes(text)).ToArray();
}
