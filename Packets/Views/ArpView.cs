using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>An ARP packet (RFC 826) of any address lengths, read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct ArpView
{
    /// <summary>Bytes in front of the four addresses.</summary>
    public const int FixedLength = 8;

    private readonly ReadOnlySpan<byte> _packet;

    private ArpView(ReadOnlySpan<byte> packet) => _packet = packet;

    /// <summary>The packet with its addresses.</summary>
    public ReadOnlySpan<byte> Header => _packet;

    /// <summary>ARP hardware type; 1 is Ethernet.</summary>
    public ushort HardwareType => BinaryPrimitives.ReadUInt16BigEndian(_packet);

    /// <summary>Ethernet type of the protocol addresses.</summary>
    public ushort ProtocolType => BinaryPrimitives.ReadUInt16BigEndian(_packet[2..]);

    /// <summary>Bytes of a hardware address.</summary>
    public int HardwareLength => _packet[4];

    /// <summary>Bytes of a protocol address.</summary>
    public int ProtocolLength => _packet[5];

    /// <summary>1 request, 2 reply, and the others of the IANA registry.</summary>
    public ushort Operation => BinaryPrimitives.ReadUInt16BigEndian(_packet[6..]);

    /// <summary>The sender's hardware address.</summary>
    public ReadOnlySpan<byte> SenderHardware => _packet.Slice(FixedLength, HardwareLength);

    /// <summary>The sender's protocol address.</summary>
    public ReadOnlySpan<byte> SenderProtocol => _packet.Slice(FixedLength + HardwareLength, ProtocolLength);

    /// <summary>The target's hardware address.</summary>
    public ReadOnlySpan<byte> TargetHardware => _packet.Slice(FixedLength + HardwareLength + ProtocolLength, HardwareLength);

    /// <summary>The target's protocol address.</summary>
    public ReadOnlySpan<byte> TargetProtocol => _packet.Slice(FixedLength + (2 * HardwareLength) + ProtocolLength, ProtocolLength);

    /// <summary>True for IPv4 over a medium with 6-byte addresses: the usual form.</summary>
    public bool IsIpv4OverEthernet => ProtocolType == 0x0800 && HardwareLength == MacAddress.Length && ProtocolLength == 4;

    /// <summary>Takes the packet at the start of <paramref name="data"/>; false if not all four addresses are there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out ArpView view)
    {
        view = default;
        if (data.Length < FixedLength)
        {
            return false;
        }

        int length = FixedLength + (2 * (data[4] + data[5]));
        if (data.Length < length)
        {
            return false;
        }

        view = new ArpView(data[..length]);
        return true;
    }
}
