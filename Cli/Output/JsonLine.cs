using System.Globalization;

namespace Interceptor.Cli.Output;

/// <summary>
/// Writes one JSON object after the other into a buffer that is used again: for the commands that write a million of them, several times as fast as the
/// library's writer. Keys and texts are those of the caller's making: nothing is escaped.
/// </summary>
internal sealed class JsonLine
{
    // Longer than any number with the comma and the colon beside it.
    private const int NumberLength = 32;

    private const long NanosecondsPerMillisecond = 1_000_000;

    private byte[] _buffer = new byte[4096];
    private int _length;
    private bool _follows;

    /// <summary>What was written since <see cref="Begin"/>; valid until the next call.</summary>
    internal ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Begins an object whose first key is <c>type</c>.</summary>
    internal void Begin(ReadOnlySpan<byte> type)
    {
        _length = 0;
        _follows = false;
        Append("{"u8);
        WriteString("type"u8, type);
    }

    /// <summary>Ends the object and the line.</summary>
    internal void End() => Append("}\n"u8);

    internal void BeginObject(ReadOnlySpan<byte> key)
    {
        Key(key, 1);
        Append("{"u8);
        _follows = false;
    }

    internal void EndObject()
    {
        Append("}"u8);
        _follows = true;
    }

    internal void WriteNumber(ReadOnlySpan<byte> key, long value)
    {
        Key(key, NumberLength);
        AppendNumber(value);
    }

    internal void WriteNumberOrNull(ReadOnlySpan<byte> key, long? value)
    {
        Key(key, NumberLength);
        if (value is { } number)
        {
            AppendNumber(number);
        }
        else
        {
            Append("null"u8);
        }
    }

    /// <summary>A duration that is not negative, given in ns, as milliseconds: exact, without an exponent.</summary>
    internal void WriteMilliseconds(ReadOnlySpan<byte> key, long nanoseconds)
    {
        Key(key, NumberLength);
        (long whole, long rest) = Math.DivRem(nanoseconds, NanosecondsPerMillisecond);
        AppendNumber(whole);
        if (rest == 0)
        {
            return;
        }

        Append("."u8);
        for (long unit = NanosecondsPerMillisecond / 10; rest > 0; unit /= 10)
        {
            _buffer[_length++] = (byte)('0' + (rest / unit));
            rest %= unit;
        }
    }

    internal void WriteBoolean(ReadOnlySpan<byte> key, bool value)
    {
        Key(key, NumberLength);
        Append(value ? "true"u8 : "false"u8);
    }

    internal void WriteString(ReadOnlySpan<byte> key, ReadOnlySpan<byte> text)
    {
        Key(key, text.Length + 2);
        Append("\""u8);
        Append(text);
        Append("\""u8);
    }

    /// <summary>A text of ASCII characters that need no escape.</summary>
    internal void WriteString(ReadOnlySpan<byte> key, ReadOnlySpan<char> text)
    {
        Key(key, text.Length + 2);
        Append("\""u8);
        foreach (char character in text)
        {
            _buffer[_length++] = (byte)character;
        }

        Append("\""u8);
    }

    // Leaves room for what follows: a value of that many bytes and the end of two objects.
    private void Key(ReadOnlySpan<byte> key, int valueLength)
    {
        int wanted = _length + key.Length + valueLength + 16;
        if (wanted > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(wanted, _buffer.Length * 2));
        }

        if (_follows)
        {
            _buffer[_length++] = (byte)',';
        }

        _buffer[_length++] = (byte)'"';
        Append(key);
        _buffer[_length++] = (byte)'"';
        _buffer[_length++] = (byte)':';
        _follows = true;
    }

    private void AppendNumber(long value)
    {
        if ((ulong)value < 10)
        {
            _buffer[_length++] = (byte)('0' + value);
            return;
        }

        value.TryFormat(_buffer.AsSpan(_length), out int written, default, CultureInfo.InvariantCulture);
        _length += written;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }
}
