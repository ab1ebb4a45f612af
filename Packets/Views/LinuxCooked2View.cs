using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The pseudo header of Linux cooked captures, version 2 (LINKTYPE_LINUX_SLL2), read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct LinuxCooked2View
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 20;

    private readonly ReadOnlySpan<byte> _header;

    private LinuxCooked2View(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Ethernet type, or a Linux ETH_P_ number below 0x600.</summary>
    public ushort Protocol => BinaryPrimitives.ReadUInt16BigEndian(_header);

    /// <summary>Index of the interface on the capturing machine.</summary>
    public uint InterfaceIndex => BinaryPrimitives.ReadUInt32BigEndian(_header[4..]);

    /// <summary>ARPHRD_ number of the device.</summary>
    public ushort HardwareType => BinaryPrimitives.ReadUInt16BigEndian(_header[8..]);

    /// <summary>Direction: 0 to us, 1 broadcast, 2 multicast, 3 to somebody else, 4 from us.</summary>
    public byte PacketType => _header[10];

    /// <summary>Bytes of the link address as the header says; may exceed the 8 there is room for.</summary>
    public byte AddressLength => _header[11];

    /// <summary>The sender's link address, at most 8 bytes of it.</summary>
    public ReadOnlySpan<byte> Address => _header.Slice(12, Math.Min((int)AddressLength, 8));

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out LinuxCooked2View view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new LinuxCooked2View(data[..Length]) : default;
        return isWhole;
    }
}
