using System.Buffers.Binary;
using System.Text.Unicode;

namespace Interceptor.Capture.Files;

/// <summary>Builds one little-endian pcapng block in a span that is large enough: fields, then options, then <see cref="Finish"/>.</summary>
internal ref struct PcapNgBlockBuilder
{
    /// <summary>Most bytes of an option's value.</summary>
    internal const int LongestOption = ushort.MaxValue;

    private readonly Span<byte> _block;
    private int _at;
    private bool _hasOptions;

    internal PcapNgBlockBuilder(Span<byte> block, uint type)
    {
        _block = block;
        BinaryPrimitives.WriteUInt32LittleEndian(block, type);
        _at = 8;
    }

    /// <summary>Most bytes that an option with this text takes.</summary>
    internal static int RoomFor(string? text) => text is null ? 0 : 8 + Math.Min(text.Length * 3, LongestOption + 1);

    /// <summary>Bytes that an option with this hash takes.</summary>
    /// <exception cref="ArgumentException">It is longer than an option can be.</exception>
    internal static int RoomFor(PcapNgHash? value) => value is not { } hash ? 0
        : hash.Value.Length < LongestOption ? 8 + hash.Value.Length
        : throw new ArgumentException($"A hash has at most {LongestOption - 1} bytes in pcapng, not {hash.Value.Length}.", nameof(value));

    internal void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_block[_at..], value);
        _at += 2;
    }

    internal void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_block[_at..], value);
        _at += 4;
    }

    internal void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_block[_at..], value);
        _at += 8;
    }

    /// <summary>An instant or counter in two halves, the high one first.</summary>
    internal void SplitUInt64(ulong value)
    {
        UInt32((uint)(value >> 32));
        UInt32((uint)value);
    }

    internal void Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(_block[_at..]);
        _at += value.Length;
        Pad();
    }

    /// <summary>A text option; cut to what an option holds, at a character.</summary>
    internal void TextOption(ushort code, string? text)
    {
        if (text is null)
        {
            return;
        }

        Span<byte> room = _block.Slice(_at + 4, Math.Min(_block.Length - _at - 4, LongestOption));
        Utf8.FromUtf16(text, room, out _, out int length);
        OptionHeader(code, length);
        _at += length;
        Pad();
    }

    internal void ByteOption(ushort code, byte value)
    {
        OptionHeader(code, 1);
        _block[_at++] = value;
        Pad();
    }

    internal void UInt32Option(ushort code, uint? value)
    {
        if (value is { } number)
        {
            OptionHeader(code, 4);
            UInt32(number);
        }
    }

    internal void UInt64Option(ushort code, ulong? value)
    {
        if (value is { } number)
        {
            OptionHeader(code, 8);
            UInt64(number);
        }
    }

    internal void SplitUInt64Option(ushort code, ulong? value)
    {
        if (value is { } number)
        {
            OptionHeader(code, 8);
            SplitUInt64(number);
        }
    }

    /// <summary>An option as it is; gives its value for changes in place.</summary>
    internal Span<byte> RawOption(ushort code, ReadOnlySpan<byte> value)
    {
        OptionHeader(code, value.Length);
        Span<byte> copy = _block.Slice(_at, value.Length);
        Bytes(value);
        return copy;
    }

    /// <summary>What was written so far were records; what follows are options, if any.</summary>
    internal void BeginOptions() => _hasOptions = false;

    internal void VerdictOption(PcapNgVerdict? value)
    {
        if (value is { } verdict)
        {
            OptionHeader(PcapNgCodes.PacketVerdict, 9);
            _block[_at++] = (byte)verdict.Source;
            UInt64(verdict.Value);
            Pad();
        }
    }

    internal void HashOption(PcapNgHash? value)
    {
        if (value is { } hash)
        {
            OptionHeader(PcapNgCodes.PacketHash, 1 + hash.Value.Length);
            _block[_at++] = (byte)hash.Algorithm;
            Bytes(hash.Value.Span);
        }
    }

    /// <summary>Ends the options, writes both lengths, and gives the block's length.</summary>
    internal int Finish()
    {
        if (_hasOptions)
        {
            UInt32(PcapNgCodes.EndOfOptions);
        }

        int length = _at + 4;
        UInt32((uint)length);
        BinaryPrimitives.WriteUInt32LittleEndian(_block[4..], (uint)length);
        return length;
    }

    private void OptionHeader(ushort code, int length)
    {
        _hasOptions = true;
        UInt16(code);
        UInt16((ushort)length);
    }

    private void Pad()
    {
        while (_at % 4 != 0)
        {
            _block[_at++] = 0;
        }
    }
}
