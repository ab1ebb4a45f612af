using System.Runtime.InteropServices;
using Interceptor.Packets;

namespace Interceptor.Tcp.Rebuild;

/// <summary>
/// Bytes of one direction by their place in its stream, each place once: of two copies the first counts. What comes in order is cheap to add and to drop.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class PlacedBytes
{
    private readonly List<Piece> _pieces = [];
    private int _first;

    /// <summary>Bytes kept.</summary>
    internal long Count { get; private set; }

    private ReadOnlySpan<Piece> Pieces => CollectionsMarshal.AsSpan(_pieces)[_first..];

    /// <summary>Keeps what is new of <paramref name="bytes"/>, whose first one has this place.</summary>
    internal void Add(long place, ReadOnlySpan<byte> bytes, CaptureTimestamp at)
    {
        long end = place + bytes.Length;
        int index = FirstBehind(place);
        for (long from = place; from < end;)
        {
            bool isLast = index == _pieces.Count;
            long to = isLast ? end : Math.Min(end, _pieces[index].Place);
            if (to > from)
            {
                _pieces.Insert(index++, new Piece(from, bytes[(int)(from - place)..(int)(to - place)].ToArray(), at));
                Count += to - from;
            }

            from = isLast ? end : Math.Max(from, _pieces[index++].End);
        }
    }

    /// <summary>Forgets what is before this place.</summary>
    internal void DropBefore(long place)
    {
        while (_first < _pieces.Count && _pieces[_first].Place < place)
        {
            Piece piece = _pieces[_first];
            if (piece.End > place)
            {
                _pieces[_first] = piece with { Place = place, Bytes = piece.Bytes[(int)(place - piece.Place)..] };
                Count -= place - piece.Place;
                break;
            }

            Count -= piece.Bytes.Length;
            _pieces[_first++] = default;
        }

        if (_first > _pieces.Count / 2)
        {
            _pieces.RemoveRange(0, _first);
            _first = 0;
        }
    }

    /// <summary>Copies the bytes from <paramref name="start"/> to before <paramref name="end"/>. False, with the first range that is not there, where some are missing.</summary>
    internal bool TryCopy(long start, long end, out byte[] bytes, out (long Start, long End) missing)
    {
        bytes = new byte[end - start];
        missing = (start, end);
        foreach (Piece piece in Pieces)
        {
            if (piece.End <= missing.Start)
            {
                continue;
            }

            if (piece.Place > missing.Start || missing.Start == end)
            {
                missing.End = Math.Min(piece.Place, end);
                break;
            }

            int skip = (int)(missing.Start - piece.Place);
            int count = (int)Math.Min(piece.Bytes.Length - skip, end - missing.Start);
            piece.Bytes.Span.Slice(skip, count).CopyTo(bytes.AsSpan((int)(missing.Start - start)));
            missing.Start += count;
        }

        return missing.Start == end;
    }

    /// <summary>What is kept from this place on, in order.</summary>
    internal IReadOnlyList<Piece> From(long place)
    {
        DropBefore(place);
        return [.. Pieces];
    }

    // Mostly behind everything: then no search is needed.
    private int FirstBehind(long place)
    {
        int low = _first;
        int high = _pieces.Count;
        if (high > low && _pieces[high - 1].End <= place)
        {
            return high;
        }

        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _pieces[middle].End <= place ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    /// <summary>Bytes that came together.</summary>
    internal readonly record struct Piece(long Place, ReadOnlyMemory<byte> Bytes, CaptureTimestamp At)
    {
        internal long End => Place + Bytes.Length;
    }
}
