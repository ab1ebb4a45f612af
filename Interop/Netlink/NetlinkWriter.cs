using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Builds netlink messages one behind another in the caller's buffer. The caller keeps room for what it writes; <see cref="EndMessage"/> fixes the
/// length. Headers are in host order, as netlink has them.
/// </summary>
internal ref struct NetlinkWriter(Span<byte> buffer, int start = 0)
{
    internal const ushort Request = 1;
    internal const ushort Acknowledge = 4;
    private readonly Span<byte> _buffer = buffer;
    private int _start = start;

    /// <summary>Bytes written.</summary>
    internal int Length { get; private set; } = start;

    /// <summary>The messages so far.</summary>
    internal readonly ReadOnlySpan<byte> Written => _buffer[..Length];

    internal static int Align(int length) => (length + 3) & ~3;

    /// <summary>Starts a message with a <c>struct nfgenmsg</c> behind its header.</summary>
    internal void BeginNetfilterMessage(ushort type, ushort flags, uint sequence, byte family, ushort resource)
    {
        _start = Length;
        Span<byte> header = _buffer.Slice(_start, 20);
        ushort typeInHostOrder = type;
        MemoryMarshal.Write(header[4..], in typeInHostOrder);
        MemoryMarshal.Write(header[6..], in flags);
        MemoryMarshal.Write(header[8..], in sequence);
        header[12..16].Clear();
        header[16] = family;
        header[17] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(header[18..], resource);
        Length = _start + 20;
    }

    internal void Attribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        Span<byte> room = _buffer.Slice(Length, Align(4 + value.Length));
        ushort length = checked((ushort)(4 + value.Length));
        MemoryMarshal.Write(room, in length);
        MemoryMarshal.Write(room[2..], in type);
        value.CopyTo(room[4..]);
        room[length..].Clear();
        Length += room.Length;
    }

    internal void AttributeBigEndian(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        Attribute(type, bytes);
    }

    /// <summary>Begins an attribute that holds attributes; give the result to <see cref="EndNested"/>.</summary>
    internal int BeginNested(ushort type)
    {
        const ushort NLA_F_NESTED = 0x8000;
        int start = Length;
        Attribute((ushort)(type | NLA_F_NESTED), default);
        return start;
    }

    internal readonly void EndNested(int start)
    {
        ushort length = checked((ushort)(Length - start));
        MemoryMarshal.Write(_buffer[start..], in length);
    }

    internal void EndMessage()
    {
        uint length = (uint)(Length - _start);
        MemoryMarshal.Write(_buffer[_start..], in length);
    }
}
