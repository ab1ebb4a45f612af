using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>A TCP header (RFC 9293) with its options, read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct TcpView
{
    /// <summary>Bytes of the header without options.</summary>
    public const int MinimumLength = 20;

    private readonly ReadOnlySpan<byte> _header;

    private TcpView(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header with its options.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Source port.</summary>
    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_header);

    /// <summary>Destination port.</summary>
    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);

    /// <summary>Sequence number of the first byte, or of the SYN.</summary>
    public SequenceNumber Sequence => new(BinaryPrimitives.ReadUInt32BigEndian(_header[4..]));

    /// <summary>Acknowledgment number; meaningful with <see cref="TcpFlags.Ack"/>.</summary>
    public SequenceNumber Acknowledgment => new(BinaryPrimitives.ReadUInt32BigEndian(_header[8..]));

    /// <summary>Bytes of the header, options included.</summary>
    public int HeaderLength => _header.Length;

    /// <summary>All twelve bits behind the data offset.</summary>
    public TcpFlags Flags => (TcpFlags)(BinaryPrimitives.ReadUInt16BigEndian(_header[12..]) & 0x0FFF);

    /// <summary>The raw 16 bits of the window: not scaled.</summary>
    public ushort WindowField => BinaryPrimitives.ReadUInt16BigEndian(_header[14..]);

    /// <summary>Checksum as it stands.</summary>
    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_header[16..]);

    /// <summary>Urgent pointer, unsigned; meaningful with <see cref="TcpFlags.Urg"/>.</summary>
    public ushort UrgentPointer => BinaryPrimitives.ReadUInt16BigEndian(_header[18..]);

    /// <summary>The options, raw; empty where there are none.</summary>
    public ReadOnlySpan<byte> Options => _header[MinimumLength..];

    /// <summary>Walks the options one by one.</summary>
    public TcpOptionEnumerator EnumerateOptions() => new(Options);

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if the data offset is wrong or it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out TcpView view)
    {
        view = default;
        if (data.Length < MinimumLength)
        {
            return false;
        }

        int length = (data[12] >> 4) * 4;
        if (length < MinimumLength || length > data.Length)
        {
            return false;
        }

        view = new TcpView(data[..length]);
        return true;
    }
}
