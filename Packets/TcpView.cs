using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The control bits of a TCP header (RFC 9293, RFC 3168); the reserved ones are kept too.</summary>
[Flags]
public enum TcpFlags : ushort
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>No more data from sender.</summary>
    Fin = 0x001,

    /// <summary>Synchronize sequence numbers.</summary>
    Syn = 0x002,

    /// <summary>Reset the connection.</summary>
    Rst = 0x004,

    /// <summary>Push function.</summary>
    Psh = 0x008,

    /// <summary>The acknowledgment field is significant.</summary>
    Ack = 0x010,

    /// <summary>The urgent pointer is significant.</summary>
    Urg = 0x020,

    /// <summary>ECN echo.</summary>
    Ece = 0x040,

    /// <summary>Congestion window reduced.</summary>
    Cwr = 0x080,

    /// <summary>Accurate ECN (formerly the nonce sum).</summary>
    Ae = 0x100,

    /// <summary>The three bits that are still reserved.</summary>
    Reserved = 0xE00,
}

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
