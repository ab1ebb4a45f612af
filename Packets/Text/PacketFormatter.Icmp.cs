using System.Buffers.Binary;

namespace Interceptor.Packets;

public sealed partial class PacketFormatter
{
    private void WriteIcmp(scoped in PacketView packet, scoped in Layer layer, scoped in IcmpView icmp)
    {
        _text.Add("ICMP ");
        ReadOnlySpan<byte> quoted = packet.Payload;
        bool isError = false;
        switch (icmp.Type)
        {
            case 0 or 8:
                _text.Add(icmp.Type == 8 ? "echo request, id " : "echo reply, id ").Add(icmp.Identifier).Add(", seq ").Add(icmp.Sequence);
                break;
            case 3:
                WriteUnreachable(icmp, quoted);
                isError = true;
                break;
            case 4:
                _text.Add("source quench");
                isError = true;
                break;
            case 5:
                _text.Add("redirect ");
                if (Ipv4View.TryParse(quoted, out Ipv4View redirected))
                {
                    _text.Add(redirected.Destination);
                }

                _text.Add(icmp.Code switch { 0 => " to net ", 1 => " to host ", 2 => "-tos to net ", 3 => "-tos to host ", _ => " to " })
                    .Add(IpAddress.FromIpv4(icmp.RestOfHeader));
                isError = true;
                break;
            case 9:
                _text.Add("router advertisement");
                break;
            case 10:
                _text.Add("router solicitation");
                break;
            case 11:
                _text.Add(icmp.Code switch { 0 => "time exceeded in-transit", 1 => "ip reassembly time exceeded", _ => "time exceeded-#" });
                if (icmp.Code > 1)
                {
                    _text.Add(icmp.Code);
                }

                isError = true;
                break;
            case 12:
                _text.Add("parameter problem - octet ").Add(icmp.RestOfHeader >> 24);
                isError = true;
                break;
            case 13 or 14:
                _text.Add(icmp.Type == 13 ? "time stamp query id " : "time stamp reply id ").Add(icmp.Identifier).Add(" seq ").Add(icmp.Sequence);
                break;
            default:
                _text.Add("type-#").Add(icmp.Type);
                break;
        }

        _text.Add(", length ").Add(layer.HeaderLength + layer.PayloadLength + _missingLength);
        if (_isVerbose)
        {
            ChecksumReport report = PacketChecksums.Verify(packet);
            if (report.Transport == ChecksumStatus.Incorrect)
            {
                _text.Add(' ');
                Paint(Red).Add("(wrong icmp cksum ").Hex(icmp.Checksum).Add(" (->").Hex(report.TransportExpected).Add(")!)");
                Paint(Plain);
            }

            if (isError)
            {
                WriteQuoted(quoted, layer.PayloadLength);
            }
        }
    }

