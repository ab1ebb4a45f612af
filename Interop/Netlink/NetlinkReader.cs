using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>One netlink message (<c>struct nlmsghdr</c>) of a datagram.</summary>
internal readonly ref struct NetlinkMessage(ushort type, ushort flags, uint sequence, ReadOnlySpan<byte> body)
{
    internal const int HeaderLength = 16;
    internal const ushort Error = 2;

    internal ushort Type { get; } = type;

    internal ushort Flags { get; } = flags;

    internal uint Sequence { get; } = sequence;

    /// <summary>What follows the header.</summary>
    internal ReadOnlySpan<byte> Body { get; } = body;
}

/// <summary>
/// Walks the messages of a datagram. Total: a length that contradicts the bytes there are ends the walk and sets <see cref="IsMalformed"/>;
/// nothing is ever read beyond the datagram.
/// </summary>
internal ref struct NetlinkReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;

    /// <summary>True once the walk ended before the end of the datagram.</summary>
    internal bool IsMalformed { get; private set; }

    internal bool TryRead(out NetlinkMessage message)
    {
        message = default;
        if (_rest.Length < NetlinkMessage.HeaderLength)
        {
            IsMalformed |= !_rest.IsEmpty;
            _rest = default;
            return false;
        }

        uint length = MemoryMarshal.Read<uint>(_rest);
        if (length < NetlinkMessage.HeaderLength || length > (uint)_rest.Length)
        {
            IsMalformed = true;
            _rest = default;
            return false;
        }

        message = new NetlinkMessage(
            MemoryMarshal.Read<ushort>(_rest[4..]),
            MemoryMarshal.Read<ushort>(_rest[6..]),
            MemoryMarshal.Read<uint>(_rest[8..]),
            _rest[NetlinkMessage.HeaderLength..(int)length]);
        _rest = _rest[Math.Min(NetlinkWriter.Align((int)length), _rest.Length)..];
        return true;
    }
}

/// <summary>Walks netlink attributes (<c>struct nlattr</c>); total in the same way as <see cref="NetlinkReader"/>.</summary>
internal ref struct NetlinkAttributeReader(ReadOnlySpan<byte> attributes)
{
    private const int HeaderLength = 4;
    private const ushort TypeMask = 0x3FFF;
    private readonly ReadOnlySpan<byte> _all = attributes;
    private int _at;

    /// <summary>True once the walk ended before the end.</summary>
    internal bool IsMalformed { get; private set; }

    /// <summary>Type without the nested and byte-order flags.</summary>
    internal ushort Type { get; private set; }

    internal ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Where <see cref="Value"/> starts in the bytes given.</summary>
    internal int ValueOffset { get; private set; }

    internal bool TryRead()
    {
        int left = _all.Length - _at;
        if (left < HeaderLength)
        {
            IsMalformed |= left != 0;
            _at = _all.Length;
            return false;
        }

        int length = MemoryMarshal.Read<ushort>(_all[_at..]);
        if (length < HeaderLength || length > left)
        {
            IsMalformed = true;
            _at = _all.Length;
            return false;
        }

        Type = (ushort)(MemoryMarshal.Read<ushort>(_all[(_at + 2)..]) & TypeMask);
        ValueOffset = _at + HeaderLength;
        Value = _all.Slice(ValueOffset, length - HeaderLength);
        _at += Math.Min(NetlinkWriter.Align(length), left);
        return true;
    }

    /// <summary>The value as a 32-bit number in network order; 0 where it is shorter, which sets <see cref="IsMalformed"/>.</summary>
    internal uint UInt32BigEndian()
    {
        if (Value.Length >= sizeof(uint))
        {
            return BinaryPrimitives.ReadUInt32BigEndian(Value);
        }

        IsMalformed = true;
        return 0;
    }
}
