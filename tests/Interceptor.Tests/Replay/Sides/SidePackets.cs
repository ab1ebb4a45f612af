using Interceptor.Packets;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Replay.Sides;

/// <summary>Packets between hosts 192.0.2.N, each with the hardware address 02:00:00:00:00:0N, written as <c>1:49152 > 2:80</c>.</summary>
internal static class SidePackets
{
    private const LinkType Ethernet = LinkType.Ethernet;

    internal static byte[] Segment(string flow, TcpFlags flags = TcpFlags.Ack) => Between(flow, (builder, from, to) => builder.Tcp(from, to, new(1), default, flags).Payload([1]));

    internal static byte[] Syn(string flow) => Segment(flow, TcpFlags.Syn);

    internal static byte[] SynAck(string flow) => Segment(flow, TcpFlags.Syn | TcpFlags.Ack);

    internal static byte[] Udp(string flow) => Between(flow, (builder, from, to) => builder.Udp(from, to).Payload([1]));

    internal static byte[] Echo(string flow, bool isReply = false) => Between(flow, (builder, _, _) => builder.IcmpEcho(1, 1, isReply));

    /// <summary>"Port unreachable" about a packet: its IP header and eight bytes more.</summary>
    internal static byte[] Unreachable(string flow, byte[] about) =>
        Between(flow, (builder, _, _) => builder.Icmp(3, 3).Payload(about.AsSpan(EthernetView.Length, Math.Min(28, about.Length - EthernetView.Length))));

    internal static byte[] Arp(int sender, int target, ushort operation = 1) => new PacketBuilder()
        .Ethernet(Mac(sender), operation == 1 ? MacAddress.Broadcast : Mac(target)).Arp(operation, Mac(sender), Host(sender), default, Host(target)).ToArray();

    internal static byte[] Unparsable(int sender, int target) =>
        [.. Bytes(Mac(target)), .. Bytes(Mac(sender)), 0x88, 0xB5, .. new byte[46]];

    internal static CapturedPacket Captured(byte[] data) =>
        new(data, new PacketMetadata { LinkType = Ethernet, OriginalLength = data.Length, HasTimestamp = true });

    internal static IpAddress Host(int number) => Sample.Address($"192.0.2.{number}");

    internal static MacAddress Mac(int number) => MacAddress.FromBits(0x0200_0000_0000UL | (uint)number);

    private static byte[] Between(string flow, Func<PacketBuilder, ushort, ushort, PacketBuilder> add)
    {
        int[] numbers = [.. flow.Split(" > ").SelectMany(end => end.Contains(':', StringComparison.Ordinal) ? end.Split(':') : [end, "0"]).Select(int.Parse)];
        MacAddress destination = numbers[2] >= 224 ? MacAddress.FromBits(0x01005E000000) : Mac(numbers[2]);
        IpAddress to = numbers[2] >= 224 ? Sample.Address("224.0.0.251") : Host(numbers[2]);
        return add(new PacketBuilder().Ethernet(Mac(numbers[0]), destination).Ipv4(Host(numbers[0]), to), (ushort)numbers[1], (ushort)numbers[3]).ToArray();
    }

    private static byte[] Bytes(MacAddress address)
    {
        byte[] bytes = new byte[MacAddress.Length];
        address.CopyTo(bytes);
        return bytes;
    }
}
