namespace Interceptor.Tcp.Streams;

/// <summary>
/// Bytes of a stream that wait behind a gap: one segment, or neighbours that came one after the other and that a kernel joins in its queue
/// (tcp_ooo_try_coalesce). What counts in a comparison of segments is <see cref="Start"/>; what is read is what lies from <see cref="VisibleStart"/> on,
/// because the piece before it reaches that far.
/// </summary>
internal sealed class HeldPiece
{
    /// <summary>Bytes up to which neighbours join: what a kernel's buffer of page fragments takes.</summary>
    internal const int MaximumJoined = 64 * 1024;

    private byte[] _bytes;
    private int _captured;

    internal HeldPiece(long start, long end, ReadOnlySpan<byte> captured)
    {
        Start = start;
        VisibleStart = start;
        End = end;
        _bytes = captured[..(int)Math.Min(end - start, captured.Length)].ToArray();
        _captured = _bytes.Length;
    }

    /// <summary>Offset of the first byte of the segment.</summary>
    internal long Start { get; }

    /// <summary>Offset of the first byte that counts.</summary>
    internal long VisibleStart { get; set; }

    /// <summary>Offset behind the last byte.</summary>
    internal long End { get; private set; }

    /// <summary>The receiver had no reason to take it when it came: any other segment takes its place, until the peer acknowledges it.</summary>
    internal bool IsDoubtful { get; init; }

    /// <summary>Bytes that count.</summary>
    internal long Length => End - VisibleStart;

    /// <summary>Memory for the bytes.</summary>
    internal int Capacity => _bytes.Length;

    /// <summary>The bytes that count, as far as they were captured.</summary>
    internal ReadOnlySpan<byte> Visible => From(VisibleStart);

    /// <summary>The captured bytes from an offset on.</summary>
    internal ReadOnlySpan<byte> From(long offset) => _bytes.AsSpan()[(int)Math.Min(offset - Start, _captured).._captured];

    /// <summary>Takes the bytes that follow, if there is room and nothing is cut off in between.</summary>
    internal bool TryJoin(long end, ReadOnlySpan<byte> captured)
    {
        int length = (int)(end - End);
        if (_captured != End - Start || _captured + length > MaximumJoined)
        {
            return false;
        }

        captured = captured[..Math.Min(length, captured.Length)];
        if (_captured + captured.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_captured + captured.Length, Math.Min(MaximumJoined, 2 * _bytes.Length)));
        }

        captured.CopyTo(_bytes.AsSpan(_captured));
        _captured += captured.Length;
        End = end;
        return true;
    }
}
