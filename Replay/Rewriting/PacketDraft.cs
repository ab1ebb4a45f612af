using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// One packet in a buffer of ours, to be edited there, with room to grow in front and behind. Reused for the next one: allocates only while it grows.
/// <para>Not thread-safe.</para>
/// </summary>
internal sealed class PacketDraft
{
    /// <summary>Room in front, for tags.</summary>
    private const int Headroom = 64;

    private byte[] _buffer = new byte[4096];
    private int _start = Headroom;
    private int _length;

    /// <summary>The bytes.</summary>
    internal Span<byte> Data => _buffer.AsSpan(_start, _length);

    /// <summary>Everything else; its original length follows the edits.</summary>
    internal PacketMetadata Metadata { get; private set; }

    internal int OriginalLength => Metadata.OriginalLength;

    internal LinkType LinkType => Metadata.LinkType;

    internal bool IsTruncated => _length < OriginalLength;

    /// <summary>The packet as it is now, lent until the next change.</summary>
    internal CapturedPacket ToCaptured() => new(Data, Metadata);

    internal void Load(in CapturedPacket packet)
    {
        Metadata = packet.Metadata;
        _start = Headroom;
        _length = 0;
        Grow(packet.Data.Length);
        _length = packet.Data.Length;
        packet.Data.CopyTo(Data);
    }

    /// <summary>Puts bytes in, on the wire too; what is before them moves into the room in front.</summary>
    internal void Insert(int offset, ReadOnlySpan<byte> bytes)
    {
        Data[..offset].CopyTo(_buffer.AsSpan(_start - bytes.Length));
        _start -= bytes.Length;
        _length += bytes.Length;
        bytes.CopyTo(Data[offset..]);
        Metadata = Metadata with { OriginalLength = OriginalLength + bytes.Length };
    }

    /// <summary>Takes bytes out, on the wire too.</summary>
    internal void Remove(int offset, int count)
    {
        Data[..offset].CopyTo(_buffer.AsSpan(_start + count));
        _start += count;
        _length -= count;
        Metadata = Metadata with { OriginalLength = OriginalLength - count };
    }

    /// <summary>Appends zeros until so many bytes are there, of a packet that then is whole.</summary>
    internal void PadTo(int length)
    {
        int from = _length;
        Grow(length);
        _length = length;
        Data[from..].Clear();
        Metadata = Metadata with { OriginalLength = length };
    }

    /// <summary>What is there is all there was.</summary>
    internal void TakeAsWhole() => Metadata = Metadata with { OriginalLength = _length };

    private void Grow(int length)
    {
        if (_start + length > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_start + length, 2 * _buffer.Length));
        }
    }
}
