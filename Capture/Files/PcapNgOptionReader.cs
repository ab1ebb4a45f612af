using System.Buffers.Binary;
using System.Text;

namespace Interceptor.Capture.Files;

/// <summary>
/// Walks the options of a pcapng block: code, length, value padded to four bytes, ended by opt_endofopt or the end of the block.
/// A list that is cut or lies about a length ends there; what came before counts.
/// </summary>
internal ref struct PcapNgOptionReader(ReadOnlySpan<byte> options, bool swapped)
{
    private ReadOnlySpan<byte> _rest = options;

    /// <summary>The code of the current option.</summary>
    internal ushort Code { get; private set; }

    /// <summary>The value of the current option, without padding.</summary>
    internal ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>What follows the end of the list; empty where it ends with its block or is damaged.</summary>
    internal ReadOnlySpan<byte> AfterEnd { get; private set; }

    /// <summary>Goes to the next option; false at the end.</summary>
    internal bool MoveNext()
    {
        if (_rest.Length < 4)
        {
            return false;
        }

        ushort code = Order(BinaryPrimitives.ReadUInt16LittleEndian(_rest));
        int length = Order(BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]));
        if (code == PcapNgCodes.EndOfOptions || length > _rest.Length - 4)
        {
            AfterEnd = code == PcapNgCodes.EndOfOptions ? _rest[4..] : default;
            return false;
        }

        Code = code;
        Value = _rest.Slice(4, length);
        _rest = _rest[Math.Min(4 + PcapNgCodes.Padded(length), _rest.Length)..];
        return true;
    }

    /// <summary>The value as text; some writers end it with a zero byte.</summary>
    internal readonly string Text() => Encoding.UTF8.GetString(Value.TrimEnd((byte)0));

    /// <summary>The value as a 32-bit number; null if it has another length.</summary>
    internal readonly uint? UInt32() => Value.Length == 4 ? Order(BinaryPrimitives.ReadUInt32LittleEndian(Value)) : null;

    /// <summary>The value as a 64-bit number; null if it has another length.</summary>
    internal readonly ulong? UInt64() => Value.Length == 8 ? Order(BinaryPrimitives.ReadUInt64LittleEndian(Value)) : null;

    /// <summary>The value as an instant in two halves, the high one first; null if it has another length.</summary>
    internal readonly ulong? SplitTime() => Value.Length == 8
        ? ((ulong)Order(BinaryPrimitives.ReadUInt32LittleEndian(Value)) << 32) | Order(BinaryPrimitives.ReadUInt32LittleEndian(Value[4..]))
        : null;

    private readonly ushort Order(ushort value) => swapped ? BinaryPrimitives.ReverseEndianness(value) : value;

    private readonly uint Order(uint value) => swapped ? BinaryPrimitives.ReverseEndianness(value) : value;

    private readonly ulong Order(ulong value) => swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
}
