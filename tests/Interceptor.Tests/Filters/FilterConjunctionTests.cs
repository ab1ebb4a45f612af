using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Tests.Filters;

public sealed class FilterConjunctionTests
{
    // Far more than 64 instructions.
    private static readonly string Long = "(" + string.Join(" or ", Enumerable.Range(1, 40).Select(i => $"host 10.0.{i}.1")) + ")";

    [Theory]
    [InlineData("tcp port 80 and LONG", "tcp port 80")]
    [InlineData("LONG and tcp port 80", "tcp port 80")]
    [InlineData("(tcp port 80 && LONG)", "tcp port 80")]
    [InlineData("tcp port 80 or 443 and LONG", "tcp port 80 or 443")]
    [InlineData("udp and LONG and dst host 192.0.2.1 and greater 100", "udp and dst host 192.0.2.1 and greater 100")]
    [InlineData("tcp[tcpflags] & tcp-syn != 0 and LONG", "tcp[tcpflags] & tcp-syn != 0")]
    [InlineData("src or dst port 53 and LONG", "src or dst port 53")]
    [InlineData("not udp and LONG", "not udp")]
    public void A_long_filter_is_shortened_to_what_it_has_joined_by_and(string expression, string expected)
    {
        PacketFilter whole = Compile(expression);
        Assert.False(whole.Program.FitsXt);
        PacketFilter shorter = FilterConjunction.Shorten(whole, program => program.FitsXt)!;
        Assert.Equal(expected, shorter.Expression);
        Assert.True(shorter.Program.FitsXt);
        Assert.False(FirewallMatch.TryFromFilter(whole, out FirewallMatch match));
        Assert.Equal(shorter.Program.ToXtBytecode(), match.Bytecode);
    }

    [Theory]
    [InlineData("LONG")]
    [InlineData("tcp port 80 or LONG")]
    [InlineData("tcp port 80 and LONG or LONG2")]
    [InlineData("LONG and not (udp or tcp)")]
    public void Where_no_part_can_be_told_apart_the_kernel_gets_everything(string expression)
    {
        PacketFilter whole = Compile(expression);
        Assert.Null(FilterConjunction.Shorten(whole, program => program.FitsXt));
        Assert.False(FirewallMatch.TryFromFilter(whole, out FirewallMatch match));
        Assert.Equal(FirewallMatch.All, match);
    }

    /// <summary>Whatever is cut, and wherever: what the whole matches the part matches.</summary>
    [Fact]
    public void A_shortened_filter_takes_at_least_what_the_whole_one_does()
    {
        var random = new Random(7);
        string[] expressions = [.. FilterCorpus.Expressions.Where(expression => expression.Length > 0)];
        byte[][] packets = [.. Enumerable.Range(0, 400).Select(_ => FilterCorpus.Packet(random, LinkType.Raw))];
        int shortened = 0;
        long matched = 0;
        for (int round = 0; round < 300; round++)
        {
            string text = expressions[random.Next(expressions.Length)];
            for (int more = random.Next(1, 5); more > 0; more--)
            {
                string next = expressions[random.Next(expressions.Length)];
                text += (random.Next(4) == 0 ? " or " : " and ") + (random.Next(3) == 0 ? $"({next})" : next);
            }

            if (TryCompile(text) is not { } whole
                || FilterConjunction.Shorten(whole, program => program.Instructions.Length < whole.Program.Instructions.Length) is not { } part)
            {
                continue;
            }

            shortened++;
            foreach (byte[] packet in packets.Where(packet => whole.Matches(packet, packet.Length)))
            {
                matched++;
                Assert.True(part.Matches(packet, packet.Length), $"'{part.Expression}' of '{text}' does not match {Convert.ToHexString(packet)}");
            }
        }

        Assert.True(shortened > 50 && matched > 100, $"{shortened} filters were shortened, {matched} packets matched");
    }

    [Theory]
    [InlineData("tcp dst port 80", " meta l4proto tcp tcp dport 80")]
    [InlineData("udp and LONG and src host 192.0.2.1", " meta l4proto udp ip saddr 192.0.2.1")]
    [InlineData("tcp port 80", " meta l4proto tcp")]
    [InlineData("ip6 dst host 2001:db8::1", " meta nfproto ipv6 ip6 daddr 2001:db8::1")]
    [InlineData("icmp6", " meta l4proto ipv6-icmp")]
    [InlineData("tcp or udp", "")]
    [InlineData("host 192.0.2.1", "")]
    [InlineData("not tcp", "")]
    [InlineData("tcp[0] = 1 and dst port 80", "")]
    [InlineData("udp dst port domain", " meta l4proto udp")]
    public void Nft_gets_what_it_can_say(string expression, string matches) =>
        Assert.Equal(matches, NftFilter.Translate(expression.Replace("LONG", Long, StringComparison.Ordinal)));

    private static PacketFilter Compile(string expression) =>
        PacketFilter.Compile(expression.Replace("LONG2", Long, StringComparison.Ordinal).Replace("LONG", Long, StringComparison.Ordinal), LinkType.Raw);

    private static PacketFilter? TryCompile(string expression)
    {
        try
        {
            return PacketFilter.Compile(expression, LinkType.Raw);
        }
        catch (FilterSyntaxException)
        {
            return null;
        }
    }
}
