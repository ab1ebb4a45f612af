using System.Runtime.InteropServices;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// What one side sent, each byte once and in order: where each byte came from, and the bytes themselves in a <see cref="StreamStore"/>. 40 bytes of memory for each
/// packet that carried some. Complete and constant once the capture is read.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class ScriptStream(StreamStore store) : IExpectedBytes
{
    private readonly List<ScriptPiece> _pieces = [];

    /// <inheritdoc/>
    public long Length { get; private set; }

    /// <summary>Bytes that the capture does not hold.</summary>
    internal long MissingBytes { get; private set; }

    /// <summary>The side's FIN; null where the capture shows none.</summary>
    internal ScriptMark? Fin { get; set; }

    /// <summary>The side's RST that ended the connection; null for none.</summary>
    internal ScriptMark? Reset { get; set; }

    /// <summary>How far its receiver gets: the bytes, and one for the FIN.</summary>
    internal long End => Length + (Fin is null ? 0 : 1);

    /// <summary>By packet, in order of the stream.</summary>
    internal ReadOnlySpan<ScriptPiece> Pieces => CollectionsMarshal.AsSpan(_pieces);

    /// <summary>For whoever completes what it added.</summary>
    internal Span<ScriptPiece> ChangeablePieces => CollectionsMarshal.AsSpan(_pieces);

    /// <summary>The next bytes of the stream.</summary>
    internal void Append(ReadOnlySpan<byte> data, in ScriptPiece origin)
    {
        _pieces.Add(origin with { Offset = Length, StoreOffset = store.Append(data) });
        Length += data.Length;
    }

    /// <summary>The next bytes of the stream are not in the capture.</summary>
    internal void AppendMissing(long length, in ScriptPiece origin)
    {
        _pieces.Add(origin with { Offset = Length, StoreOffset = -1 });
        Length += length;
        MissingBytes += length;
    }

    /// <summary>Tells the pieces from one on where they came from; one that came by several packets is cut.</summary>
    /// <param name="first">The first piece.</param>
    /// <param name="origin">Gives what carried the byte at an offset, and the offset up to which it did.</param>
    internal void Originate(int first, Func<long, (ScriptMark Origin, long End)> origin)
    {
        ScriptPiece[] pieces = Pieces[first..].ToArray();
        _pieces.RemoveRange(first, pieces.Length);
        for (int index = 0; index < pieces.Length; index++)
        {
            ScriptPiece piece = pieces[index];
            long end = index + 1 < pieces.Length ? pieces[index + 1].Offset : Length;
            for (long start = piece.Offset; start < end;)
            {
                (ScriptMark mark, long until) = origin(start);
                ScriptPiece part = piece with { Packet = mark.Packet, At = mark.At, PeerOffset = mark.PeerOffset };
                AddPart(_pieces, in part, start, piece.IsMissing ? end : Math.Min(end, until), !piece.IsMissing);
                start = piece.IsMissing ? end : until;
            }
        }
    }

    /// <summary>The bytes from one offset to another are no longer known; their number is.</summary>
    internal void Forget(long from, long to)
    {
        var pieces = new List<ScriptPiece>(_pieces.Count + 2);
        for (int index = 0; index < _pieces.Count; index++)
        {
            ScriptPiece piece = _pieces[index];
            long end = EndOf(index);
            long first = Math.Clamp(from, piece.Offset, end);
            long last = Math.Clamp(to, first, end);
            AddPart(pieces, in piece, piece.Offset, first, isKnown: true);
            AddPart(pieces, in piece, first, last, isKnown: false);
            AddPart(pieces, in piece, last, end, isKnown: true);
        }

        _pieces.Clear();
        _pieces.AddRange(pieces);
    }

    private static void AddPart(List<ScriptPiece> pieces, in ScriptPiece whole, long start, long end, bool isKnown)
    {
        if (end > start)
        {
            pieces.Add(whole with { Offset = start, StoreOffset = isKnown && !whole.IsMissing ? whole.StoreOffset + (start - whole.Offset) : -1 });
        }
    }

    /// <summary>Where a piece ends.</summary>
    internal long EndOf(int piece) => piece + 1 < _pieces.Count ? _pieces[piece + 1].Offset : Length;

    /// <inheritdoc/>
    public long? PacketAt(long offset) => _pieces.Count == 0 ? null : _pieces[IndexOf(Math.Min(offset, Length - 1))].Packet;

    /// <inheritdoc/>
    public int Read(long offset, Span<byte> destination, out bool isKnown)
    {
        isKnown = true;
        if (offset >= Length || destination.IsEmpty)
        {
            return 0;
        }

        int index = IndexOf(offset);
        ScriptPiece piece = _pieces[index];
        long end = EndOf(index);
        if (piece.IsMissing)
        {
            isKnown = false;
            return (int)Math.Min(destination.Length, end - offset);
        }

        // Pieces that lie behind one another in the file too are read at once.
        while (end - offset < destination.Length && index + 1 < _pieces.Count && _pieces[index + 1].StoreOffset == piece.StoreOffset + (end - piece.Offset))
        {
            end = EndOf(++index);
        }

        int length = (int)Math.Min(destination.Length, end - offset);
        store.Read(piece.StoreOffset + (offset - piece.Offset), destination[..length]);
        return length;
    }

    /// <summary>Which piece holds a byte.</summary>
    internal int IndexOf(long offset)
    {
        int low = 0;
        int high = _pieces.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_pieces[middle].Offset <= offset)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }
}
