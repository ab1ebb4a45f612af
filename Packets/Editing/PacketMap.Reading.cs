namespace Interceptor.Packets;

/// <content>The walk over the headers.</content>
public sealed partial class PacketMap
{
    private const byte Esp = 50;

    private void ReadPart(ReadOnlySpan<byte> data, in Part part)
    {
        if (part.Depth > Encapsulation.MaximumDepth)
        {
            Block(PacketObstacle.TooComplex);
            return;
        }

        data = data[..part.End];
        PacketView view = PacketView.Parse(data[part.Start..], part.LinkType, part.WireLength);
        var ip = new IpPlace { IsFragment = part.IsInFragment };
        bool isArp = false;
        if (view.LayerCount == 0)
        {
            ReadForeignLink(data, part);
        }

        for (int i = 0; i < view.LayerCount; i++)
        {
            Layer layer = view[i];
            layer = layer with { Offset = part.Start + layer.Offset };
            switch (layer.Kind)
            {
                case LayerKind.Ethernet:
                    Add(data, PacketFieldKind.DestinationMac, layer.Offset, MacAddress.Length, part.IsOutermost);
                    Add(data, PacketFieldKind.SourceMac, layer.Offset + MacAddress.Length, MacAddress.Length, part.IsOutermost);
                    break;
                case LayerKind.LinuxCooked when ReadU16(data, layer.Offset + 4) == MacAddress.Length:
                    Add(data, PacketFieldKind.SourceMac, layer.Offset + 6, MacAddress.Length, part.IsOutermost);
                    break;
                case LayerKind.LinuxCooked2 when data[layer.Offset + 11] == MacAddress.Length:
                    Add(data, PacketFieldKind.SourceMac, layer.Offset + 12, MacAddress.Length, part.IsOutermost);
                    break;
                case LayerKind.Arp:
                    isArp = true;
                    ReadArp(data, layer);
                    break;
                case LayerKind.Ipv4 or LayerKind.Ipv6:
                    BeginIp(data, layer, part, ref ip);
                    break;
                case LayerKind.Ipv6Extension or LayerKind.Ipv6Fragment:
                    ReadExtension(data, layer, ref ip);
                    break;
                default:
                    break;
            }
        }

        Layer last = view.Innermost;
        PayloadOffset = part.Start + last.PayloadOffset;
        PayloadEnd = isArp ? PayloadOffset : Math.Min(part.End, part.Start + last.PayloadOffset + view.Payload.Length);
        if (ip.Version != 0 && ip.HeaderAt == IpOffset)
        {
            (UpperOffset, UpperLength, UpperProtocol, IsFragment) = (ip.UpperAt, ip.UpperLength, ip.Protocol, ip.IsFragment);
        }

        if (view.Fault != PacketFault.None && !IsInTransport(view, part, ip))
        {
            Block(view.Fault switch
            {
                PacketFault.Truncated => PacketObstacle.Truncated,
                PacketFault.TooManyLayers => PacketObstacle.TooComplex,
                _ => PacketObstacle.Malformed,
            });
        }
        else if (ip.Version != 0)
        {
            ReadUpper(data, view, part, ip);
        }
        else if (!isArp && !TryReadInner(data, view, part, part.IsInFragment))
        {
            HiddenObstacle = PacketObstacle.UnknownProtocol;
        }
    }

    /// <summary>A header of TCP, UDP or ICMP that is cut or odd hides no address: what there is of it is read as it is.</summary>
    private static bool IsInTransport(scoped in PacketView view, in Part part, in IpPlace ip) =>
        ip.Version != 0 && part.Start + view.FaultOffset == ip.UpperAt
        && (ip.Protocol is IpProtocol.Tcp or IpProtocol.Udp || ip.Protocol == (ip.Version == 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6));

    private bool TryReadInner(ReadOnlySpan<byte> data, scoped in PacketView view, in Part part, bool isInFragment)
    {
        bool isThere = Encapsulation.TryFindInner(view, out PacketView inner);
        if (!isThere && inner.Fault != PacketFault.None)
        {
            Block(inner.Fault == PacketFault.Truncated ? PacketObstacle.Truncated : PacketObstacle.Malformed);
            return true;
        }

        if (!isThere || !IsKnown(inner.LinkType) || !data.Overlaps(inner.Data, out int start))
        {
            return false;
        }

        // Overlaps tells where the inner bytes begin, counted from the outer ones.
        ReadPart(data, new Part(start, start + inner.Data.Length, inner.LinkType, inner.OriginalLength, part.Depth + 1, part.IsQuoted, isInFragment));
        return true;
    }

