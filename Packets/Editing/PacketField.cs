namespace Interceptor.Packets;

/// <summary>Where a field lies that an edit may change.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Its first byte, from the packet's first byte.</param>
/// <param name="Length">Its bytes; all of them are captured.</param>
/// <param name="IsOutermost">It is part of the link header or of the first IP header, and of no packet inside another.</param>
/// <param name="PrefixLength">Of a <see cref="PacketFieldKind.Prefix"/>, its bits that count.</param>
public readonly record struct PacketField(PacketFieldKind Kind, int Offset, int Length, bool IsOutermost, int PrefixLength = 0);
