using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Packets in a row in one buffer, on their way from the file to the wire, and between them what was read and is not to be sent.
/// <para>Ownership: one thread has a block at a time. Packets taken from it are valid until it is cleared.</para>
/// </summary>
internal sealed class ReplayBlock
{
    /// <summary>Bytes of a block, unless one packet is longer.</summary>
    internal const int UsualCapacity = 512 * 1024;

    private const int MostRecords = 8192;

    private byte[] _bytes = GC.AllocateUninitializedArray<byte>(UsualCapacity);
    private ReplayRecord[] _records = new ReplayRecord[256];
    private int _used;

    /// <summary>Records in it.</summary>
    internal int Count { get; private set; }

    /// <summary>Bytes of packets in it.</summary>
    internal int Length => _used;

    /// <summary>Bytes of memory that it takes.</summary>
    internal long Footprint => _bytes.Length + (_records.Length * (long)ReplayRecord.Size);

    /// <summary>What ended the reading behind the last record; null for nothing.</summary>
    internal Exception? Failure { get; set; }

    /// <summary>What part of the capture was read when this was handed over, 0 to 1; null where that is not known.</summary>
    internal double? Fraction { get; set; }

    /// <summary>A record.</summary>
    internal ref readonly ReplayRecord this[int index] => ref _records[index];

    /// <summary>Makes room for a packet; false where another block is needed.</summary>
    internal bool TryReserve(int length)
    {
        if (Count == MostRecords || (length > _bytes.Length - _used && Count > 0))
        {
            return false;
        }

        if (length > _bytes.Length)
        {
            _bytes = GC.AllocateUninitializedArray<byte>(length);
        }

        if (Count == _records.Length)
        {
            Array.Resize(ref _records, Count * 2);
        }

        return true;
    }

    /// <summary>Copies a packet to the end, for which there is room.</summary>
    internal void Add(in CapturedPacket packet, ReplayRecordFlags flags)
    {
        packet.Data.CopyTo(_bytes.AsSpan(_used));
        _records[Count++] = new ReplayRecord(packet.Metadata, ReplayRecordKind.Packet, flags, _used, packet.Data.Length);
        _used += packet.Data.Length;
    }

    /// <summary>Tells of a packet that is not to be sent; there is room.</summary>
    internal void AddSkipped(ReplayRecordKind kind, in PacketMetadata metadata, ReplayRecordFlags flags)
    {
        if (Count > 0 && flags == ReplayRecordFlags.None && _records[Count - 1] is var last && last.Kind == kind && last.Metadata.LinkType == metadata.LinkType)
        {
            // One record for a row of them; the length counts them.
            _records[Count - 1] = last with { Length = last.Length + 1 };
            return;
        }

        _records[Count++] = new ReplayRecord(metadata, kind, flags, _used, 1);
    }

    /// <summary>The packet of a record.</summary>
    internal CapturedPacket PacketOf(in ReplayRecord record) => new(_bytes.AsSpan(record.Offset, record.Length), record.Metadata);

    /// <summary>Empty again.</summary>
    internal void Clear()
    {
        _used = 0;
        Count = 0;
        Failure = null;
        Fraction = null;
    }
}
