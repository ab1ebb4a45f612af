using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Tests.Files;

/// <summary>A packet with everything that a capture file keeps of it, compared by value.</summary>
internal sealed record StoredPacket(long Time, bool HasTime, int OriginalLength, LinkType LinkType, int InterfaceId, string Bytes, PcapNgPacketOptions Options)
{
    internal CapturedPacket ToPacket() => new(Convert.FromHexString(Bytes), new PacketMetadata
    {
        Timestamp = new CaptureTimestamp(Time),
        HasTimestamp = HasTime,
        OriginalLength = OriginalLength,
        LinkType = LinkType,
        InterfaceId = InterfaceId,
    });
}

/// <summary>Captures in memory.</summary>
internal static class TestPackets
{
    internal const long SomeTime = 1_700_000_000_123_456_789;

    internal static StoredPacket Packet(int length, long time = SomeTime, LinkType linkType = LinkType.Ethernet) =>
        new(time, true, length, linkType, 0, Convert.ToHexString(Enumerable.Range(0, length).Select(i => (byte)i).ToArray()), default);

    internal static List<StoredPacket> ReadAll(byte[] file) => ReadAll(CaptureFile.OpenRead(new MemoryStream(file), "memory"));

    internal static List<StoredPacket> ReadAll(CaptureFileReader reader)
    {
        var packets = new List<StoredPacket>();
        while (reader.TryRead(out CapturedPacket packet))
        {
            PacketMetadata metadata = packet.Metadata;
            packets.Add(new StoredPacket(metadata.Timestamp.Nanoseconds, metadata.HasTimestamp, metadata.OriginalLength, metadata.LinkType,
                metadata.InterfaceId, Convert.ToHexString(packet.Data), reader.ReadPacketOptions()));
        }

        return packets;
    }

    internal static byte[] Write(Func<Stream, CaptureFileWriter> open, IEnumerable<StoredPacket> packets, params CaptureInterface[] interfaces)
    {
        using var stream = new MemoryStream();
        using (CaptureFileWriter writer = open(stream))
        {
            foreach (CaptureInterface each in interfaces)
            {
                writer.AddInterface(each);
            }

            foreach (StoredPacket packet in packets)
            {
                if (writer is PcapNgWriter pcapng)
                {
                    pcapng.Write(packet.ToPacket(), packet.Options);
                }
                else
                {
                    writer.Write(packet.ToPacket());
                }
            }
        }

        return stream.ToArray();
    }

    internal static byte[] WritePcapNg(params IEnumerable<StoredPacket> packets) =>
        Write(stream => new PcapNgWriter(stream, leaveOpen: true), packets, new CaptureInterface(LinkType.Ethernet, 262144, "eth0"));
}