    private void WriteUnreachable(scoped in IcmpView icmp, ReadOnlySpan<byte> quoted)
    {
        var inner = PacketView.Parse(quoted, LinkType.Ipv4, int.MaxValue);
        if (!inner.TryGetIpv4(out Ipv4View ip))
        {
            _text.Add("unreachable-#").Add(icmp.Code);
            return;
        }

        switch (icmp.Code)
        {
            case 0:
                _text.Add("net ").Add(ip.Destination).Add(" unreachable");
                break;
            case 1:
                _text.Add("host ").Add(ip.Destination).Add(" unreachable");
                break;
            case 2:
                _text.Add(ip.Destination).Add(" protocol ").Add(ip.Protocol).Add(" unreachable");
                break;
            case 3 when quoted.Length >= ip.HeaderLength + 4:
                ushort port = BinaryPrimitives.ReadUInt16BigEndian(quoted[(ip.HeaderLength + 2)..]);
                _text.Add(ip.Destination).Add(ip.Protocol switch { IpProtocol.Tcp => " tcp port ", IpProtocol.Udp => " udp port ", _ => " protocol " });
                if (ip.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp))
                {
                    _text.Add(ip.Protocol).Add(" port ");
                }

                _text.Add(port).Add(" unreachable");
                break;
            case 4:
                _text.Add(ip.Destination).Add(" unreachable - need to frag");
                if ((ushort)icmp.RestOfHeader != 0)
                {
                    _text.Add(" (mtu ").Add((ushort)icmp.RestOfHeader).Add(')');
                }

                break;
            case 9 or 10 or 13:
                _text.Add(icmp.Code == 9 ? "net " : "host ").Add(ip.Destination).Add(" unreachable - admin prohibited");
                _text.Add(icmp.Code == 13 ? " filter" : "");
                break;
            default:
                _text.Add(ip.Destination).Add(" unreachable - #").Add(icmp.Code);
                break;
        }
    }

    /// <summary>The packet that an error message quotes, on a line of its own; errors quote no errors, so this ends.</summary>
    private void WriteQuoted(ReadOnlySpan<byte> quoted, int wireLength)
    {
        var inner = PacketView.Parse(quoted, LinkType.Raw, wireLength);
        if (inner.LayerCount > 0 && inner.Innermost.Kind is not (LayerKind.Icmp or LayerKind.Icmpv6))
        {
            _text.Add("\n\t");
            WriteNetwork(inner, 0);
        }
    }

    private void WriteIcmpv6(scoped in PacketView packet, scoped in Layer layer, scoped in Icmpv6View icmp)
    {
        if (_isVerbose)
        {
            ChecksumReport report = PacketChecksums.Verify(packet);
            if (report.Transport == ChecksumStatus.Correct)
            {
                _text.Add("[icmp6 sum ok] ");
            }
            else if (report.Transport == ChecksumStatus.Incorrect)
            {
                Paint(Red).Add("[bad icmp6 cksum 0x").Hex(icmp.Checksum, 4).Add(" -> 0x").Hex(report.TransportExpected, 4).Add("!] ");
                Paint(Plain);
            }
        }

        _text.Add("ICMP6, ");
        ReadOnlySpan<byte> body = packet.Payload;
        int length = layer.HeaderLength + layer.PayloadLength;
        if (_isVerbose && icmp.Type is >= 133 and <= 137)
        {
            WriteIcmpv6Name(icmp);
            _text.Add(", length ").Add(length);
            WriteNeighbor(icmp, body);
            return;
        }
        switch (icmp.Type)
        {
            case 1:
                WriteUnreachable6(icmp, body);
                break;
            case 2 when body.Length >= 4:
                _text.Add("packet too big, mtu ").Add(BinaryPrimitives.ReadUInt32BigEndian(body));
                break;
            case 3:
                _text.Add(icmp.Code == 1 ? "ip reassembly time exceeded" : "time exceeded in-transit");
                if (TryGetQuoted6(body, out Ipv6View expired) && icmp.Code == 0)
                {
                    _text.Add(" for ").Add(expired.Destination);
                }

                break;
            case 128 or 129 when body.Length >= 4:
                _text.Add(icmp.Type == 128 ? "echo request, id " : "echo reply, id ").Add(BinaryPrimitives.ReadUInt16BigEndian(body))
                    .Add(", seq ").Add(BinaryPrimitives.ReadUInt16BigEndian(body[2..]));
                break;
            case 135 or 136 when body.Length >= 20:
                WriteIcmpv6Name(icmp);
                WriteNeighbor(icmp, body);
                break;
            case 143 when body.Length >= 4:
                _text.Add("multicast listener report v2, ").Add(BinaryPrimitives.ReadUInt16BigEndian(body[2..])).Add(" group record(s)");
                break;
            default:
                WriteIcmpv6Name(icmp);
                break;
        }

        if (!_isVerbose)
        {
            _text.Add(", length ").Add(length);
        }
    }

    /// <summary>Who is asked for and, verbosely, what an answer says of itself.</summary>
    private void WriteNeighbor(scoped in Icmpv6View icmp, ReadOnlySpan<byte> body)
    {
        if (icmp.Type is not (135 or 136) || body.Length < 20)
        {
            return;
        }

        _text.Add(icmp.Type == 135 ? ", who has " : ", tgt is ").Add(IpAddress.FromIpv6(body.Slice(4, 16)));
        if (_isVerbose && icmp.Type == 136)
        {
            bool isFirst = true;
            _text.Add(", Flags [");
            AddFlag((body[0] & 0x80) != 0, "router", ref isFirst);
            AddFlag((body[0] & 0x40) != 0, "solicited", ref isFirst);
            AddFlag((body[0] & 0x20) != 0, "override", ref isFirst);
            _text.Add(isFirst ? "none]" : "]");
        }
    }

    private void WriteIcmpv6Name(scoped in Icmpv6View icmp)
    {
        ReadOnlySpan<char> name = icmp.Type switch
        {
            2 => "packet too big",
            4 => "parameter problem",
            128 => "echo request",
            129 => "echo reply",
            130 => "multicast listener query",
            131 => "multicast listener report",
            132 => "multicast listener done",
            133 => "router solicitation",
            134 => "router advertisement",
            135 => "neighbor solicitation",
            136 => "neighbor advertisement",
            137 => "redirect",
            143 => "multicast listener report v2",
            _ => "",
        };
        if (name.IsEmpty)
        {
            _text.Add("unknown icmp6 type (").Add(icmp.Type).Add(')');
        }
        else
        {
            _text.Add(name);
        }
    }

    private void WriteUnreachable6(scoped in Icmpv6View icmp, ReadOnlySpan<byte> body)
    {
        _text.Add("destination unreachable, unreachable ");
        if (!TryGetQuoted6(body, out Ipv6View ip))
        {
            _text.Add('#').Add(icmp.Code);
            return;
        }

        switch (icmp.Code)
        {
            case 0:
                _text.Add("route ").Add(ip.Destination);
                break;
            case 1:
                _text.Add("prohibited ").Add(ip.Destination);
                break;
            case 2:
                _text.Add("beyond scope ").Add(ip.Destination).Add(", source address ").Add(ip.Source);
                break;
            case 3:
                _text.Add("address ").Add(ip.Destination);
                break;
            case 4 when ip.NextHeader is IpProtocol.Tcp or IpProtocol.Udp && body.Length >= 4 + Ipv6View.FixedLength + 4:
                _text.Add("port, ").Add(ip.Destination).Add(ip.NextHeader == IpProtocol.Tcp ? " tcp port " : " udp port ")
                    .Add(BinaryPrimitives.ReadUInt16BigEndian(body[(4 + Ipv6View.FixedLength + 2)..]));
                break;
            default:
                _text.Add('#').Add(icmp.Code).Add(' ').Add(ip.Destination);
                break;
        }
    }

    private static bool TryGetQuoted6(ReadOnlySpan<byte> body, out Ipv6View view)
    {
        view = default;
        return body.Length > 4 && Ipv6View.TryParse(body[4..], out view);
    }
}
