using Interceptor.Packets;
using Interceptor.Replay.Sides;
using static Interceptor.Tests.Replay.Sides.SidePackets;

namespace Interceptor.Tests.Replay.Sides;

public sealed class SideLearnerTests
{
    [Fact]
    public void Who_sends_the_syn_is_the_client_even_if_it_is_seen_last()
    {
        byte[] data = Segment("2:80 > 1:49152");
        SideTable table = Learn(data, Segment("1:49152 > 2:80"), Syn("2:80 > 1:49152"));
        Assert.Equal(PacketSide.Client, Side(table, data));
        Assert.Equal(PacketSide.Server, Side(table, Segment("1:49152 > 2:80")));
    }

    [Fact]
    public void Who_sends_a_syn_ack_is_the_server()
    {
        SideTable table = Learn(Segment("1:700 > 2:2049"), SynAck("1:700 > 2:2049"));
        Assert.Equal(PacketSide.Server, Side(table, Segment("1:700 > 2:2049")));
    }

    [Theory]
    [InlineData("2:80 > 1:49152", PacketSide.Server)]
    [InlineData("2:8080 > 1:49152", PacketSide.Server)]
    [InlineData("1:700 > 2:2049", PacketSide.Client)]
    [InlineData("1:49152 > 2:50000", PacketSide.Client)]
    public void Without_a_handshake_a_service_port_tells_the_server_and_else_the_first_packet_its_client(string flow, PacketSide expected)
    {
        Assert.Equal(expected, Side(Learn(Segment(flow)), Segment(flow)));
    }

    [Theory]
    [InlineData("1:40000 > 2:53", PacketSide.Client)]
    [InlineData("2:53 > 1:40000", PacketSide.Server)]
    [InlineData("1:8000 > 2:40000", PacketSide.Client)]
    public void Of_datagrams_the_first_comes_from_the_client_unless_it_is_an_answer(string flow, PacketSide expected)
    {
        Assert.Equal(expected, Side(Learn(Udp(flow)), Udp(flow)));
    }

    [Fact]
    public void A_host_that_is_both_has_the_side_of_each_conversation()
    {
        byte[] first = Syn("1:1000 > 2:80");
        byte[] second = Syn("2:1000 > 3:80");
        SideTable table = Learn(first, second, Syn("2:1001 > 3:81"));
        Assert.Equal([PacketSide.Client, PacketSide.Client, PacketSide.Server], [Side(table, first), Side(table, second), Side(table, Segment("2:80 > 1:1000"))]);
    }

    [Fact]
    public void An_icmp_error_travels_against_the_packet_that_it_quotes()
    {
        byte[] request = Udp("1:40000 > 2:9999");
        byte[] error = Unreachable("9 > 1", about: request);
        SideTable table = Learn(error, request, Syn("9:5000 > 1:80"), Syn("9:5001 > 1:80"));
        Assert.Equal(PacketSide.Server, Side(table, error));
        Assert.Equal(PacketSide.Client, Side(table, Unreachable("9 > 2", about: Udp("2:9999 > 1:40000"))));
    }

    [Fact]
    public void Questions_tell_the_sides_of_hosts_that_have_no_conversation()
    {
        byte[] reply = Echo("4 > 3", isReply: true);
        SideTable table = Learn(reply, Echo("3 > 4"), Arp(5, 6), Arp(6, 5, operation: 2));
        Assert.Equal([PacketSide.Server, PacketSide.Client], [Side(table, reply), Side(table, Echo("3 > 4"))]);
        Assert.Equal([PacketSide.Client, PacketSide.Server], [Side(table, Arp(5, 6)), Side(table, Arp(6, 5, operation: 2))]);
    }

    [Fact]
    public void Questions_do_not_outvote_a_conversation()
    {
        SideTable table = Learn(Syn("1:1000 > 2:80"), Arp(2, 1), Arp(2, 7), Echo("2 > 1"), Udp("2:1000 > 1:80"), Udp("2:1001 > 1:81"));
        Assert.Equal([PacketSide.Client, PacketSide.Server, PacketSide.Server], [Side(table, Arp(1, 2)), Side(table, Arp(2, 1)), Side(table, Echo("2 > 1"))]);
    }

    [Fact]
    public void Multicast_and_other_protocols_go_by_host_and_hardware_address()
    {
        byte[] multicast = Udp("2:5353 > 224:5353");
        byte[] other = Unparsable(1, 2);
        SideTable table = Learn(multicast, other, Syn("1:1000 > 2:80"));
        Assert.Equal(PacketSide.Server, Side(table, multicast));
        Assert.Equal([PacketSide.Client, PacketSide.Server], [Side(table, other), Side(table, Unparsable(2, 1))]);
        Assert.Equal(PacketSide.Client, Side(table, Unparsable(8, 2)));
        Assert.Equal(PacketSide.Unknown, Side(table, Unparsable(8, 9)));
    }

