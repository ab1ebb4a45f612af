using System.Globalization;
using System.Numerics;

namespace Interceptor.Packets;

/// <summary>A growing buffer of characters, reused from packet to packet so that formatting allocates nothing once it is warm.</summary>
internal sealed class TextLine
{
    private char[] _buffer = new char[512];
    private int _length;

    internal ReadOnlySpan<char> Written => _buffer.AsSpan(0, _length);

    internal void Clear() => _length = 0;

    internal TextLine Add(char value)
    {
        Reserve(1)[0] = value;
        _length++;
        return this;
    }

    internal TextLine Add(ReadOnlySpan<char> text)
    {
        text.CopyTo(Reserve(text.Length));
        _length += text.Length;
        return this;
    }

    internal TextLine Add<T>(T number)
        where T : IBinaryInteger<T>
    {
        number.TryFormat(Reserve(24), out int written, default, CultureInfo.InvariantCulture);
        _length += written;
        return this;
    }

    /// <summary>Lower-case hexadecimal without a prefix, at least <paramref name="digits"/> wide.</summary>
    internal TextLine Hex(uint value, int digits = 1)
    {
        int width = Math.Max(digits, (BitOperations.Log2(value | 1) / 4) + 1);
        Span<char> room = Reserve(width);
        for (int i = width - 1; i >= 0; i--, value >>= 4)
        {
            room[i] = HexDigit(value & 0xF);
        }

        _length += width;
        return this;
    }

    /// <summary>All bytes, two digits each, with <paramref name="separator"/> between them unless it is zero.</summary>
    internal TextLine Hex(ReadOnlySpan<byte> bytes, char separator = '\0')
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            if (separator != '\0' && i > 0)
            {
                Add(separator);
            }

            Hex(bytes[i], 2);
        }

        return this;
    }

    internal TextLine Add(in IpAddress address)
    {
        address.TryFormat(Reserve(IpAddress.MaximumTextLength), out int written);
        _length += written;
        return this;
    }

    internal TextLine Add(MacAddress address)
    {
        Span<byte> bytes = stackalloc byte[MacAddress.Length];
        address.CopyTo(bytes);
        return Hex(bytes, ':');
    }

    private static char HexDigit(uint value) => (char)(value < 10 ? '0' + value : 'a' + value - 10);

    private Span<char> Reserve(int length)
    {
        if (_buffer.Length - _length < length)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + length));
        }

        return _buffer.AsSpan(_length);
    }
}
