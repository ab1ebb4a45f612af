using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Cli.Output;

/// <summary>Where a packed report lies in a buffer; ordered by connection.</summary>
internal readonly record struct PackedPlace(int Id, int Offset, int Length) : IComparable<PackedPlace>
{
    public int CompareTo(PackedPlace other) => Id.CompareTo(other.Id);
}

/// <summary>Packed reports in the order of their ids, one after the other.</summary>
internal abstract class ConnectionRun
{
    /// <summary>Id of the present one.</summary>
    internal int Id { get; private protected set; }

    /// <summary>The present one; valid until the next call of <see cref="MoveNext"/>.</summary>
    internal abstract ReadOnlySpan<byte> Packed { get; }

    /// <summary>False behind the last.</summary>
    internal abstract bool MoveNext();
}

/// <summary>Those that never left the memory.</summary>
internal sealed class MemoryRun(byte[] buffer, List<PackedPlace> places) : ConnectionRun
{
    private int _next;

    internal override ReadOnlySpan<byte> Packed => buffer.AsSpan(places[_next - 1].Offset, places[_next - 1].Length);

    internal override bool MoveNext()
    {
        if (_next == places.Count)
        {
            return false;
        }

        Id = places[_next++].Id;
        return true;
    }
}

/// <summary>A stretch of a <see cref="SpillFile"/>.</summary>
internal sealed class FileRun(SafeFileHandle file, long start, long end, int bufferLength) : ConnectionRun
{
    /// <summary>Before each report: its id and its length.</summary>
    internal const int HeaderLength = 8;

    private readonly byte[] _buffer = new byte[bufferLength];
    private long _offset = start;
    private int _first;
    private int _available;
    private int _length;

    internal override ReadOnlySpan<byte> Packed => _buffer.AsSpan(_first - _length, _length);

    internal override bool MoveNext()
    {
        if (!TryEnsure(HeaderLength))
        {
            return false;
        }

        Id = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(_first));
        _length = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(_first + 4));
        if (!TryEnsure(HeaderLength + _length))
        {
            throw new IOException("the temporary file with the finished connections is shorter than it was written.");
        }

        _first += HeaderLength + _length;
        _available -= HeaderLength + _length;
        return true;
    }

    private bool TryEnsure(int count)
    {
        if (_available >= count)
        {
            return true;
        }

        _buffer.AsSpan(_first, _available).CopyTo(_buffer);
        _first = 0;
        while (_available < count)
        {
            int room = (int)Math.Min(_buffer.Length - _available, end - _offset);
            int read = room == 0 ? 0 : RandomAccess.Read(file, _buffer.AsSpan(_available, room), _offset);
            if (read == 0)
            {
                return false;
            }

            _offset += read;
            _available += read;
        }

        return true;
    }
}