    [Fact]
    public void A_conversation_behind_a_label_is_one()
    {
        SideTable table = Learn(Labelled(SynAck("2:5001 > 1:4614")), Labelled(Segment("1:4614 > 2:5001")));
        Assert.Equal([PacketSide.Client, PacketSide.Server], [Side(table, Labelled(Segment("1:4614 > 2:5001"))), Side(table, Labelled(Segment("2:5001 > 1:4614")))]);

        // MPLS: label 16, bottom of the stack, time to live 255.
        static byte[] Labelled(byte[] packet) => [.. packet[..12], 0x88, 0x47, 0x00, 0x01, 0x01, 0xFF, .. packet[14..]];
    }

    [Fact]
    public void Later_fragments_go_with_the_first()
    {
        byte[] reverse = Syn("2:1000 > 1:80");
        byte[] first = Fragment(0);
        byte[] later = Fragment(1480);
        SideTable table = Learn(Syn("1:1000 > 2:80"), reverse, Syn("2:1001 > 1:81"), first, later);
        Assert.Equal(PacketSide.Server, Side(table, later));
        Assert.Equal([PacketSide.Client, PacketSide.Client], [Side(table, first), Side(table, later)]);

        // 2 is a client mostly; here it is the server, and 1 the client.
        static byte[] Fragment(int offset)
        {
            PacketBuilder builder = new PacketBuilder().Ethernet(Mac(1), Mac(2))
                .Ipv4(Host(1), Host(2), identification: 7, moreFragments: offset == 0, fragmentOffset: offset, protocol: IpProtocol.Udp);
            return (offset == 0 ? builder.Udp(40000, 53, datagramLength: 2000) : builder).Payload(new byte[64]).ToArray();
        }
    }

    [Fact]
    public void Conversations_beyond_the_limit_go_by_their_hosts_and_are_counted()
    {
        var learner = new SideLearner(maximumFlows: 2);
        byte[][] packets = [Syn("1:1000 > 2:80"), Syn("1:1001 > 2:80"), Syn("1:1002 > 2:80"), Segment("2:80 > 1:1002"), Segment("5:1 > 6:2")];
        Learn(learner, packets);
        Assert.Equal((2, 3), (learner.FlowCount, learner.PacketsBeyondLimit));
        Assert.Equal([PacketSide.Client, PacketSide.Server, PacketSide.Unknown], packets[2..].Select(packet => Side(learner.ToTable(), packet)));
    }

    [Fact]
    public void The_table_names_hosts_and_only_the_conversations_that_they_do_not_tell()
    {
        var packets = new List<byte[]>();
        for (int port = 1000; port < 1010; port++)
        {
            packets.Add(Syn($"1:{port} > 2:80"));
            packets.Add(Syn($"2:{port} > 3:3128"));
            packets.Add(Syn($"1:{port} > 3:443"));
        }

        packets.Add(Syn("2:5000 > 1:22"));
        SideTable table = Learn([.. packets]);
        Assert.Equal(["192.0.2.2:80"], table.Endpoints.Keys.Select(key => key.Endpoint.ToString()).Except(["192.0.2.3:3128"]));
        Assert.Equal(["192.0.2.2:5000 > 192.0.2.1:22"], table.Flows.Select(flow => flow.ToString()));
        Assert.Equal([PacketSide.Client, PacketSide.Client, PacketSide.Server], Enumerable.Range(1, 3).Select(host => table.Networks[IpNetwork.Of(Host(host))]));
    }

    [Fact]
    public void Learning_a_known_conversation_allocates_nothing()
    {
        var learner = new SideLearner();
        byte[][] packets = [Segment("1:1000 > 2:80"), Segment("2:80 > 1:1000"), Arp(1, 2), Unparsable(1, 2), Echo("1 > 2")];
        Learn(learner, packets);
        Learn(learner, packets);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            foreach (byte[] packet in packets)
            {
                learner.Learn(Captured(packet));
                _ = learner.SideOf(Captured(packet));
            }
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    internal static PacketSide Side(SideRule rule, byte[] packet) => rule.SideOf(Captured(packet));

    private static SideTable Learn(params byte[][] packets)
    {
        var learner = new SideLearner();
        Learn(learner, packets);
        return learner.ToTable();
    }

    private static void Learn(SideLearner learner, byte[][] packets)
    {
        foreach (byte[] packet in packets)
        {
            learner.Learn(Captured(packet));
        }
    }
}
