namespace Interceptor.Capture.Files;

/// <summary>
/// Reads a stream in large blocks and shows any stretch of it as one contiguous span. It grows for a long record only as the bytes really
/// arrive, so that a lying length costs nothing.
/// <para>A span stays valid until the next call of <see cref="TryEnsure"/> or <see cref="TrySkip"/>; <see cref="Advance"/> keeps it.</para>
/// </summary>
internal sealed class ReadAheadBuffer : IDisposable
{
    // What is read is looked at while it is in the processor's own cache still.
    private const int LargestInitialLength = 256 * 1024;
    private const int SmallestInitialLength = 16 * 1024;

    private readonly Stream _stream;
    private byte[] _buffer;
    private int _start;
    private int _end;
    private bool _ended;

    /// <param name="stream">What is read; owned.</param>
    /// <param name="length">Its length, where that is known.</param>
    internal ReadAheadBuffer(Stream stream, long? length = null)
    {
        _stream = stream;
        _buffer = GC.AllocateUninitializedArray<byte>(InitialLength(stream, length));
    }

    /// <summary>Offset in the stream of the first byte not yet consumed.</summary>
    internal long Offset { get; private set; }

    /// <summary>Bytes that can be looked at now.</summary>
    internal int Available => _end - _start;

    /// <summary>Called before the stream is asked for more, which may wait; null for nothing.</summary>
    internal Action? BeforeRead { get; set; }

    /// <summary>True if <see cref="BeforeRead"/> threw: what flies is the caller's and no fault of the stream.</summary>
    internal bool BeforeReadFailed { get; private set; }

    /// <summary>Makes <paramref name="count"/> bytes available; false if the stream ends before.</summary>
    internal bool TryEnsure(int count) => _end - _start >= count || Fill(count);

    /// <summary>The next <paramref name="count"/> bytes, which are available.</summary>
    internal ReadOnlySpan<byte> Peek(int count) => _buffer.AsSpan(_start, count);

    /// <summary>Bytes consumed since the last <see cref="TryEnsure"/>: the stretch that began <paramref name="distance"/> bytes ago.</summary>
    internal ReadOnlySpan<byte> PeekBehind(int distance, int count) => _buffer.AsSpan(_start - distance, count);

    /// <summary>Consumes bytes that are available.</summary>
    internal void Advance(int count)
    {
        _start += count;
        Offset += count;
    }

    /// <summary>Consumes bytes without holding them; false if the stream ends before.</summary>
    internal bool TrySkip(long count)
    {
        while (count > 0)
        {
            if (Available == 0 && !Fill(1))
            {
                return false;
            }

            int step = (int)Math.Min(count, Available);
            Advance(step);
            count -= step;
        }

        return true;
    }

    /// <summary>What is read and not consumed, for whoever goes on with the stream in another way.</summary>
    internal byte[] TakeAvailable()
    {
        byte[] taken = _buffer.AsSpan(_start, Available).ToArray();
        Advance(Available);
        return taken;
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>Small for a small file: whoever reads thousands of them does not pay for a megabyte each.</summary>
    private static int InitialLength(Stream stream, long? length) =>
        (int)Math.Clamp(length ?? (stream.CanSeek ? stream.Length - stream.Position : LargestInitialLength), SmallestInitialLength, LargestInitialLength);

    private bool Fill(int count)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, Available).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        while (_end < count && !_ended)
        {
            if (_end == _buffer.Length)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            if (BeforeRead is { } beforeRead)
            {
                BeforeReadFailed = true;
                beforeRead();
                BeforeReadFailed = false;
            }

            int read = _stream.Read(_buffer, _end, _buffer.Length - _end);
            _end += read;
            _ended = read == 0;
        }

        return _end >= count;
    }
}
