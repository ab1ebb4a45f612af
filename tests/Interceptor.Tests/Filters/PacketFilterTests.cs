using System.Text;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Filters;

public sealed class PacketFilterTests
{
    [Fact]
    public void Listings_stay_as_they_are()
    {
        var text = new StringBuilder();
        foreach (string expression in (ReadOnlySpan<string>)["", "ip", "tcp port 80", "host 192.0.2.1 and udp", "tcp[tcpflags] & tcp-syn != 0", "ip6 and len > 100", "ip[1] << ip[2] = 0"])
        {
            foreach (LinkType linkType in (ReadOnlySpan<LinkType>)[LinkType.Ethernet, LinkType.Raw])
            {
                text.Append($"# {linkType}: {expression}\n").Append(PacketFilter.Compile(expression, linkType).Explain()).Append('\n');
            }
        }

        GoldenFile.Verify("filters/listings.txt", text.ToString());
    }

    [Fact]
    public void Listings_are_those_of_tcpdump()
    {
        foreach ((LinkType linkType, string expression) in FilterCorpus.All)
        {
            PacketFilter filter = BpfInterpreterTests.Compile(expression, linkType);
            string expected = string.Concat(BpfInterpreterTests.Native(filter.Program)
                .Select(static (instruction, index) => LibPcapHandle.Image(instruction, index).TrimEnd() + "\n"));
            Assert.Equal(expected, filter.Explain());
        }
    }

    [Fact]
    public void Any_bits_are_listed_as_libpcap_lists_them()
    {
        var random = new Random(11);
        foreach (BpfInstruction instruction in Enumerable.Range(0, 500).SelectMany(_ => RandomProgram.Any(random)))
        {
            const ushort LoadXLength = 0x81;
            if (instruction.Code == LoadXLength)
            {
                continue; // The kernel has it and libpcap's listing does not.
            }

            PcapInstruction native = new() { Code = instruction.Code, Jt = instruction.Jt, Jf = instruction.Jf, K = instruction.K };
            Assert.Equal(LibPcapHandle.Image(native, 5).TrimEnd(), BpfDisassembler.Line(instruction, 5));
        }
    }

    [Theory]
    [InlineData("tcp prot 80", "syntax error")]
    [InlineData("host", "syntax error")]
    [InlineData("ether host 1.2.3.4", "")]
    [InlineData("port 99999", "")]
    [InlineData("tcp\0and udp", "at character 4: a zero character")]
    public void An_expression_that_does_not_compile_says_why(string expression, string reason)
    {
        var exception = Assert.Throws<FilterSyntaxException>(() => PacketFilter.Compile(expression, LinkType.Ethernet));
        Assert.Equal(expression, exception.Expression);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_layer_word_makes_no_sense_without_a_link_layer() =>
        Assert.Throws<FilterSyntaxException>(() => PacketFilter.Compile("ether src 02:00:00:00:00:01", LinkType.Raw));

    [Fact]
    public void An_expression_that_no_packet_can_match_is_a_mistake_unless_another_link_type_may()
    {
        var exception = Assert.Throws<FilterSyntaxException>(() => PacketFilter.Compile("ip6", LinkType.Ipv4));
        Assert.Contains("rejects all packets", exception.Message, StringComparison.Ordinal);
        Assert.False(new LinkTypeFilter("ip6").Matches(Packet([0x60], LinkType.Ipv4)));
        Assert.True(new LinkTypeFilter("ip6").Matches(Packet([0x60], LinkType.Raw)));
    }

    [Fact]
    public void An_empty_expression_matches_everything_even_on_an_unknown_link_type()
    {
        PacketFilter filter = PacketFilter.Compile(" ", (LinkType)60_000);
        Assert.True(filter.Matches([], 0));
        Assert.Equal("(000) ret      #262144\n", filter.Explain());
    }

    [Fact]
    public void The_snap_length_is_what_a_match_returns() =>
        Assert.Equal(96u, BpfInterpreter.Run(PacketFilter.Compile("ip", LinkType.Raw, 96).Program, [0x45], 1));

    [Fact]
    public void Bytecode_for_iptables_is_the_count_and_the_instructions() =>
        Assert.Equal("5,48 0 0 0,84 0 0 240,21 0 1 64,6 0 0 262144,6 0 0 0", PacketFilter.Compile("ip", LinkType.Raw).Program.ToXtBytecode());

    [Fact]
    public void Bytecode_longer_than_the_match_takes_is_refused()
    {
        string expression = string.Join(" or ", Enumerable.Range(1, 40).Select(static host => $"host 192.0.2.{host * 3}"));
        BpfProgram program = PacketFilter.Compile(expression, LinkType.Raw).Program;
        Assert.False(program.FitsXt);
        Assert.Contains("at most 64", Assert.Throws<NotSupportedException>(program.ToXtBytecode).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_expression_serves_several_link_types()
    {
        var filter = new LinkTypeFilter("udp port 53");
        byte[] ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 53, 0, 99, 0, 8, 0, 0];
        byte[] frame = [.. new byte[12], 0x08, 0x00, .. ip];
        Assert.True(filter.Matches(Packet(ip, LinkType.Raw)));
        Assert.True(filter.Matches(Packet(frame, LinkType.Ethernet)));
        Assert.False(filter.Matches(Packet(ip, LinkType.Ethernet)));
        Assert.Same(filter.ForLinkType(LinkType.Raw), filter.ForLinkType(LinkType.Raw));
    }

    [Fact]
    public void Loopback_captures_of_any_system_and_byte_order_are_filtered_by_their_protocol()
    {
        byte[] ip = [0x60, .. new byte[39]];
        foreach (byte family in (byte[])[24, 28, 30])
        {
            foreach (byte[] header in (byte[][])[[family, 0, 0, 0], [0, 0, 0, family]])
            {
                CapturedPacket packet = Packet([.. header, .. ip], LinkType.Null);
                Assert.True(new LinkTypeFilter("ip6").Matches(packet), $"Family {family}, {Convert.ToHexString(header)}");
                Assert.False(new LinkTypeFilter("not ip6").Matches(packet));
                Assert.False(new LinkTypeFilter("ip").Matches(packet));
            }

            Assert.True(new LinkTypeFilter("ip6").Matches(Packet([0, 0, 0, family, .. ip], LinkType.Loop)));
        }

        Assert.True(new LinkTypeFilter("ip").Matches(Packet([0, 0, 0, 2, 0x45, .. new byte[19]], LinkType.Null)));
        Assert.True(new LinkTypeFilter("ip").Matches(Packet([2, 0, 0, 0, 0x45, .. new byte[19]], LinkType.Null)));
    }

    private static CapturedPacket Packet(byte[] data, LinkType linkType) =>
        new(data, new PacketMetadata { LinkType = linkType, OriginalLength = data.Length });
}
