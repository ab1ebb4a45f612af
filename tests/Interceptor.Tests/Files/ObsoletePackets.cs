namespace Interceptor.Tests.Files;

/// <summary>A pcapng file of obsolete packet blocks (draft-ietf-opsawg-pcapng, appendix A), as no program of today writes it.</summary>
internal static class ObsoletePackets
{
    internal const ushort UnknownDrops = 0xFFFF;

    internal static byte[] File(bool bigEndian) =>
    [
        .. new BlockBytes(bigEndian).Block(0x0A0D0D0A, body => body.UInt32(0x1A2B3C4D).UInt16(1).UInt16(0).UInt64(ulong.MaxValue)),
        .. new BlockBytes(bigEndian).Block(1, body => body.UInt16(1).UInt16(0).UInt32(65535).Option(2, value => value.Text("first")).Option(0, _ => { })),
        .. new BlockBytes(bigEndian).Block(1, body => body.UInt16(101).UInt16(0).UInt32(65535).Option(2, value => value.Text("second"))
            .Option(9, value => value.Bytes([9])).Option(0, _ => { })),
        .. Packet(bigEndian, 0, 0, 1_700_000_000_123_456, [1, 2, 3, 4], original: 4, options: true),
        .. Packet(bigEndian, 1, 3, 1_700_000_000_123_456_789, [5, 6, 7, 8, 9], original: 60, options: false),
        .. Packet(bigEndian, 0, UnknownDrops, 1_700_000_000_123_457, [], original: 0, options: false),
    ];

    private static byte[] Packet(bool bigEndian, ushort captureInterface, ushort drops, ulong time, byte[] data, uint original, bool options) =>
        new BlockBytes(bigEndian).Block(2, body =>
        {
            body.UInt16(captureInterface).UInt16(drops).UInt32((uint)(time >> 32)).UInt32((uint)time).UInt32((uint)data.Length).UInt32(original)
                .Bytes(data).Bytes(new byte[-data.Length & 3]);
            if (options)
            {
                body.Option(1, value => value.Text("old")).Option(2, value => value.UInt32(1)).Option(3, value => value.Bytes([2, 9, 8, 7, 6])).Option(0, _ => { });
            }
        });
}
