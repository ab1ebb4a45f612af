using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Edits a TCP header with its options in place. A setter changes the bytes of its field and nothing else, the checksum not either:
/// call <see cref="PacketChecksums.FixChecksums(Span{byte}, LinkType)"/> when all edits are done, or carry it along with <see cref="InternetChecksum"/>.
/// </summary>
public readonly ref struct TcpEditor
{
    private readonly Span<byte> _header;

    private TcpEditor(Span<byte> header) => _header = header;

    /// <summary>The header's bytes.</summary>
    public Span<byte> Header => _header;

    /// <summary>Source port.</summary>
    public ushort SourcePort
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header, value);
    }

    /// <summary>Destination port.</summary>
    public ushort DestinationPort
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[2..], value);
    }

    /// <summary>Sequence number.</summary>
    public SequenceNumber Sequence
    {
        get => new(BinaryPrimitives.ReadUInt32BigEndian(_header[4..]));
        set => BinaryPrimitives.WriteUInt32BigEndian(_header[4..], value.Value);
    }

    /// <summary>Acknowledgment number.</summary>
    public SequenceNumber Acknowledgment
    {
        get => new(BinaryPrimitives.ReadUInt32BigEndian(_header[8..]));
        set => BinaryPrimitives.WriteUInt32BigEndian(_header[8..], value.Value);
    }

    /// <summary>All twelve bits behind the data offset.</summary>
    public TcpFlags Flags
    {
        get => (TcpFlags)(BinaryPrimitives.ReadUInt16BigEndian(_header[12..]) & 0x0FFF);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[12..], (ushort)((_header[12] << 8 & 0xF000) | ((ushort)value & 0x0FFF)));
    }

    /// <summary>The raw 16 bits of the window.</summary>
    public ushort WindowField
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[14..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[14..], value);
    }

    /// <summary>Checksum as it stands.</summary>
    public ushort Checksum
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[16..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[16..], value);
    }

    /// <summary>Urgent pointer.</summary>
    public ushort UrgentPointer
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_header[18..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_header[18..], value);
    }

    /// <summary>The bytes behind kind and length of the first option of a kind, to be edited in place; false if it is not there.</summary>
    public bool TryGetOption(TcpOptionKind kind, out Span<byte> data)
    {
        bool isThere = TryFindOption(kind, out Span<byte> option);
        data = isThere ? option[2..] : default;
        return isThere;
    }

    /// <summary>Sets the timestamps option where there is one; false, and nothing changed, where there is none of the right length.</summary>
    public bool TrySetTimestamps(uint value, uint echo)
    {
        if (!TryGetOption(TcpOptionKind.Timestamps, out Span<byte> data) || data.Length != 8)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt32BigEndian(data, value);
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], echo);
        return true;
    }

    /// <summary>Sets the maximum segment size option where there is one; false, and nothing changed, where there is none of the right length.</summary>
    public bool TrySetMaximumSegmentSize(ushort value)
    {
        if (!TryGetOption(TcpOptionKind.MaximumSegmentSize, out Span<byte> data) || data.Length != 2)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt16BigEndian(data, value);
        return true;
    }

    /// <summary>Sets the window scale option where there is one; false, and nothing changed, where there is none of the right length.</summary>
    public bool TrySetWindowScale(byte shift)
    {
        if (!TryGetOption(TcpOptionKind.WindowScale, out Span<byte> data) || data.Length != 1)
        {
            return false;
        }

        data[0] = shift;
        return true;
    }

    /// <summary>Moves both edges of every SACK block by <paramref name="distance"/>, as a rewrite of the sequence numbers needs; returns how many blocks.</summary>
    public int ShiftSackBlocks(int distance)
    {
        if (!TryGetOption(TcpOptionKind.Sack, out Span<byte> data) || data.Length % 8 != 0)
        {
            return 0;
        }

        for (int i = 0; i < data.Length; i += 4)
        {
            SequenceNumber edge = new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(data[i..])) + distance;
            BinaryPrimitives.WriteUInt32BigEndian(data[i..], edge.Value);
        }

        return data.Length / 8;
    }

    /// <summary>Overwrites the options of a kind with no-operations, so that the receiver does not see them; returns how many.</summary>
    public int BlankOptions(TcpOptionKind kind)
    {
        int count = 0;
        while (TryFindOption(kind, out Span<byte> option))
        {
            option.Fill((byte)TcpOptionKind.NoOperation);
            count++;
        }

        return count;
    }

    private bool TryFindOption(TcpOptionKind kind, out Span<byte> option)
    {
        var options = new TcpOptionEnumerator(_header[TcpView.MinimumLength..]);
        while (options.MoveNext())
        {
            if (options.Current.Kind == kind)
            {
                int length = options.Current.Data.Length + 2;
                option = _header.Slice(TcpView.MinimumLength + options.EndOffset - length, length);
                return true;
            }
        }

        option = default;
        return false;
    }

    /// <summary>Takes the header at the start of <paramref name="data"/>; false where <see cref="TcpView.TryParse"/> is.</summary>
    public static bool TryParse(Span<byte> data, out TcpEditor editor)
    {
        bool isHeader = TcpView.TryParse(data, out TcpView view);
        editor = isHeader ? new TcpEditor(data[..view.HeaderLength]) : default;
        return isHeader;
    }
}