    private void ReadArp(ReadOnlySpan<byte> data, in Layer layer)
    {
        if (!ArpView.TryParse(data[layer.Offset..], out ArpView arp) || !arp.IsIpv4OverEthernet)
        {
            HiddenObstacle = PacketObstacle.UnknownProtocol;
            return;
        }

        int at = layer.Offset + ArpView.FixedLength;
        Add(data, PacketFieldKind.OtherMac, at, MacAddress.Length);
        Add(data, PacketFieldKind.SourceAddress, at + 6, 4);
        Add(data, PacketFieldKind.OtherMac, at + 10, MacAddress.Length);
        Add(data, PacketFieldKind.DestinationAddress, at + 16, 4);
    }

    private void BeginIp(ReadOnlySpan<byte> data, in Layer layer, in Part part, ref IpPlace ip)
    {
        bool isOutermost = IpOffset < 0 && !part.IsQuoted;
        bool isInFragment = ip.IsFragment;
        int at = layer.Offset;
        if (isOutermost)
        {
            IpOffset = at;
            IsIpBehindLink = part.IsOutermost;
        }

        if (layer.Kind == LayerKind.Ipv4)
        {
            int fragment = ReadU16(data, at + 6) & 0x3FFF;
            ip = new IpPlace
            {
                Version = 4,
                HeaderAt = at,
                SourceAt = at + 12,
                DestinationAt = at + 16,
                Protocol = data[at + 9],
                UpperAt = layer.PayloadOffset,
                UpperLength = layer.PayloadLength,
                IsFragment = isInFragment || fragment != 0,
                IsLaterFragment = (fragment & 0x1FFF) != 0,
                HasNoLength = ReadU16(data, at + 2) == 0,
                IsClipped = ReadU16(data, at + 2) > layer.HeaderLength + layer.PayloadLength,
                IsOwnFragment = fragment != 0,
                NamedUpperLength = ReadU16(data, at + 2) - layer.HeaderLength,
            };
            AddHeaderCover(at, layer.PayloadOffset, part);
        }
        else
        {
            ip = new IpPlace
            {
                Version = 6,
                HeaderAt = at,
                SourceAt = at + 8,
                DestinationAt = at + 24,
                Protocol = data[at + 6],
                UpperAt = layer.PayloadOffset,
                UpperLength = layer.PayloadLength,
                IsFragment = isInFragment,
                HasNoLength = ReadU16(data, at + 4) == 0,
                IsClipped = ReadU16(data, at + 4) > layer.PayloadLength,
                NamedUpperLength = ReadU16(data, at + 4),
            };
        }

        Add(data, PacketFieldKind.SourceAddress, ip.SourceAt, ip.AddressLength, isOutermost);
        Add(data, PacketFieldKind.DestinationAddress, ip.DestinationAt, ip.AddressLength, isOutermost);
        if (layer.HeaderLength > Ipv4View.MinimumLength && ip.Version == 4)
        {
            ReadIpv4Options(data, at + Ipv4View.MinimumLength, layer.PayloadOffset, ref ip);
        }

        if (isOutermost)
        {
            (UpperOffset, UpperLength, UpperProtocol, IsFragment) = (ip.UpperAt, ip.UpperLength, ip.Protocol, ip.IsFragment);
        }
    }

    /// <summary>Routes and timestamps (RFC 791, 3.1). While a source route is under way its last address stands for the destination in the pseudo header.</summary>
    private void ReadIpv4Options(ReadOnlySpan<byte> data, int at, int end, ref IpPlace ip)
    {
        const byte RecordRoute = 7, Timestamps = 68, LooseRoute = 131, StrictRoute = 137;
        while (at < end && data[at] != 0)
        {
            if (data[at] == 1)
            {
                at++;
                continue;
            }

            int length = at + 1 < end ? data[at + 1] : 0;
            if (length < 2 || at + length > end)
            {
                Block(PacketObstacle.Malformed);
                return;
            }

            bool isRoute = data[at] is LooseRoute or StrictRoute;
            if ((isRoute || data[at] == RecordRoute) && length >= 3)
            {
                int last = -1;
                for (int address = at + 3; address + 4 <= at + length; address += 4)
                {
                    Add(data, PacketFieldKind.OtherAddress, address, 4);
                    last = address;
                }

                ip.DestinationAt = isRoute && last >= 0 && data[at + 2] <= length ? last : ip.DestinationAt;
            }
            else if (data[at] == Timestamps && length >= 4 && (data[at + 3] & 0x0F) is 1 or 3)
            {
                for (int address = at + 4; address + 8 <= at + length; address += 8)
                {
                    Add(data, PacketFieldKind.OtherAddress, address, 4);
                }
            }

            at += length;
        }
    }

