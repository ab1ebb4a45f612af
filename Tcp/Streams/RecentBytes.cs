namespace Interceptor.Tcp.Streams;

/// <summary>
/// The last bytes of a stream that were put in order, so that a copy which comes later can be compared with them. Grows with the stream up to
/// <see cref="MaximumBytes"/>, as long as <see cref="RecentBytesBudget"/> lets it.
/// </summary>
internal sealed class RecentBytes(RecentBytesBudget budget)
{
    /// <summary>Bytes kept of one direction at most.</summary>
    internal const int MaximumBytes = 64 * 1024;

    private const int InitialBytes = 2 * 1024;

    // A ring: the byte at an offset lies at that offset modulo the length, a power of two.
    private byte[] _ring = [];
    private long _start;
    private long _end;

    /// <summary>Bytes it takes beyond the bare object.</summary>
    internal long MemoryBytes => _ring.Length;

    /// <summary>Takes the next bytes; those before them are forgotten if there is a gap.</summary>
    internal void Append(long start, ReadOnlySpan<byte> bytes)
    {
        if (start != _end)
        {
            _start = start;
            _end = start;
        }

        Grow(bytes.Length);
        if (_ring.Length == 0)
        {
            return;
        }

        ReadOnlySpan<byte> kept = bytes[Math.Max(0, bytes.Length - _ring.Length)..];
        _end += bytes.Length;
        int place = PlaceOf(_end - kept.Length);
        int first = Math.Min(kept.Length, _ring.Length - place);
        kept[..first].CopyTo(_ring.AsSpan(place));
        kept[first..].CopyTo(_ring);
        _start = Math.Max(_start, _end - _ring.Length);
    }

    /// <inheritdoc cref="HeldPieces.Compare"/>
    internal (long Compared, long Differing) Compare(long start, ReadOnlySpan<byte> captured)
    {
        long from = Math.Max(start, _start);
        long end = Math.Min(start + captured.Length, _end);
        if (from >= end)
        {
            return default;
        }

        ReadOnlySpan<byte> other = captured[(int)(from - start)..(int)(end - start)];
        int place = PlaceOf(from);
        int first = Math.Min(other.Length, _ring.Length - place);
        long differing = ByteComparison.CountDifferent(_ring.AsSpan(place, first), other[..first])
            + ByteComparison.CountDifferent(_ring.AsSpan(0, other.Length - first), other[first..]);
        return (end - from, differing);
    }

    /// <summary>Gives the memory back.</summary>
    internal void Release()
    {
        budget.GiveBack(_ring.Length);
        _ring = [];
        _start = _end;
    }

    private int PlaceOf(long offset) => (int)(offset & (_ring.Length - 1));

    private void Grow(int added)
    {
        long wanted = Math.Min(MaximumBytes, _end - _start + added);
        int length = Math.Max(_ring.Length, InitialBytes);
        while (length < wanted)
        {
            length *= 2;
        }

        if (length == _ring.Length || !budget.TryTake(length - _ring.Length))
        {
            return;
        }

        byte[] larger = new byte[length];
        for (long offset = _start; offset < _end; offset++)
        {
            larger[offset & (length - 1)] = _ring[PlaceOf(offset)];
        }

        _ring = larger;
    }
}
