using System.Runtime.CompilerServices;

namespace Interceptor.Packets;

/// <summary>
/// Up to sixteen layers in eight bytes each: kind (5 bits), header length (12), offset (16), payload length (31).
/// The longest header that is decoded is an IPv6 extension of 2048 bytes, so sixteen of them end below 2^16.
/// </summary>
[InlineArray(Capacity)]
internal struct LayerTable
{
    internal const int Capacity = 16;

    private const int HeaderShift = 31;
    private const int OffsetShift = HeaderShift + 12;
    private const int KindShift = OffsetShift + 16;

    private ulong _first;

    internal static ulong Pack(LayerKind kind, int offset, int headerLength, int payloadLength) =>
        ((ulong)kind << KindShift) | ((ulong)(uint)offset << OffsetShift) | ((ulong)(uint)headerLength << HeaderShift) | (uint)payloadLength;

    internal static Layer Unpack(ulong packed) => new(
        (LayerKind)(packed >> KindShift),
        (int)(packed >> OffsetShift) & 0xFFFF,
        (int)(packed >> HeaderShift) & 0xFFF,
        (int)packed & int.MaxValue);

    internal static LayerKind KindOf(ulong packed) => (LayerKind)(packed >> KindShift);
}