    private void ReadExtension(ReadOnlySpan<byte> data, in Layer layer, ref IpPlace ip)
    {
        byte kind = ip.Protocol;
        int at = layer.Offset;
        ip.Protocol = data[at];
        ip.UpperAt = layer.PayloadOffset;
        ip.UpperLength = layer.PayloadLength;
        ip.NamedUpperLength -= layer.HeaderLength;
        switch (kind)
        {
            case IpProtocol.Ipv6Fragment:
                int fragment = ReadU16(data, at + 2) & 0xFFF9;
                ip.IsFragment |= fragment != 0;
                ip.IsOwnFragment |= fragment != 0;
                ip.IsLaterFragment = (fragment & 0xFFF8) != 0;
                break;
            case IpProtocol.Authentication:
                Block(PacketObstacle.Authenticated);
                break;
            case IpProtocol.Ipv6Routing:
                ReadRoutingHeader(data, layer, ref ip);
                break;
            case IpProtocol.Ipv6Destination:
                ReadHomeAddress(data, at + 2, layer.PayloadOffset, ref ip);
                break;
            default:
                break;
        }
    }

    /// <summary>While the route is under way its last address stands for the destination in the pseudo header (RFC 8200, 8.1).</summary>
    private void ReadRoutingHeader(ReadOnlySpan<byte> data, in Layer layer, ref IpPlace ip)
    {
        const byte Source = 0, Mobility = 2, Segments = 4;
        int at = layer.Offset;
        byte type = data[at + 2];
        if (type is not (Source or Mobility or Segments))
        {
            Block(PacketObstacle.UnknownProtocol);
            return;
        }

        // A segment routing header may have options behind its addresses (RFC 8754, 2); it counts these from 0.
        int count = (layer.HeaderLength - 8) / 16;
        count = type == Segments ? Math.Min(count, data[at + 4] + 1) : count;
        for (int i = 0; i < count; i++)
        {
            Add(data, PacketFieldKind.OtherAddress, at + 8 + (16 * i), 16);
        }

        if (data[at + 3] > 0 && count > 0)
        {
            ip.DestinationAt = at + 8 + (type == Segments ? 0 : 16 * (count - 1));
        }
    }

    /// <summary>A mobile node's home address stands for the source in the pseudo header (RFC 6275, 6.3).</summary>
    private void ReadHomeAddress(ReadOnlySpan<byte> data, int at, int end, ref IpPlace ip)
    {
        const byte HomeAddress = 0xC9;
        while (at + 1 < end)
        {
            if (data[at] == 0)
            {
                at++;
                continue;
            }

            int length = data[at + 1];
            if (data[at] == HomeAddress && length == 16 && at + 18 <= end)
            {
                Add(data, PacketFieldKind.OtherAddress, at + 2, 16);
                ip.SourceAt = at + 2;
            }

            at += 2 + length;
        }
    }

    private void ReadUpper(ReadOnlySpan<byte> data, scoped in PacketView view, in Part part, in IpPlace ip)
    {
        if (ip.IsLaterFragment)
        {
            return;
        }

        AddUpperCover(data, part, ip);
        switch (ip.Protocol)
        {
            case IpProtocol.Tcp or IpProtocol.Udp:
                ReadPorts(data, view, part, ip);
                break;
            case IpProtocol.Icmp when ip.Version == 4:
                ReadIcmp(data, part, ip);
                return;
            case IpProtocol.Icmpv6 when ip.Version == 6:
                ReadIcmpv6(data, part, ip);
                return;
            case Esp:
                PortObstacle = PacketObstacle.Encrypted;
                break;
            case IpProtocol.Authentication when ip.Version == 4:
                Block(PacketObstacle.Authenticated);
                break;
            default:
                break;
        }

        bool hasInner = ip.Protocol != IpProtocol.Tcp && TryReadInner(data, view, part, ip.IsFragment);
        if (!hasInner && ip.Protocol == IpProtocol.Gre)
        {
            Block(PacketObstacle.UnknownProtocol);
        }
    }

    private void ReadPorts(ReadOnlySpan<byte> data, scoped in PacketView view, in Part part, in IpPlace ip)
    {
        if (ip.UpperLength < 4 || ip.UpperAt + 4 > data.Length)
        {
            PortObstacle = ip.UpperLength < 4 ? PacketObstacle.Malformed : PacketObstacle.Truncated;
            return;
        }

        Add(data, PacketFieldKind.SourcePort, ip.UpperAt, 2);
        Add(data, PacketFieldKind.DestinationPort, ip.UpperAt + 2, 2);
        bool isTcp = ip.Protocol == IpProtocol.Tcp;
        if (isTcp && view.Innermost.Kind == LayerKind.Tcp)
        {
            if (!part.IsQuoted)
            {
                Add(data, PacketFieldKind.TcpHeader, ip.UpperAt, view.Innermost.HeaderLength);
            }
        }
        else if (view.Fault != PacketFault.None)
        {
            OptionObstacle = isTcp && !part.IsQuoted ? view.Fault == PacketFault.Truncated ? PacketObstacle.Truncated : PacketObstacle.Malformed : OptionObstacle;
            PayloadOffset = Math.Min(PayloadEnd, ip.UpperAt + (isTcp ? TcpView.MinimumLength : UdpView.Length));
        }
    }
}
