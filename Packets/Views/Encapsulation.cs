using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Looks one step further where <see cref="PacketView"/> stops: behind a tunnel's header, or behind a link header that the decoder does not have. What is inside
/// is parsed as a packet of its own. For those who follow connections and for printing.
/// <para>Tunnels: GRE (RFC 2784, 2890) with IP, Ethernet, ERSPAN, MPLS or Aruba's 802.11 inside, VXLAN (RFC 7348), Geneve (RFC 8926), GTP-U (3GPP TS 29.281),
/// PPPoE (RFC 2516), MPLS (RFC 3032). Links: 802.11, radiotap, FDDI, ARCNET, Cisco HDLC, IP over InfiniBand, NFLOG.</para>
/// </summary>
public static class Encapsulation
{
    /// <summary>Steps that a caller should take at most: more is an attack or a loop.</summary>
    public const int MaximumDepth = 8;

    private const ushort VxlanPort = 4789;
    private const ushort GenevePort = 6081;
    private const ushort GtpUserPort = 2152;
    private const byte Gre = 47;

    /// <summary>The packet inside; false if there is none that is known. It borrows the same bytes.</summary>
    public static bool TryFindInner(scoped in PacketView packet, out PacketView inner)
    {
        Place place = packet.LayerCount == 0 ? BehindLink(in packet) : BehindLayer(in packet);
        if (place.Kind == LinkType.Null || place.Offset > packet.Data.Length)
        {
            inner = default;
            return false;
        }

        int end = packet.LayerCount == 0 ? packet.OriginalLength : packet.Innermost.PayloadOffset + packet.PayloadLength;
        end = Math.Min(end, place.End ?? end);
        ReadOnlySpan<byte> data = packet.Data[place.Offset..Math.Min(packet.Data.Length, Math.Max(end, place.Offset))];
        inner = PacketView.Parse(data, place.Kind, Math.Max(0, end - place.Offset));
        return inner.LayerCount > 0 || inner.LinkType is LinkTypes.Ieee80211;
    }

    // Nothing is found: LINKTYPE_NULL is never inside anything.
    private static Place None => default;

    private static Place BehindLayer(in PacketView packet)
    {
        Layer last = packet.Innermost;
        ReadOnlySpan<byte> data = packet.Data;
        ReadOnlySpan<byte> header = data.Slice(last.Offset, last.HeaderLength);
        return last.Kind switch
        {
            LayerKind.Ethernet or LayerKind.Vlan => BehindEtherType(data, Read(header, header.Length - 2), last.PayloadOffset),
            LayerKind.LinuxCooked => BehindEtherType(data, Read(header, 14), last.PayloadOffset),
            LayerKind.LinuxCooked2 => BehindEtherType(data, Read(header, 0), last.PayloadOffset),
            LayerKind.Llc when header.Length == 8 => BehindEtherType(data, Read(header, 6), last.PayloadOffset),
            LayerKind.Ipv4 or LayerKind.Ipv6 or LayerKind.Ipv6Extension when packet.TryGetFlow(out FlowKey flow) && flow.Protocol == Gre =>
                BehindGre(data, last.PayloadOffset),
            LayerKind.Udp => BehindUdp(data, Read(header, 0), Read(header, 2), last.PayloadOffset),
            _ => None,
        };
    }

    private static Place BehindEtherType(ReadOnlySpan<byte> data, ushort type, int offset) => type switch
    {
        EtherType.Ipv4 => new Place(LinkType.Ipv4, offset),
        EtherType.Ipv6 => new Place(LinkType.Ipv6, offset),
        0x8847 or 0x8848 => BehindMpls(data, offset),
        0x8864 => BehindPppoe(data, offset),
        _ => None,
    };

