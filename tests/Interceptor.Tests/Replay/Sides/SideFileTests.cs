using FsCheck;
using FsCheck.Fluent;
using Interceptor.Packets;
using Interceptor.Replay.Sides;
using Interceptor.Testing;
using Interceptor.Tests.Packets;
using static Interceptor.Tests.Replay.Sides.SidePackets;

namespace Interceptor.Tests.Replay.Sides;

public sealed class SideFileTests
{
    [Fact]
    public void What_was_learned_is_the_same_after_writing_and_reading_it()
    {
        Gen<string> end = from host in Gen.Choose(1, 5) from port in Gen.Elements(22, 80, 700, 8080, 5353, 40000, 50000) select $"{host}:{port}";
        Gen<byte[]> packet = from source in end
                             from destination in end
                             from kind in Gen.Choose(0, 6)
                             let flow = $"{source} > {destination}"
                             select kind switch
                             {
                                 0 => Syn(flow),
                                 1 => SynAck(flow),
                                 2 => Segment(flow),
                                 3 => Udp(flow),
                                 4 => Echo(flow),
                                 5 => Arp(source[0] - '0', destination[0] - '0'),
                                 _ => Unparsable(source[0] - '0', destination[0] - '0'),
                             };
        int decided = 0;
        PropertyCheck.ForAll(Gen.ListOf(packet, 60).ToArbitrary(), packets =>
        {
            var learner = new SideLearner();
            foreach (byte[] each in packets)
            {
                learner.Learn(Captured(each));
            }

            SideTable read = Read(Write(learner.ToTable()));
            foreach (byte[] each in packets)
            {
                PacketSide expected = SideLearnerTests.Side(learner, each);
                decided += expected == PacketSide.Unknown ? 0 : 1;
                Assert.Equal(expected, SideLearnerTests.Side(read, each));
            }

            Assert.Equal(Write(read), Write(Read(Write(read))));
        });
        Assert.True(decided > 1000, $"only {decided} packets had a side.");
    }

    [Fact]
    public void Every_kind_of_rule_is_read_and_the_more_exact_one_counts()
    {
        SideTable table = Read("""
            interceptor sides 1
            # What a person wrote.
            default client
            server 192.0.2.0/24            # the network
            client 192.0.2.1
            server tcp 192.0.2.1:22
            client udp [2001:db8::1]:53
            server mac 02-00-00-00-00-09
            flow tcp 192.0.2.3:1000 > 192.0.2.1:22
            flow 47 192.0.2.4 > 192.0.2.5
            server filter icmp[icmptype] = icmp-echo
            """);
        Assert.Equal(PacketSide.Client, SideLearnerTests.Side(table, Segment("1:80 > 2:1000")));
        Assert.Equal(PacketSide.Server, SideLearnerTests.Side(table, Segment("2:1000 > 1:80")));
        Assert.Equal(PacketSide.Server, SideLearnerTests.Side(table, Segment("1:22 > 2:1000")));
        Assert.Equal(PacketSide.Client, SideLearnerTests.Side(table, Segment("3:1000 > 1:22")));
        Assert.Equal(PacketSide.Server, SideLearnerTests.Side(table, Echo("1 > 2")));
        Assert.Equal(PacketSide.Client, SideLearnerTests.Side(table, Echo("1 > 2", isReply: true)));
        Assert.Equal(PacketSide.Server, SideLearnerTests.Side(table, Unparsable(9, 8)));
        Assert.Equal(PacketSide.Client, SideLearnerTests.Side(table, Unparsable(8, 9)));
        Assert.Equal(PacketSide.Client, SideLearnerTests.Side(table, Unparsable(8, 7)));
        Assert.Equal(table.FlowCount, Read(Write(table)).FlowCount);
        Assert.Contains("server filter icmp[icmptype] = icmp-echo\n", Write(table), StringComparison.Ordinal);
        Assert.Contains("flow 47 192.0.2.4 > 192.0.2.5\n", Write(table), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("interceptor sides 2", 1, "is a version that this program does not know")]
    [InlineData("client 192.0.2.1", 1, "--write-sides FILE")]
    [InlineData("interceptor sides 1\n\n# x\nclinet 192.0.2.1", 4, "a line begins with client, server, flow or default")]
    [InlineData("interceptor sides 1\nclient 192.0.2", 2, "is no address or network")]
    [InlineData("interceptor sides 1\nclient 192.0.2.1/33", 2, "is no address or network")]
    [InlineData("interceptor sides 1\nclient", 2, "comes an address or network")]
    [InlineData("interceptor sides 1\nserver tcp 192.0.2.1", 2, "write it as 192.0.2.2:80")]
    [InlineData("interceptor sides 1\nserver mac 02:00", 2, "02:00:5e:00:53:01")]
    [InlineData("interceptor sides 1\nclient filter tcp prot 80", 2, "man pcap-filter")]
    [InlineData("interceptor sides 1\nflow tcp 192.0.2.1:1 192.0.2.2:2", 2, "the client first")]
    [InlineData("interceptor sides 1\nflow tcp 192.0.2.1:1 > [2001:db8::1]:2", 2, "of one version")]
    [InlineData("interceptor sides 1\nflow 6 192.0.2.1 > 192.0.2.2", 2, "write tcp, udp or the number")]
    [InlineData("interceptor sides 1\nclient 192.0.2.1\nserver 192.0.2.1", 3, "the opposite of a line before")]
    [InlineData("interceptor sides 1\nflow udp 192.0.2.1:1 > 192.0.2.2:2\nflow udp 192.0.2.2:2 > 192.0.2.1:1", 3, "the opposite of a line before")]
    [InlineData("interceptor sides 1\ndefault client\ndefault server", 3, "the opposite of a line before")]
    [InlineData("interceptor sides 1\ndefault both", 2, "write default client or default server")]
    public void A_mistake_is_told_with_its_line_and_the_remedy(string text, int line, string message)
    {
        SideFileException exception = Assert.Throws<SideFileException>(() => Read(text));
        Assert.Equal(line, exception.Line);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.77/24", "192.0.2.0/24", "192.0.2.255", "192.0.3.0")]
    [InlineData("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0", "255.255.255.255", "::1")]
    [InlineData("2001:db8:1::/47", "2001:db8::/47", "2001:db8:1:ffff::1", "2001:db8:2::")]
    [InlineData("::/0", "::/0", "ffff::", "1.2.3.4")]
    public void A_network_holds_the_addresses_of_its_prefix(string text, string canonical, string inside, string outside)
    {
        Assert.True(IpNetwork.TryParse(text, out IpNetwork network));
        Assert.Equal(canonical, network.ToString());
        Assert.True(network.Contains(Sample.Address(inside)));
        Assert.False(network.Contains(Sample.Address(outside)));
    }

    [Theory]
    [InlineData("10.1")]
    [InlineData("10.1/8")]
    [InlineData("80")]
    [InlineData("192.0.2.0/-1")]
    [InlineData("192.0.2.0/33")]
    [InlineData("192.0.2.0/")]
    [InlineData("")]
    public void What_only_looks_like_a_network_is_none(string text) => Assert.False(IpNetwork.TryParse(text, out _));

    private static SideTable Read(string text) => SideFile.Read(new StringReader(text), "sides.txt");

    private static string Write(SideTable table)
    {
        using var writer = new StringWriter();
        SideFile.Write(table, writer);
        return writer.ToString();
    }
}
