using System.Buffers.Binary;

namespace Interceptor.Tests.Files;

/// <summary>Bytes of a file in one byte order.</summary>
internal sealed class BlockBytes(bool bigEndian)
{
    private readonly List<byte> _bytes = [];

    internal BlockBytes UInt16(ushort value) => Bytes(BitConverter.GetBytes(bigEndian ? BinaryPrimitives.ReverseEndianness(value) : value));

    internal BlockBytes UInt32(uint value) => Bytes(BitConverter.GetBytes(bigEndian ? BinaryPrimitives.ReverseEndianness(value) : value));

    internal BlockBytes UInt64(ulong value) => Bytes(BitConverter.GetBytes(bigEndian ? BinaryPrimitives.ReverseEndianness(value) : value));

    /// <summary>A pcapng option or name record, padded.</summary>
    internal BlockBytes Option(ushort code, Action<BlockBytes> fill)
    {
        var value = new BlockBytes(bigEndian);
        fill(value);
        byte[] bytes = value.ToArray();
        return UInt16(code).UInt16((ushort)bytes.Length).Bytes(bytes).Bytes(new byte[-bytes.Length & 3]);
    }

    internal BlockBytes Text(string text) => Bytes(System.Text.Encoding.UTF8.GetBytes(text));

    internal BlockBytes Bytes(byte[] value)
    {
        _bytes.AddRange(value);
        return this;
    }

    internal byte[] Block(uint type, Action<BlockBytes> fill)
    {
        var body = new BlockBytes(bigEndian);
        fill(body);
        uint length = (uint)body._bytes.Count + 12;
        return UInt32(type).UInt32(length).Bytes(body.ToArray()).UInt32(length).ToArray();
    }

    internal byte[] ToArray() => [.. _bytes];
}
