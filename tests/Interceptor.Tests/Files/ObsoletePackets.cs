using Interceptor.Packets;

namespace Interceptor.Tests.Files;

/// <summary>Obsolete packet blocks (draft-ietf-opsawg-pcapng, appendix A), as no program of today writes them. Times are in nanoseconds.</summary>
internal static class ObsoletePackets
{
    internal const ushort UnknownDrops = 0xFFFF;

    /// <summary>A section header and an interface for each link type, named <c>0</c>, <c>1</c> and so on.</summary>
    internal static byte[] Section(bool bigEndian, params LinkType[] linkTypes) =>
    [
        .. new BlockBytes(bigEndian).Block(0x0A0D0D0A, body => body.UInt32(0x1A2B3C4D).UInt16(1).UInt16(0).UInt64(ulong.MaxValue)),
        .. linkTypes.SelectMany((linkType, id) => new BlockBytes(bigEndian).Block(1, body => body.UInt16((ushort)linkType).UInt16(0).UInt32(65535)
            .Option(2, value => value.Text($"{id}")).Option(9, value => value.Bytes([9])).Option(0, _ => { }))),
    ];

    /// <summary>A packet with its comment, flags and hash, and the number of packets that were dropped before it.</summary>
    internal static byte[] Block(bool bigEndian, StoredPacket packet, ushort drops) => new BlockBytes(bigEndian).Block(2, body =>
    {
        byte[] data = Convert.FromHexString(packet.Bytes);
        body.UInt16((ushort)packet.InterfaceId).UInt16(drops).UInt32((uint)(packet.Time >> 32)).UInt32((uint)packet.Time)
            .UInt32((uint)data.Length).UInt32((uint)packet.OriginalLength).Bytes(data).Bytes(new byte[-data.Length & 3]);
        if (packet.Options.Comment is { } comment)
        {
            body.Option(1, value => value.Text(comment));
        }

        if (packet.Options.Flags is { } flags)
        {
            body.Option(2, value => value.UInt32(flags));
        }

        if (packet.Options.Hash is { } hash)
        {
            body.Option(3, value => value.Bytes([(byte)hash.Algorithm, .. hash.Value.Span]));
        }

        body.Option(0, _ => { });
    });
}
