using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>Makes length fields say what there is.</summary>
public static class PacketLengths
{
    /// <summary>A length that is repaired may show a header whose length is wrong too.</summary>
    private const int MostRounds = 8;

    /// <summary>
    /// Repairs the length fields of IPv4, IPv6 and UDP that name more than is on the wire, nothing at all (as offloaded super packets do), or less than their own header.
    /// One that names less than there is stays: what is behind it is padding. Packets inside tunnels are repaired too, but not
    /// the length fields of PPPoE and GTP-U, and nothing inside a fragment.
    /// </summary>
    /// <param name="packet">The packet, edited in place.</param>
    /// <param name="linkType">What its first byte belongs to.</param>
    /// <param name="originalLength">Bytes on the wire.</param>
    /// <returns>True if a byte changed.</returns>
    public static bool Repair(Span<byte> packet, LinkType linkType, int originalLength) => Repair(packet, linkType, originalLength, depth: 0);

    private static bool Repair(Span<byte> packet, LinkType linkType, int originalLength, int depth)
    {
        bool isChanged = false;
        for (int round = 0; round < MostRounds; round++)
        {
            PacketView view = PacketView.Parse(packet, linkType, originalLength);
            if (!RepairDecoded(packet, view) && !RepairFault(packet, view))
            {
                break;
            }

            isChanged = true;
        }

        return RepairInner(packet, PacketView.Parse(packet, linkType, originalLength), depth) | isChanged;
    }

    /// <summary>The packet inside a tunnel, or behind a link header that the decoder does not have. What a fragment holds of one is less than it says.</summary>
    private static bool RepairInner(Span<byte> packet, scoped in PacketView view, int depth)
    {
        return depth < Encapsulation.MaximumDepth && !PacketChecksums.IsFragmented(view)
            && Encapsulation.TryFindInner(view, out PacketView inner) && ((ReadOnlySpan<byte>)packet).Overlaps(inner.Data, out int start)
            && Repair(packet.Slice(start, inner.Data.Length), inner.LinkType, inner.OriginalLength, depth + 1);
    }

    private static bool RepairDecoded(Span<byte> packet, scoped in PacketView view)
    {
        bool isChanged = false;
        for (int i = 0; i < view.LayerCount; i++)
        {
            Layer layer = view[i];
            isChanged |= layer.Kind switch
            {
                LayerKind.Ipv4 => Set(packet, layer.Offset + 2, layer.HeaderLength + layer.PayloadLength),
                // Zero and a hop-by-hop header are a jumbogram (RFC 2675).
                LayerKind.Ipv6 when packet[layer.Offset + 6] != IpProtocol.Ipv6HopByHop => Set(packet, layer.Offset + 4, layer.PayloadLength),
                LayerKind.Udp => Set(packet, layer.Offset + 4, layer.HeaderLength + layer.PayloadLength),
                _ => false,
            };
            bool isFragment = (layer.Kind == LayerKind.Ipv4 && (BinaryPrimitives.ReadUInt16BigEndian(packet[(layer.Offset + 6)..]) & 0x3FFF) != 0)
                || (layer.Kind == LayerKind.Ipv6Fragment && (BinaryPrimitives.ReadUInt16BigEndian(packet[(layer.Offset + 2)..]) & 0xFFF9) != 0);
            if (isFragment)
            {
                break;
            }
        }

        return isChanged;
    }

    /// <summary>A length that is less than its own header stopped the decoding.</summary>
    private static bool RepairFault(Span<byte> packet, scoped in PacketView view)
    {
        if (view.Fault != PacketFault.BadLength)
        {
            return false;
        }

        Layer before = view.Innermost;
        int at = view.FaultOffset;
        int room = (view.LayerCount == 0 ? view.OriginalLength : before.PayloadOffset + before.PayloadLength) - at;
        bool isUdp = before.Kind is LayerKind.Ipv4 && packet[before.Offset + 9] == IpProtocol.Udp;
        if (isUdp)
        {
            return room >= UdpView.Length && at + UdpView.Length <= packet.Length && Set(packet, at + 4, room);
        }

        return room >= Ipv4View.MinimumLength && at + Ipv4View.MinimumLength <= packet.Length && packet[at] >> 4 == 4 && Set(packet, at + 2, room);
    }

    private static bool Set(Span<byte> packet, int offset, int length)
    {
        Span<byte> field = packet.Slice(offset, 2);
        if (length > ushort.MaxValue || BinaryPrimitives.ReadUInt16BigEndian(field) == length)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)length);
        return true;
    }
}
