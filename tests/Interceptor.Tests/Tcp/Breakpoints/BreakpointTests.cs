using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Breakpoints;
using Interceptor.Testing;

namespace Interceptor.Tests.Tcp.Breakpoints;

public sealed class BreakpointTests
{
    [Theory]
    [InlineData("fin", "fin")]
    [InlineData(" zero-window|fin |  seq >= 1000 | payload ~ \"text\" ", "zero-window | fin | seq>=1000 | payload~\"text\"")]
    [InlineData("syn & !ack", "syn & !ack")]
    [InlineData("not (SYN or Fin) and len>0", "!(syn | fin) & len>0")]
    [InlineData("syn | fin & rst", "syn | fin & rst")]
    [InlineData("(syn | fin) & rst", "(syn | fin) & rst")]
    [InlineData("syn && (fin || rst)", "syn & (fin | rst)")]
    [InlineData("syn | (fin | rst)", "syn | (fin | rst)")]
    [InlineData("!!retransmission", "!!retransmission")]
    [InlineData("payload~\"a\\\"b\\\\\\r\\n\\xff\\x41ä\"", "payload~\"a\\\"b\\\\\\x0d\\x0a\\xffA\\xc3\\xa4\"")]
    [InlineData("ack", "ack")]
    [InlineData("ack=7 & window!=1 & seq<2 & len<=3", "ack=7 & window!=1 & seq<2 & len<=3")]
    public void An_expression_is_written_as_it_is_meant(string text, string written) => Assert.Equal(written, Breakpoint.Parse(text).ToString());

    [Theory]
    [InlineData("", 1, "a condition is expected")]
    [InlineData("fin |", 6, "a condition is expected")]
    [InlineData("fin rst", 5, "'|' or '&' is expected between two conditions")]
    [InlineData("fin )", 5, "there is no parenthesis to close")]
    [InlineData("fin | (rst", 7, "this parenthesis is not closed")]
    [InlineData("fine", 1, "'fine' is unknown; a condition is expected")]
    [InlineData("seq", 4, "'seq' is compared with a number, as seq>=1000")]
    [InlineData("seq >= x", 8, "a whole number is expected")]
    [InlineData("seq >= 99999999999999999999", 8, "a whole number is expected")]
    [InlineData("fin>1", 1, "'fin' is no number: seq, ack, window or len")]
    [InlineData("payload", 8, "payload is followed by ~ and a text")]
    [InlineData("payload~text", 9, "a text in double quotes is expected")]
    [InlineData("payload~\"text", 9, "this quote is not closed")]
    [InlineData("payload~\"\"", 9, "an empty text is in every payload")]
    [InlineData("payload~\"a\\q\"", 11, "a backslash is followed by")]
    public void A_mistake_is_told_with_its_place(string text, int character, string reason)
    {
        BreakpointSyntaxException exception = Assert.Throws<BreakpointSyntaxException>(() => Breakpoint.Parse(text));
        Assert.StartsWith($"breakpoint '{text}': at character {character}: {reason}", exception.Message, StringComparison.Ordinal);
        Assert.Equal(character - 1, exception.Position);
    }

    [Fact]
    public void Conditions_in_each_other_without_end_are_refused() =>
        Assert.Contains("stand in each other", Assert.Throws<BreakpointSyntaxException>(() => Breakpoint.Parse(new string('(', 100_000))).Message, StringComparison.Ordinal);

    [Fact]
    public void What_is_written_reads_as_the_same() => PropertyCheck.ForAll(
        Expressions(6).ToArbitrary(),
        text =>
        {
            Breakpoint meant = Breakpoint.Parse(text);
            string written = meant.ToString();
            Assert.Equal(meant, Breakpoint.Parse(written));
            Assert.True(written.Length <= text.Length);
        },
        500);

    [Fact]
    public void Any_text_is_read_or_refused() => PropertyCheck.ForAllBytes(bytes =>
    {
        const string Pieces = "fin|&!()~\"seq>=1 payload\\x";
        string text = string.Concat(bytes.Select(value => value < 200 ? Pieces[value % Pieces.Length].ToString() : ((char)value).ToString()));
        try
        {
            Assert.Equal(Breakpoint.Parse(text), Breakpoint.Parse(Breakpoint.Parse(text).ToString()));
        }
        catch (BreakpointSyntaxException exception)
        {
            Assert.InRange(exception.Position, 0, text.Length);
        }
    });