    private static Place BehindMpls(ReadOnlySpan<byte> data, int offset)
    {
        while (offset + 5 <= data.Length)
        {
            bool isBottom = (data[offset + 2] & 1) != 0;
            offset += 4;
            if (isBottom)
            {
                // RFC 4928: the first nibble tells; 0 is the control word of a pseudo-wire with Ethernet behind it.
                return (data[offset] >> 4) switch
                {
                    4 => new Place(LinkType.Ipv4, offset),
                    6 => new Place(LinkType.Ipv6, offset),
                    0 => new Place(LinkType.Ethernet, offset + 4),
                    _ => None,
                };
            }
        }

        return None;
    }

    private static Place BehindPppoe(ReadOnlySpan<byte> data, int offset)
    {
        // Six bytes of PPPoE session header, then the PPP protocol.
        if (offset + 8 > data.Length || data[offset] != 0x11 || data[offset + 1] != 0)
        {
            return None;
        }

        // Its length counts the protocol; what is behind it is padding of the link.
        int end = offset + 6 + Read(data, offset + 4);
        return Read(data, offset + 6) switch
        {
            0x0021 => new Place(LinkType.Ipv4, offset + 8, end),
            0x0057 => new Place(LinkType.Ipv6, offset + 8, end),
            _ => None,
        };
    }

    private static Place BehindGre(ReadOnlySpan<byte> data, int offset)
    {
        if (offset + 4 > data.Length)
        {
            return None;
        }

        ushort flags = Read(data, offset);
        ushort type = Read(data, offset + 2);
        const ushort Checksum = 0x8000, Routing = 0x4000, Key = 0x2000, Sequence = 0x1000, Version = 7;
        if ((flags & (Routing | Version)) != 0)
        {
            return None;
        }

        int behind = offset + 4 + ((flags & Checksum) != 0 ? 4 : 0) + ((flags & Key) != 0 ? 4 : 0) + ((flags & Sequence) != 0 ? 4 : 0);
        return type switch
        {
            0x6558 => new Place(LinkType.Ethernet, behind),

            // ERSPAN: type I has no header and no GRE sequence, type II has eight bytes, type III twelve and an optional eight.
            0x88BE => new Place(LinkType.Ethernet, behind + ((flags & Sequence) != 0 ? 8 : 0)),
            0x22EB when behind + 12 <= data.Length => new Place(LinkType.Ethernet, behind + 12 + ((data[behind + 11] & 1) != 0 ? 8 : 0)),
            (>= 0x8200 and <= 0x82FF) or 0x9000 => new Place(LinkTypes.Ieee80211, behind),
            _ => BehindEtherType(data, type, behind),
        };
    }

    private static Place BehindUdp(ReadOnlySpan<byte> data, ushort source, ushort destination, int offset)
    {
        if (offset + 8 > data.Length)
        {
            return None;
        }

        if (destination == VxlanPort && (data[offset] & 8) != 0)
        {
            return new Place(LinkType.Ethernet, offset + 8);
        }

        if (destination == GenevePort && data[offset] >> 6 == 0)
        {
            int behind = offset + 8 + ((data[offset] & 0x3F) * 4);
            ushort type = Read(data, offset + 2);
            return type == 0x6558 ? new Place(LinkType.Ethernet, behind) : BehindEtherType(data, type, behind);
        }

        return destination == GtpUserPort || source == GtpUserPort ? BehindGtp(data, offset) : None;
    }

    private static Place BehindGtp(ReadOnlySpan<byte> data, int offset)
    {
        // Version 1, protocol type GTP, message G-PDU.
        const byte UserData = 0xFF;
        if (data[offset] >> 4 != 3 || data[offset + 1] != UserData)
        {
            return None;
        }

        int behind = offset + 8;
        if ((data[offset] & 7) != 0)
        {
            behind += 4;
            bool hasExtension = (data[offset] & 4) != 0;
            while (hasExtension && behind < data.Length && data[behind - 1] != 0)
            {
                int length = data[behind] * 4;
                if (length == 0)
                {
                    return None;
                }

                behind += length;
                if (behind > data.Length)
                {
                    return None;
                }
            }
        }

        return ByVersion(data, behind);
    }

