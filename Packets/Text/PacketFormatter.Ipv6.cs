using System.Buffers.Binary;

namespace Interceptor.Packets;

public sealed partial class PacketFormatter
{
    private void WriteIpv6(scoped in PacketView packet, int index, scoped in Ipv6View ip)
    {
        Layer layer = packet[index];
        if (_isVerbose)
        {
            _text.Add('(');
            if (ip.TrafficClass != 0)
            {
                _text.Add("class 0x").Hex(ip.TrafficClass, 2).Add(", ");
            }

            if (ip.FlowLabel != 0)
            {
                _text.Add("flowlabel 0x").Hex((uint)ip.FlowLabel, 5).Add(", ");
            }

            _text.Add("hlim ").Add(ip.HopLimit).Add(", next-header ").Add(ProtocolName(ip.NextHeader)).Add(" (").Add(ip.NextHeader)
                .Add(") payload length: ").Add(ip.PayloadLength).Add(") ");
        }

        _missingLength = Math.Max(0, ip.PayloadLength - layer.PayloadLength);
        if (_missingLength > 0)
        {
            Paint(Magenta).Add("truncated-ip6 - ").Add(_missingLength).Add(" bytes missing!");
            Paint(Plain);
        }

        bool hasPortsWithAddress = ip.NextHeader is IpProtocol.Tcp or IpProtocol.Udp && index + 1 < packet.LayerCount;
        if (!hasPortsWithAddress && !TryWriteCutPorts(packet, layer, ip.NextHeader, ip.Source, ip.Destination))
        {
            WriteAddresses(ip.Source, ip.Destination).Add(": ");
        }

        byte next = ip.NextHeader;
        for (index++; index < packet.LayerCount; index++)
        {
            Layer inner = packet[index];
            ReadOnlySpan<byte> header = packet.HeaderOf(inner);
            if (inner.Kind == LayerKind.Ipv6Fragment && Ipv6FragmentView.TryParse(header, out Ipv6FragmentView fragment))
            {
                if (WriteIpv6Fragment(inner, fragment))
                {
                    return;
                }
            }
            else if (inner.Kind == LayerKind.Ipv6Extension && next == IpProtocol.Ipv6Routing)
            {
                WriteIpv6Routing(header);
            }
            else if (inner.Kind == LayerKind.Ipv6Extension)
            {
                _text.Add(next switch
                {
                    IpProtocol.Ipv6HopByHop => "HBH ",
                    IpProtocol.Authentication => "AH ",
                    IpProtocol.Ipv6Destination => "DSTOPT ",
                    135 => "mobility ",
                    _ => "ext ",
                });
                if (_isVerbose && next is (IpProtocol.Ipv6HopByHop or IpProtocol.Ipv6Destination))
                {
                    WriteIpv6Options(header[2..]);
                }
            }
            else
            {
                WriteTransport(packet, index, ip.Source, ip.Destination, hasPortsWithAddress, hasAddresses: true);
                return;
            }

            next = header[0];
        }

        WriteUndecoded(packet, packet.Innermost, next);
    }

    private void WriteIpv6Routing(ReadOnlySpan<byte> header)
    {
        const int FixedLength = 8, AddressLength = 16;
        byte type = header[2];
        _text.Add("RT6 (len=").Add(header[1]).Add(", type=").Add(type).Add(type == 0 ? " [Deprecated], segleft=" : ", segleft=").Add(header[3]);
        if (type is 0 or 2)
        {
            uint reserved = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
            if (reserved != 0 || _isVerbose)
            {
                _text.Add(", rsv=0x").Hex(reserved);
            }

            for (int i = 0; FixedLength + ((i + 1) * AddressLength) <= header.Length; i++)
            {
                _text.Add(", [").Add(i).Add(']').Add(IpAddress.FromIpv6(header.Slice(FixedLength + (i * AddressLength), AddressLength)));
            }
        }

        _text.Add(") ");
    }

    private void WriteIpv6Options(ReadOnlySpan<byte> options)
    {
        for (int offset = 0; offset < options.Length;)
        {
            byte kind = options[offset];
            int length = kind == 0 ? 1 : offset + 1 < options.Length ? options[offset + 1] + 2 : int.MaxValue;
            if (length > options.Length - offset)
            {
                _text.Add("(bad option) ");
                return;
            }

            switch (kind)
            {
                case 0:
                    _text.Add("(pad1) ");
                    break;
                case 1:
                    _text.Add("(padn) ");
                    break;
                case 5 when length == 4:
                    _text.Add("(rtalert: 0x").Hex(BinaryPrimitives.ReadUInt16BigEndian(options[(offset + 2)..]), 4).Add(") ");
                    break;
                case 0xC2 when length == 6:
                    _text.Add("(jumbo: ").Add(BinaryPrimitives.ReadUInt32BigEndian(options[(offset + 2)..])).Add(") ");
                    break;
                default:
                    _text.Add("(opt_type 0x").Hex(kind, 2).Add(": len=").Add(length - 2).Add(") ");
                    break;
            }

            offset += length;
        }
    }

    private bool WriteIpv6Fragment(scoped in Layer layer, scoped in Ipv6FragmentView fragment)
    {
        _text.Add("frag (");
        if (_isVerbose)
        {
            _text.Add("0x").Hex(fragment.Identification, 8).Add(':');
        }

        _text.Add(fragment.FragmentOffset).Add('|').Add(layer.PayloadLength).Add(')');
        if (fragment.FragmentOffset != 0)
        {
            return true;
        }

        _text.Add(' ');
        return false;
    }
}
