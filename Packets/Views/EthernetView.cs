using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>An Ethernet II or 802.3 header, read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct EthernetView
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 14;

    private readonly ReadOnlySpan<byte> _header;

    private EthernetView(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Destination address.</summary>
    public MacAddress Destination => MacAddress.FromBytes(_header);

    /// <summary>Source address.</summary>
    public MacAddress Source => MacAddress.FromBytes(_header[6..]);

    /// <summary>The last two bytes: an Ethernet type, or the length of an 802.3 frame.</summary>
    public ushort TypeOrLength => BinaryPrimitives.ReadUInt16BigEndian(_header[12..]);

    /// <summary>True if <see cref="TypeOrLength"/> is a length and an 802.2 header follows.</summary>
    public bool HasLengthField => TypeOrLength <= MaximumLengthField;

    /// <summary>The largest value that is a length and not a type.</summary>
    public const int MaximumLengthField = 1500;

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out EthernetView view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new EthernetView(data[..Length]) : default;
        return isWhole;
    }
}
