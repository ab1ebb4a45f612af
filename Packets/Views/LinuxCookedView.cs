using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The pseudo header of Linux cooked captures, version 1 (LINKTYPE_LINUX_SLL), read in place. After <see cref="TryParse"/> returned true no accessor throws.</summary>
public readonly ref struct LinuxCookedView
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 16;

    private readonly ReadOnlySpan<byte> _header;

    private LinuxCookedView(ReadOnlySpan<byte> header) => _header = header;

    /// <summary>The header.</summary>
    public ReadOnlySpan<byte> Header => _header;

    /// <summary>Direction: 0 to us, 1 broadcast, 2 multicast, 3 to somebody else, 4 from us.</summary>
    public ushort PacketType => BinaryPrimitives.ReadUInt16BigEndian(_header);

    /// <summary>ARPHRD_ number of the device.</summary>
    public ushort HardwareType => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);

    /// <summary>Bytes of the link address as the header says; may exceed the 8 there is room for.</summary>
    public ushort AddressLength => BinaryPrimitives.ReadUInt16BigEndian(_header[4..]);

    /// <summary>The sender's link address, at most 8 bytes of it.</summary>
    public ReadOnlySpan<byte> Address => _header.Slice(6, Math.Min(AddressLength, (ushort)8));

    /// <summary>Ethernet type, or a Linux ETH_P_ number below 0x600.</summary>
    public ushort Protocol => BinaryPrimitives.ReadUInt16BigEndian(_header[14..]);

    /// <summary>Takes the header at the start of <paramref name="data"/>; false if it is not wholly there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out LinuxCookedView view)
    {
        bool isWhole = data.Length >= Length;
        view = isWhole ? new LinuxCookedView(data[..Length]) : default;
        return isWhole;
    }
}
