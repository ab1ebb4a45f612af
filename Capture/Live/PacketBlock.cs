using System.Runtime.InteropServices;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Packets in a row in one buffer, on their way from a capture's thread to its reader: what is handed over is a block, not each packet.
/// <para>Ownership: one thread has a block at a time; <see cref="PacketBlockQueue"/> passes it on. Packets taken from it are valid until it is passed back.</para>
/// </summary>
internal sealed class PacketBlock
{
    /// <summary>Bytes of a block: a few of the longest packets, and about what libpcap's ring hands over at once (256 KiB).</summary>
    internal const int Capacity = 4 * LiveCaptureOptions.MaximumSnapLength;

    private const int Alignment = 8;

    /// <summary>Bytes of a <see cref="Record"/>.</summary>
    private const int HeaderLength = 24;

    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(Capacity);
    private int _written;
    private int _read;

    /// <summary>Packets put in.</summary>
    internal int Count { get; private set; }

    /// <summary>True when every packet was taken.</summary>
    internal bool IsRead => _read == _written;

    /// <summary>Copies a packet to the end; false where there is no room.</summary>
    internal bool TryAppend(long nanoseconds, int originalLength, int interfaceId, ReadOnlySpan<byte> data)
    {
        int length = Align(HeaderLength + data.Length);
        if (length > Capacity - _written)
        {
            return false;
        }

        Span<byte> room = _bytes.AsSpan(_written, length);
        MemoryMarshal.Write(room, new Record(nanoseconds, originalLength, data.Length, interfaceId));
        data.CopyTo(room[HeaderLength..]);
        _written += length;
        Count++;
        return true;
    }

    /// <summary>
    /// Moves the packets of a block that nobody has read to the end of this one; false, with nothing moved, where there is no room, or so many that
    /// they are better passed on where they are.
    /// </summary>
    internal bool TryAppend(PacketBlock other)
    {
        if (other._written > Math.Min(Capacity - _written, Capacity / 8))
        {
            return false;
        }

        other._bytes.AsSpan(0, other._written).CopyTo(_bytes.AsSpan(_written));
        _written += other._written;
        Count += other.Count;
        other.Clear();
        return true;
    }

    /// <summary>The next packet; there must be one (<see cref="IsRead"/>).</summary>
    /// <param name="interfaces">The capture's interfaces in order of their ids.</param>
    /// <param name="number">What the packet is to be numbered.</param>
    internal CapturedPacket Take(IReadOnlyList<CaptureInterface> interfaces, long number)
    {
        ReadOnlySpan<byte> rest = _bytes.AsSpan(_read, _written - _read);
        Record record = MemoryMarshal.Read<Record>(rest);
        _read += Align(HeaderLength + record.Length);
        return new CapturedPacket(rest.Slice(HeaderLength, record.Length), new PacketMetadata
        {
            Timestamp = new CaptureTimestamp(record.Nanoseconds),
            HasTimestamp = true,
            OriginalLength = record.OriginalLength,
            LinkType = interfaces[record.InterfaceId].LinkType,
            InterfaceId = record.InterfaceId,
            Number = number,
        });
    }

    /// <summary>Empty again.</summary>
    internal void Clear()
    {
        _written = 0;
        _read = 0;
        Count = 0;
    }

    private static int Align(int length) => (length + Alignment - 1) & -Alignment;

    /// <summary>What stands before a packet's bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Record(long Nanoseconds, int OriginalLength, int Length, int InterfaceId);
}
