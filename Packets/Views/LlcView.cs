using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>An 802.2 header with SNAP where it is there, read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct LlcView
{
    private readonly ReadOnlySpan<byte> _header;

    private LlcView(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header: 3 bytes, 4 where the control field has two, 8 with SNAP.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Destination service access point, group bit included.</summary>
    public byte DestinationSap => _header[0];

    /// <summary>Source service access point, command/response bit included.</summary>
    public byte SourceSap => _header[1];

    /// <summary>The control field, one byte in unnumbered frames, else two (low byte first, as IEEE 802.2 sends it).</summary>
    public int Control => IsUnnumbered ? _header[2] : BinaryPrimitives.ReadUInt16LittleEndian(_header[2..]);

    /// <summary>True for unnumbered frames.</summary>
    public bool IsUnnumbered => (_header[2] & 3) == 3;

    /// <summary>True if a SNAP header follows, so that <see cref="Organization"/> and <see cref="ProtocolId"/> mean something.</summary>
    public bool IsSnap => _header.Length == 8;

    /// <summary>The 24-bit organisation of a SNAP header; 0 is plain encapsulation of an Ethernet type (RFC 1042).</summary>
    public int Organization => IsSnap ? (_header[3] << 16) | (_header[4] << 8) | _header[5] : 0;

    /// <summary>The protocol of a SNAP header; 0 without one.</summary>
    public ushort ProtocolId => IsSnap ? BinaryPrimitives.ReadUInt16BigEndian(_header[6..]) : (ushort)0;

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out LlcView view)
    {
        view = default;
        if (data.Length < 3)
        {
            return false;
        }

        bool isUnnumbered = (data[2] & 3) == 3;
        bool isSnap = isUnnumbered && data[0] == 0xAA && data[1] == 0xAA;
        int length = isSnap ? 8 : isUnnumbered ? 3 : 4;
        if (data.Length < length)
        {
            return false;
        }

        view = new LlcView(data[..length]);
        return true;
    }
}
