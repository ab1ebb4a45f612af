namespace Interceptor.Capture.Files;

/// <summary>
/// Hands a gzip file to the decompressor of .NET in small pieces. Where that finds damage, it throws away all that it made of the piece at hand: the smaller the
/// piece, the more is delivered before. The checksum at the end of a file of known length is a piece of its own, so that a wrong one costs nothing.
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

    public override int Read(Span<byte> buffer)
    {
        if (_start == _end)
        {
            _start = 0;
            _end = Inner.Read(_buffer);
        }

        int count = Math.Min(Math.Min(buffer.Length, PieceLength), _end - _start);
        count = _given < _trailer ? (int)Math.Min(count, _trailer - _given) : count;
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        _given += count;
        return count;
    }
}