    [Theory]
    [InlineData("fin", TcpFlags.Fin | TcpFlags.Ack, true)]
    [InlineData("fin", TcpFlags.Ack, false)]
    [InlineData("zero-window", TcpFlags.Ack, true)]
    [InlineData("zero-window", TcpFlags.Rst, false)]
    [InlineData("zero-window", TcpFlags.Syn, false)]
    [InlineData("!fin & psh", TcpFlags.Psh, true)]
    [InlineData("urg | rst & psh", TcpFlags.Urg, true)]
    [InlineData("(urg | rst) & psh", TcpFlags.Urg, false)]
    [InlineData("seq=5 & ack=9 & window=4096 & len=4", TcpFlags.Ack, true)]
    [InlineData("seq>5 | seq<5 | seq!=5", TcpFlags.Ack, false)]
    [InlineData("seq>=5 & seq<=5", TcpFlags.Ack, true)]
    [InlineData("ack=9", TcpFlags.Syn, false)]
    [InlineData("payload~\"b\\x00\"", TcpFlags.Ack, true)]
    [InlineData("payload~\"bc\"", TcpFlags.Ack, false)]
    public void A_condition_holds_for_the_segments_it_names(string text, TcpFlags flags, bool holds)
    {
        var subject = new BreakpointSubject { IsTcp = true, Flags = flags, Window = 4096, Sequence = 5, Acknowledgment = 9, Length = 4, Payload = "ab\0c"u8 };
        Assert.Equal(holds, Breakpoint.Parse(text).Matches(in subject));
    }

    [Fact]
    public void Of_what_is_no_TCP_only_length_and_payload_are_asked()
    {
        var subject = new BreakpointSubject { Length = 3, Payload = "abc"u8 };
        Assert.True(Breakpoint.Parse("len=3 & payload~\"bc\" & !ack").Matches(in subject));
        Assert.False(Breakpoint.Parse("seq=0 | window=0 | zero-window | ack=0").Matches(in subject));
    }

    [Fact]
    public void The_judge_counts_from_the_first_numbers_and_knows_what_is_sent_again()
    {
        uint client = uint.MaxValue - 15;
        var judge = new BreakpointJudge(new TcpTracker(), Breakpoint.Parse("seq>=101 & !retransmission | window>=128000 | out-of-order"));
        Assert.False(Show(judge, 0, fromClient: true, client, 0, TcpFlags.Syn, "", scale: 7));
        Assert.False(Show(judge, 1, fromClient: false, 900, client + 1, TcpFlags.Syn | TcpFlags.Ack, "", scale: 7));
        Assert.False(Show(judge, 2, fromClient: true, client + 1, 901, TcpFlags.Ack, new string('a', 100), window: 10));
        Assert.True(Show(judge, 3, fromClient: true, client + 101, 901, TcpFlags.Ack, "b", window: 10));
        Assert.False(Show(judge, 900, fromClient: true, client + 101, 901, TcpFlags.Ack, "b", window: 10));
        Assert.True(Show(judge, 901, fromClient: false, 901, client + 102, TcpFlags.Ack, "", window: 1000));
        Assert.True(Show(judge, 902, fromClient: true, client + 202, 901, TcpFlags.Ack, "later", window: 10));
        Assert.True(Show(judge, 902, fromClient: true, client + 102, 901, TcpFlags.Ack, new string('c', 100), window: 10));
    }

    private static bool Show(BreakpointJudge judge, int milliseconds, bool fromClient, uint sequence, uint acknowledgment, TcpFlags flags, string text, ushort window = 1, int scale = 0)
    {
        (ushort source, ushort destination) = fromClient ? ((ushort)40000, (ushort)80) : ((ushort)80, (ushort)40000);
        (uint from, uint to) = fromClient ? (1u, 2u) : (2u, 1u);
        PacketBuilder builder = new PacketBuilder().Ipv4(IpAddress.FromIpv4(from), IpAddress.FromIpv4(to))
            .Tcp(source, destination, new SequenceNumber(sequence), new SequenceNumber(acknowledgment), flags, window);
        builder = scale > 0 ? builder.WindowScale((byte)scale).NoOperation() : builder;
        byte[] packet = builder.Payload(Encoding.ASCII.GetBytes(text)).ToArray();
        return judge.Process(PacketView.Parse(packet, LinkType.Raw, packet.Length), new CaptureTimestamp(milliseconds * 1_000_000L));
    }

    // Each inner one in parentheses, so that the text says what stands in what.
    private static Gen<string> Expressions(int depth)
    {
        Gen<string> leaf = Gen.OneOf(
            Gen.Elements("syn", "fin", "rst", "psh", "ack", "urg", "zero-window", "retransmission", "out-of-order"),
            from number in Gen.Elements("seq", "ack", "window", "len")
            from comparison in Gen.Elements("=", "!=", "<", "<=", ">", ">=")
            from value in Gen.Choose(0, int.MaxValue)
            select $"{number}{comparison}{value}",
            from length in Gen.Choose(1, 5)
            from values in Gen.ArrayOf(Gen.Choose(0, 255), length)
            select $"payload~\"{string.Concat(values.Select(value => $"\\x{value:x2}"))}\"");
        if (depth == 0)
        {
            return leaf;
        }

        Gen<string> inner = Expressions(depth - 1);
        return Gen.OneOf(
            leaf,
            inner.Select(one => $"!({one})"),
            from one in inner from other in inner select $"({one}) | ({other})",
            from one in inner from other in inner select $"({one}) & ({other})");
    }
}