    private static Place ByVersion(ReadOnlySpan<byte> data, int offset) =>
        offset >= data.Length ? None : (data[offset] >> 4) switch
        {
            4 => new Place(LinkType.Ipv4, offset),
            6 => new Place(LinkType.Ipv6, offset),
            _ => None,
        };

    private static Place BehindLink(in PacketView packet)
    {
        ReadOnlySpan<byte> data = packet.Data;
        return packet.LinkType switch
        {
            LinkTypes.Ieee80211 => Behind80211(data, 0),
            LinkTypes.Radiotap when data.Length >= 4 => Behind80211(data, BinaryPrimitives.ReadUInt16LittleEndian(data[2..])),
            LinkTypes.Fddi => BehindSnap(data, 13),
            LinkTypes.ArcnetLinux when data.Length > 8 => data[4] switch
            {
                // RFC 1201, and RFC 1051's older numbers.
                212 or 240 => new Place(LinkType.Ipv4, 8),
                _ => None,
            },
            LinkTypes.CiscoHdlc when data.Length > 4 => BehindEtherType(data, Read(data, 2), 4),
            LinkTypes.InfiniBandIp when data.Length > 44 => BehindEtherType(data, Read(data, 40), 44),
            LinkTypes.NetfilterLog => BehindNetfilterLog(data),
            _ => None,
        };
    }

    private static Place BehindSnap(ReadOnlySpan<byte> data, int offset)
    {
        bool isSnap = offset + 8 <= data.Length && data[offset] == 0xAA && data[offset + 1] == 0xAA && data[offset + 2] == 3
            && data[offset + 3] == 0 && Read(data, offset + 4) == 0;
        return isSnap ? BehindEtherType(data, Read(data, offset + 6), offset + 8) : None;
    }

    private static Place Behind80211(ReadOnlySpan<byte> data, int offset)
    {
        if (offset + 24 > data.Length)
        {
            return None;
        }

        byte control = data[offset];
        byte flags = data[offset + 1];
        bool isData = (control & 0x0F) == 0x08;
        bool hasNoData = (control & 0x40) != 0;
        bool isProtected = (flags & 0x40) != 0;
        if (!isData || hasNoData || isProtected)
        {
            return None;
        }

        bool isBetweenAccessPoints = (flags & 3) == 3;
        bool hasQos = (control & 0x80) != 0;
        bool hasHighThroughput = hasQos && (flags & 0x80) != 0;
        int length = 24 + (isBetweenAccessPoints ? 6 : 0) + (hasQos ? 2 : 0) + (hasHighThroughput ? 4 : 0);
        return BehindSnap(data, offset + length);
    }

    private static Place BehindNetfilterLog(ReadOnlySpan<byte> data)
    {
        const int Payload = 9;
        int offset = 4;
        while (offset + 4 <= data.Length)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(data[offset..]);
            int type = BinaryPrimitives.ReadUInt16LittleEndian(data[(offset + 2)..]);
            if (length < 4)
            {
                return None;
            }

            if (type == Payload)
            {
                return ByVersion(data, offset + 4);
            }

            offset += (length + 3) & ~3;
        }

        return None;
    }

    private static ushort Read(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt16BigEndian(data[offset..]);

    /// <summary>Where something begins, as what it is to be parsed, and where its own length says that it ends.</summary>
    private readonly record struct Place(LinkType Kind, int Offset, int? End = null);

    /// <summary>LINKTYPE_ numbers that only this file looks behind.</summary>
    private static class LinkTypes
    {
        internal const LinkType Fddi = (LinkType)10;
        internal const LinkType CiscoHdlc = (LinkType)104;
        internal const LinkType Ieee80211 = (LinkType)105;
        internal const LinkType Radiotap = (LinkType)127;
        internal const LinkType ArcnetLinux = (LinkType)129;
        internal const LinkType NetfilterLog = (LinkType)239;
        internal const LinkType InfiniBandIp = (LinkType)242;
    }
}
