namespace Interceptor.Packets;

/// <content>ICMP and ICMPv6: packets that errors quote, redirects, router and neighbour discovery.</content>
public sealed partial class PacketMap
{
    // With the four bytes whose meaning depends on the type (RFC 4443, 3).
    private const int Icmpv6HeaderLength = 8;

    private void ReadIcmp(ReadOnlySpan<byte> data, in Part part, in IpPlace ip)
    {
        const byte Unreachable = 3, SourceQuench = 4, Redirect = 5, RouterAdvertisement = 9, TimeExceeded = 11, ParameterProblem = 12;
        int at = ip.UpperAt;
        int end = Math.Min(part.End, at + ip.UpperLength);
        PayloadOffset = Math.Min(at + IcmpView.Length, end);
        PayloadEnd = end;
        if (at >= end)
        {
            return;
        }

        data = data[..end];
        switch (data[at])
        {
            case Unreachable or SourceQuench or TimeExceeded or ParameterProblem:
                ReadQuote(data, at + IcmpView.Length, end, LinkType.Ipv4, part, ip);
                break;
            case Redirect:
                Add(data, PacketFieldKind.OtherAddress, at + 4, 4);
                ReadQuote(data, at + IcmpView.Length, end, LinkType.Ipv4, part, ip);
                break;
            case RouterAdvertisement when at + IcmpView.Length <= end:
                int size = data[at + 5] * 4;
                for (int i = 0; i < data[at + 4] && size >= 4; i++)
                {
                    Add(data, PacketFieldKind.OtherAddress, at + IcmpView.Length + (i * size), 4);
                }

                PayloadOffset = end;
                break;
            default:
                break;
        }
    }

    private void ReadIcmpv6(ReadOnlySpan<byte> data, in Part part, in IpPlace ip)
    {
        const byte Listener = 130, ListenerDone = 132, RouterSolicitation = 133, RouterAdvertisement = 134, Solicitation = 135, Advertisement = 136, Redirect = 137;
        int at = ip.UpperAt;
        int end = Math.Min(part.End, at + ip.UpperLength);
        PayloadOffset = Math.Min(at + Icmpv6HeaderLength, end);
        PayloadEnd = end;
        if (at >= end)
        {
            return;
        }

        data = data[..end];
        switch (data[at])
        {
            case >= 1 and <= 4:
                ReadQuote(data, at + Icmpv6HeaderLength, end, LinkType.Ipv6, part, ip);
                break;
            case >= Listener and <= ListenerDone:
                Add(data, PacketFieldKind.OtherAddress, at + 8, 16);
                PayloadOffset = Math.Min(at + 24, end);
                break;
            case RouterSolicitation:
                ReadNeighbourOptions(data, at + 8, end, part, ip);
                break;
            case RouterAdvertisement:
                ReadNeighbourOptions(data, at + 16, end, part, ip);
                break;
            case Solicitation or Advertisement:
                Add(data, PacketFieldKind.OtherAddress, at + 8, 16);
                ReadNeighbourOptions(data, at + 24, end, part, ip);
                break;
            case Redirect:
                Add(data, PacketFieldKind.OtherAddress, at + 8, 16);
                Add(data, PacketFieldKind.OtherAddress, at + 24, 16);
                ReadNeighbourOptions(data, at + 40, end, part, ip);
                break;
            default:
                break;
        }
    }

    /// <summary>RFC 4861, 4.6; RFC 4191, 2.3; RFC 8106, 5.1.</summary>
    private void ReadNeighbourOptions(ReadOnlySpan<byte> data, int at, int end, in Part part, in IpPlace ip)
    {
        const byte SourceLink = 1, TargetLink = 2, PrefixInformation = 3, Redirected = 4, RouteInformation = 24, Servers = 25;
        PayloadOffset = end;
        while (at < end)
        {
            int length = at + 1 < end ? data[at + 1] * 8 : 0;
            if (length == 0 || at + length > end)
            {
                Block(end < ip.UpperAt + ip.UpperLength ? PacketObstacle.Truncated : PacketObstacle.Malformed);
                return;
            }

            switch (data[at])
            {
                case SourceLink or TargetLink when length == 8:
                    Add(data, PacketFieldKind.OtherMac, at + 2, MacAddress.Length);
                    break;
                case PrefixInformation when length == 32:
                    Add(data, PacketFieldKind.Prefix, at + 16, 16, prefixLength: data[at + 2]);
                    break;
                case Redirected when length > 8:
                    ReadQuote(data, at + 8, at + length, LinkType.Ipv6, part, ip);
                    PayloadOffset = end;
                    break;
                case RouteInformation when length == 24:
                    Add(data, PacketFieldKind.Prefix, at + 8, 16, prefixLength: data[at + 2]);
                    break;
                case Servers:
                    for (int address = at + 8; address + 16 <= at + length; address += 16)
                    {
                        Add(data, PacketFieldKind.OtherAddress, address, 16);
                    }

                    break;
                case SourceLink or TargetLink or RouteInformation or PrefixInformation:
                    HiddenObstacle = PacketObstacle.UnknownProtocol;
                    break;
                default:
                    break;
            }

            at += length;
        }

        if (end < ip.UpperAt + ip.UpperLength)
        {
            Block(PacketObstacle.Truncated);
        }
    }

    /// <summary>The beginning of a packet of which the message tells. What is cut off it was cut by who sent the message, or by the capture.</summary>
    private void ReadQuote(ReadOnlySpan<byte> data, int at, int end, LinkType linkType, in Part part, in IpPlace ip)
    {
        bool isCut = end < ip.UpperAt + ip.UpperLength;
        if (at >= end && !isCut)
        {
            return;
        }

        if (end - at < (linkType == LinkType.Ipv4 ? Ipv4View.MinimumLength : Ipv6View.FixedLength))
        {
            Block(isCut ? PacketObstacle.Truncated : PacketObstacle.Malformed);
            return;
        }

        ReadPart(data, new Part(at, end, linkType, isCut ? ip.UpperAt + ip.UpperLength - at : end - at, part.Depth + 1, IsQuoted: true));
    }
}
