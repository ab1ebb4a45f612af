using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Tests.Filters;

/// <summary>Expressions and packets that make filters do something: the protocols they test for, cut and damaged at random.</summary>
internal static class FilterCorpus
{
    internal static readonly LinkType[] LinkTypes =
        [LinkType.Ethernet, LinkType.Raw, LinkType.RawBsd, LinkType.Null, LinkType.LinuxCooked, LinkType.LinuxCooked2, LinkType.Ipv4, LinkType.Ipv6];

    internal static readonly string[] Expressions =
    [
        "", "ip", "ip6", "tcp", "udp", "icmp", "icmp6", "tcp port 80", "udp port 53", "port 443 or port 80", "portrange 1000-2000",
        "host 192.0.2.1", "src host 192.0.2.1 and dst port 80", "net 192.0.2.0/24", "src net 2001:db8::/32", "host 2001:db8::1",
        "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] == tcp-ack", "ip[8] < 64", "ip[2:2] > 100", "len > 60", "less 60", "greater 100",
        "tcp and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)", "not tcp and not udp", "ip proto 17", "ip6 proto 6",
        "tcp[4:4] = 1000", "udp[4:2] * 2 > 40", "ip[6:2] & 0x1fff = 0", "icmp[icmptype] = icmp-echo", "ip[0] / ip[1] = 2", "ip[4:2] % 7 = 3",
        "(ip[3] << 3) >> 2 = 8", "ip[1] ^ 5 = 1", "-ip[1] < 0", "tcp src port 80 or (udp and dst port 53) or net 10.0.0.0/8",
        "ip[ip[0]&0xf:2] = 80", "ip[10:2] | ip[1] = 3", "ip[1] << ip[2] = 0", "len - 14 = ip[2:2]",
    ];

    /// <summary>Only those with a MAC header.</summary>
    internal static readonly string[] EthernetExpressions =
        ["arp", "vlan", "vlan 5 and tcp", "ether host 02:00:00:00:00:01", "ether proto 0x86dd", "broadcast", "multicast", "mpls", "pppoes and ip", "ether[6] & 1 = 0"];

    internal static IEnumerable<(LinkType LinkType, string Expression)> All =>
        LinkTypes.SelectMany(static linkType => Expressions.Select(expression => (linkType, expression)))
            .Concat(EthernetExpressions.Select(static expression => (LinkType.Ethernet, expression)));

    /// <summary>A packet that is right up to a few bytes, of random length; the same seed gives the same packet.</summary>
    internal static byte[] Packet(Random random, LinkType linkType)
    {
        Span<byte> packet = stackalloc byte[160];
        random.NextBytes(packet);
        bool version6 = linkType == LinkType.Ipv6 || (linkType != LinkType.Ipv4 && random.Next(3) == 0);
        int at = WriteLink(random, linkType, packet, version6);
        WriteNetwork(random, packet[at..], version6);
        for (int damage = random.Next(4) - 1; damage > 0; damage--)
        {
            packet[random.Next(packet.Length)] = (byte)random.Next(256);
        }

        return packet[..random.Next(packet.Length + 1)].ToArray();
    }

    private static int WriteLink(Random random, LinkType linkType, Span<byte> packet, bool version6)
    {
        ushort type = version6 ? (ushort)0x86DD : (ushort)0x0800;
        switch (linkType)
        {
            case LinkType.Ethernet:
                int at = 12;
                if (random.Next(4) == 0)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(packet[at..], 0x8100);
                    BinaryPrimitives.WriteUInt16BigEndian(packet[(at + 2)..], (ushort)random.Next(8));
                    at += 4;
                }

                BinaryPrimitives.WriteUInt16BigEndian(packet[at..], random.Next(8) == 0 ? (ushort)0x0806 : type);
                return at + 2;
            case LinkType.Null:
                BinaryPrimitives.WriteUInt32LittleEndian(packet, version6 ? 10u : 2u);
                return 4;
            case LinkType.LinuxCooked:
                BinaryPrimitives.WriteUInt16BigEndian(packet[14..], type);
                return 16;
            case LinkType.LinuxCooked2:
                BinaryPrimitives.WriteUInt16BigEndian(packet, type);
                return 20;
            default:
                return 0;
        }
    }

    private static void WriteNetwork(Random random, Span<byte> packet, bool version6)
    {
        byte protocol = (byte)Pick(random, 6, 6, 17, 17, 1, 58);
        if (version6)
        {
            packet[0] = 0x60;
            packet[6] = protocol;
            packet[8] = 0x20;
            packet[9] = 0x01;
            packet[10] = 0x0D;
            packet[11] = 0xB8;
            WritePorts(random, packet[40..]);
            return;
        }

        int headerLength = random.Next(4) == 0 ? 24 : 20;
        packet[0] = (byte)(0x40 | (headerLength / 4));
        packet[9] = protocol;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)random.Next(20, 160));
        BinaryPrimitives.WriteUInt16BigEndian(packet[6..], (ushort)(random.Next(4) == 0 ? random.Next(0x4000) : 0));
        BinaryPrimitives.WriteUInt32BigEndian(packet[12..], 0xC000_0200u + (uint)random.Next(3));
        WritePorts(random, packet[headerLength..]);
    }

    private static void WritePorts(Random random, Span<byte> transport)
    {
        BinaryPrimitives.WriteUInt16BigEndian(transport, (ushort)Pick(random, 80, 443, 53, 1500, 8080));
        BinaryPrimitives.WriteUInt16BigEndian(transport[2..], (ushort)Pick(random, 80, 443, 53, 1500, 8080));
        transport[12] = 0x50;
        transport[13] = (byte)Pick(random, 0x02, 0x10, 0x12, 0x11, 0x18);
    }

    private static int Pick(Random random, params ReadOnlySpan<int> choices) => choices[random.Next(choices.Length)];
}
