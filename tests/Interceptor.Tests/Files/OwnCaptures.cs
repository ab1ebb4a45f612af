using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Tests.Files;

/// <summary>How each file under captures/ that shows a feature of a container is made: deterministic, byte by byte.</summary>
internal static class OwnCaptures
{
    private static readonly IpAddress Client = IpAddress.FromIpv4(0xC0000201);
    private static readonly IpAddress Server = IpAddress.FromIpv4(0xC0000202);
    private static readonly PcapNgSection Section = new("x86_64", "Linux", "Interceptor's tests", "made by OwnCaptures.cs");

    /// <summary>Name and content of each.</summary>
    internal static Dictionary<string, Func<byte[]>> All { get; } = new()
    {
        ["pcap-nanoseconds.pcap"] = () => TestPackets.Write(stream => new PcapWriter(stream, nanoseconds: true, leaveOpen: true), Handshake()),
        ["pcap-microseconds.pcap"] = () => TestPackets.Write(stream => new PcapWriter(stream, nanoseconds: false, leaveOpen: true), Handshake()),
        ["pcap-cut-by-snap-length.pcap"] = () => TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true),
            Handshake().Select(packet => packet with { Bytes = packet.Bytes[..80] }), new CaptureInterface(LinkType.Ethernet, 40)),
        ["pcap-kuznetzov-big-endian.pcap"] = Kuznetzov,
        ["pcap-ends-inside-a-packet.pcap"] = () =>
            TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), Handshake())[..^10],
        ["pcapng-options-of-every-kind.pcapng"] = EveryOption,
        ["pcapng-obsolete-packet-blocks.pcapng"] = ObsoleteBlocks,
        ["pcapng-time-before-1970.pcapng"] = () => PcapNg(Handshake().Select(packet => packet with { Time = packet.Time - TestPackets.SomeTime - 1 })),
        ["pcapng-packets-without-time.pcapng"] = () => PcapNg(Handshake().Select(packet => packet with { Time = 0, HasTime = false })),
        ["pcapng-two-byte-orders-binary-resolution.pcapng"] = TwoByteOrders,
    };

    private static byte[] PcapNg(IEnumerable<StoredPacket> packets) =>
        TestPackets.Write(stream => new PcapNgWriter(stream, Section, leaveOpen: true), packets, new CaptureInterface(LinkType.Ethernet, 262144, "eth0"));

    /// <summary>SYN, SYN+ACK, ACK from 192.0.2.1:49152 to 192.0.2.2:80, 1 ms and 1 ns apart.</summary>
    private static IEnumerable<StoredPacket> Handshake()
    {
        var builder = new PacketBuilder();
        byte[] syn = builder.Ethernet(MacAddress.FromBits(2), MacAddress.FromBits(4)).Ipv4(Client, Server)
            .Tcp(49152, 80, new SequenceNumber(1000), default, TcpFlags.Syn).MaximumSegmentSize(1460).ToArray();
        byte[] reply = builder.Clear().Ethernet(MacAddress.FromBits(4), MacAddress.FromBits(2)).Ipv4(Server, Client)
            .Tcp(80, 49152, new SequenceNumber(5000), new SequenceNumber(1001), TcpFlags.Syn | TcpFlags.Ack).MaximumSegmentSize(1460).ToArray();
        byte[] ack = builder.Clear().Ethernet(MacAddress.FromBits(2), MacAddress.FromBits(4)).Ipv4(Client, Server)
            .Tcp(49152, 80, new SequenceNumber(1001), new SequenceNumber(5001), TcpFlags.Ack).ToArray();
        long time = TestPackets.SomeTime;
        foreach (byte[] frame in (byte[][])[syn, reply, ack])
        {
            yield return new StoredPacket(time, true, frame.Length, LinkType.Ethernet, 0, Convert.ToHexString(frame), default);
            time += 1_000_001;
        }
    }

    private static byte[] EveryOption()
    {
        StoredPacket[] packets = [.. Handshake()];
        packets[0] = packets[0] with { Options = new() { Comment = "the first", Direction = PacketDirection.Outbound, PacketId = 1, Hash = new(PcapNgHashAlgorithm.Xor, new byte[] { 0x5A }) } };
        packets[1] = packets[1] with { Options = new() { Direction = PacketDirection.Inbound, Queue = 7, DropCount = 2, Verdict = new(PcapNgVerdictSource.LinuxXdp, 2) } };
        string raw = packets[2].Bytes[28..];
        packets[2] = packets[2] with { InterfaceId = 1, LinkType = LinkType.Raw, Bytes = raw, OriginalLength = raw.Length / 2 };
        using var stream = new MemoryStream();
        using (var writer = new PcapNgWriter(stream, Section, leaveOpen: true))
        {
            writer.AddInterface(new CaptureInterface(LinkType.Ethernet, 262144, "eth0", "the wire") { Filter = "tcp" });
            writer.AddInterface(new CaptureInterface(LinkType.Raw, 65535, "tun0"));
            foreach (StoredPacket packet in packets)
            {
                writer.Write(packet.ToPacket(), packet.Options);
            }

            writer.WriteInterfaceStatistics(0, new CaptureTimestamp(packets[2].Time), new InterfaceStatistics { Received = 5, DroppedByInterface = 2, DroppedBySystem = 1 });
        }

        return stream.ToArray();
    }

    /// <summary>A big-endian section in the draft's first packet blocks: with options, with the packets dropped before one, and without their number.</summary>
    private static byte[] ObsoleteBlocks()
    {
        StoredPacket[] packets = [.. Handshake()];
        return
        [
            .. ObsoletePackets.Section(bigEndian: true, LinkType.Ethernet),
            .. ObsoletePackets.Block(true, packets[0] with { Options = new() { Comment = "the first", Flags = 1 } }, drops: 0),
            .. ObsoletePackets.Block(true, packets[1], drops: 3),
            .. ObsoletePackets.Block(true, packets[2], ObsoletePackets.UnknownDrops),
        ];
    }

    /// <summary>24-byte record headers: index, protocol, packet type and padding follow the usual four fields.</summary>
    private static byte[] Kuznetzov()
    {
        var file = new BlockBytes(bigEndian: true);
        file.UInt32(0xA1B2CD34).UInt16(2).UInt16(4).UInt32(0).UInt32(0).UInt32(262144).UInt32(1);
        foreach (StoredPacket packet in Handshake())
        {
            byte[] data = Convert.FromHexString(packet.Bytes);
            file.UInt32((uint)(packet.Time / 1_000_000_000)).UInt32((uint)(packet.Time % 1_000_000_000 / 1000))
                .UInt32((uint)data.Length).UInt32((uint)data.Length).UInt32(2).UInt16(0x0800).UInt16(0).Bytes(data);
        }

        return file.ToArray();
    }

    /// <summary>A big-endian section with 2^-20 s and an offset, then a little-endian one with 10^-3 s.</summary>
    private static byte[] TwoByteOrders()
    {
        byte[] data = Convert.FromHexString(Handshake().First().Bytes);
        var file = new List<byte>();
        foreach ((bool big, byte resolution, uint counter) in ((bool, byte, uint)[])[(true, 0x80 | 20, (1 << 20) + 512), (false, 3, 1500)])
        {
            file.AddRange(new BlockBytes(big).Block(0x0A0D0D0A, body => body.UInt32(0x1A2B3C4D).UInt16(1).UInt16(0).UInt32(uint.MaxValue).UInt32(uint.MaxValue)));
            file.AddRange(new BlockBytes(big).Block(1, body => body.UInt16(1).UInt16(0).UInt32(0)
                .UInt16(9).UInt16(1).Bytes([resolution, 0, 0, 0]).UInt16(14).UInt16(8).UInt32(big ? 0u : 1_700_000_000u).UInt32(big ? 1_700_000_000u : 0u).UInt32(0)));
            file.AddRange(new BlockBytes(big).Block(6, body => body.UInt32(0).UInt32(0).UInt32(counter)
                .UInt32((uint)data.Length).UInt32((uint)data.Length).Bytes(data).Bytes(new byte[-data.Length & 3])));
        }

        return [.. file];
    }
}
