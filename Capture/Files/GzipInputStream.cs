namespace Interceptor.Capture.Files;

/// <summary>
/// Hands a gzip file to the decompressor of .NET in small pieces. Where that finds damage, it throws away all that it made of the piece at hand: the smaller the
/// piece, the more is delivered before. The checksum at the end of a file of known length is a piece of its own, so that a wrong one costs nothing.
/// <para>
/// Of what follows the last member the decompressor says nothing: it takes the rest of the piece for its own and asks for no further one. Each buffer's last
/// byte is therefore a piece of its own: where nothing follows, the decompressor asks once more and learns that the file is at its end.
/// </para>
/// Read-only, forward-only.
/// </summary>
/// <param name="packed">The file; owned.</param>
/// <param name="length">Its length, where that is known.</param>
internal sealed class GzipInputStream(Stream packed, long? length) : ForwardReadStream(packed)
{
    private const int BufferLength = 64 * 1024;
    private const int PieceLength = 512;

    /// <summary>CRC-32 and length (RFC 1952, 2.3.1).</summary>
    private const int TrailerLength = 8;

    private readonly long _trailer = length is { } known ? known - TrailerLength : long.MaxValue;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferLength);
    private long _given;
    private int _start;
    private int _end;

    /// <summary>True once the decompressor was told that there is no more: it knew what to make of all that it was given.</summary>
    internal bool WasTakenWhole { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        if (_start == _end && !buffer.IsEmpty)
        {
            Fill();
            WasTakenWhole = _end == 0;
        }

        int available = _end - _start;
        int count = Math.Min(Math.Min(buffer.Length, PieceLength), available > 1 ? available - 1 : available);
        count = _given < _trailer ? (int)Math.Min(count, _trailer - _given) : count;
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        _given += count;
        return count;
    }

    /// <summary>Reads what the decompressor left: true where it is all zeros, as is the byte before.</summary>
    internal bool EndsInZeros()
    {
        bool zeros = _start == 0 || _buffer[_start - 1] == 0;
        while (zeros && _end > 0)
        {
            zeros = !_buffer.AsSpan(_start, _end - _start).ContainsAnyExcept((byte)0);
            if (zeros)
            {
                Fill();
            }
        }

        return zeros;
    }

    private void Fill()
    {
        _start = 0;
        _end = Inner.Read(_buffer);
    }
}
