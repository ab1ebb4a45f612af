using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>One 802.1Q or 802.1ad tag behind its Ethernet type, read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct VlanView
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 4;

    private readonly ReadOnlySpan<byte> _header;

    private VlanView(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Priority code point, 0 to 7.</summary>
    public int Priority => _header[0] >> 5;

    /// <summary>Drop eligible indicator (formerly the canonical format indicator).</summary>
    public bool DropEligible => (_header[0] & 0x10) != 0;

    /// <summary>VLAN identifier, 0 to 4095.</summary>
    public int VlanId => BinaryPrimitives.ReadUInt16BigEndian(_header) & 0x0FFF;

    /// <summary>The type, or 802.3 length, of what follows the tag.</summary>
    public ushort TypeOrLength => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out VlanView view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new VlanView(data[..Length]) : default;
        return isWhole;
    }
}
