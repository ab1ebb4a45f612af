using Interceptor.Packets;

namespace Interceptor.Tests.Packets;

public class RelativeNumberTests
{
    private const uint ClientStart = 0xFFFFFFF0;
    private const uint ServerStart = 5000;

    private readonly PacketFormatter _formatter = new();

    [Fact]
    public void Numbers_are_relative_after_the_syn_ack_and_across_the_wrap()
    {
        Handshake(49152, ClientStart, ServerStart);
        Assert.Contains("seq 1:101, ack 1,", FromClient(49152, unchecked(ClientStart + 1), ServerStart + 1, 100), StringComparison.Ordinal);
        Assert.Contains("], ack 101,", FromServer(49152, ServerStart + 1, unchecked(ClientStart + 101)), StringComparison.Ordinal);
        Assert.Contains("seq 101:111, ack 1,", FromClient(49152, unchecked(ClientStart + 101), ServerStart + 1, 10), StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_packet_of_a_connection_met_midway_has_absolute_numbers()
    {
        Assert.Contains("seq 1000:1010, ack 5000,", FromClient(1, 1000, 5000, 10), StringComparison.Ordinal);
        Assert.Contains("seq 10:20, ack 1,", FromClient(1, 1010, 5000, 10), StringComparison.Ordinal);
        Assert.Contains("seq 1:11, ack 20,", FromServer(1, 5000, 1020, 10), StringComparison.Ordinal);
    }

    [Fact]
    public void Sack_edges_are_relative_to_the_side_that_they_acknowledge()
    {
        Handshake(49152, ClientStart, ServerStart);
        byte[] packet = Segment(fromClient: false, 49152, ServerStart + 1, unchecked(ClientStart + 1), TcpFlags.Ack)
            .NoOperation().NoOperation().Sack(new SackBlock(new(unchecked(ClientStart + 11)), new(unchecked(ClientStart + 31)))).ToArray();
        Assert.Contains("sack 1 {11:31}]", Print(packet), StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_connection_of_the_same_addresses_and_ports_counts_anew()
    {
        Handshake(49152, ClientStart, ServerStart);
        Handshake(49152, 70_000, 90_000);
        Assert.Contains("seq 1:11, ack 1,", FromClient(49152, 70_001, 90_001, 10), StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_connection_whose_syn_ack_is_missing_is_not_counted_from_the_old_one()
    {
        Handshake(49152, ClientStart, ServerStart);
        Print(Segment(true, 49152, 70_000, 0, TcpFlags.Syn).ToArray());
        Assert.Contains("seq 70001:70011, ack 90001,", FromClient(49152, 70_001, 90_001, 10), StringComparison.Ordinal);
        Assert.Contains("seq 10:20, ack 1,", FromClient(49152, 70_011, 90_001, 10), StringComparison.Ordinal);
    }

    [Fact]
    public void A_repeated_syn_changes_nothing()
    {
        Handshake(49152, ClientStart, ServerStart);
        Print(Segment(true, 49152, ClientStart, 0, TcpFlags.Syn).ToArray());
        Assert.Contains("seq 1:11, ack 1,", FromClient(49152, unchecked(ClientStart + 1), ServerStart + 1, 10), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_too_many_connections_the_one_that_was_quiet_longest_is_forgotten()
    {
        // Ports 1 to 60,000 of one address and as many of another: port 1 is spoken to in between, port 2 is not.
        for (int i = 1; i <= 60_000; i++)
        {
            FromClient((ushort)i, 1000, 5000, 10);
        }

        FromClient(1, 1010, 5000, 10);
        for (int i = 1; i <= TcpSequenceLimit - 59_999; i++)
        {
            FromClient((ushort)i, 1000, 5000, 10, Sample.Address("192.0.2.77"));
        }

        Assert.Contains("seq 20:30, ack 1,", FromClient(1, 1020, 5000, 10), StringComparison.Ordinal);
        Assert.Contains("seq 1010:1020, ack 5000,", FromClient(2, 1010, 5000, 10), StringComparison.Ordinal);
        Assert.Contains("seq 10:20, ack 1,", FromClient(2, 1020, 5000, 10), StringComparison.Ordinal);
    }

    [Fact]
    public void A_known_connection_costs_no_allocation()
    {
        byte[][] packets = [.. Enumerable.Range(1, 100).Select(port => Segment(true, (ushort)port, 1, 1, TcpFlags.Ack).ToArray())];
        long Measure()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (byte[] packet in packets)
            {
                _formatter.Summarize(PacketView.Parse(packet, LinkType.Ipv4));
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Measure();
        Measure();
        Assert.Equal(0, Measure());
    }

    /// <summary>As documented in docs/notation.md.</summary>
    private const int TcpSequenceLimit = 65_536;

    private static PacketBuilder Segment(bool fromClient, ushort port, uint sequence, uint acknowledgment, TcpFlags flags, IpAddress? client = null)
    {
        IpAddress near = client ?? Sample.Client4;
        return fromClient
            ? new PacketBuilder().Ipv4(near, Sample.Server4).Tcp(port, 80, new(sequence), new(acknowledgment), flags)
            : new PacketBuilder().Ipv4(Sample.Server4, near).Tcp(80, port, new(sequence), new(acknowledgment), flags);
    }

    private void Handshake(ushort port, uint client, uint server)
    {
        Assert.Contains($"[S], seq {client},", Print(Segment(true, port, client, 0, TcpFlags.Syn).ToArray()), StringComparison.Ordinal);
        string answer = Print(Segment(false, port, server, client + 1, TcpFlags.Syn | TcpFlags.Ack).ToArray());
        Assert.Contains($"[S.], seq {server}, ack {client + 1},", answer, StringComparison.Ordinal);
    }

    private string FromClient(ushort port, uint sequence, uint acknowledgment, int length, IpAddress? client = null) =>
        Print(Segment(true, port, sequence, acknowledgment, TcpFlags.Ack, client).Payload(new byte[length]).ToArray());

    private string FromServer(ushort port, uint sequence, uint acknowledgment, int length = 0) =>
        Print(Segment(false, port, sequence, acknowledgment, TcpFlags.Ack).Payload(new byte[length]).ToArray());

    private string Print(byte[] packet) => _formatter.Summarize(PacketView.Parse(packet, LinkType.Ipv4)).ToString();
}
