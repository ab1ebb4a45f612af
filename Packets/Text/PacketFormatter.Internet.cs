using System.Buffers.Binary;

namespace Interceptor.Packets;

public sealed partial class PacketFormatter
{
    // What the IP header promises beyond the packet's length on the wire; like tcpdump, TCP's length is printed as promised.
    private int _missingLength;

    private void WriteNetwork(scoped in PacketView packet, int index)
    {
        Layer layer = packet[index];
        ReadOnlySpan<byte> header = packet.HeaderOf(layer);
        bool isNamed = _options.LinkHeader;
        switch (layer.Kind)
        {
            case LayerKind.Ipv4 when Ipv4View.TryParse(header, out Ipv4View ipv4):
                _text.Add(isNamed ? "" : "IP ");
                WriteIpv4(packet, index, ipv4);
                break;
            case LayerKind.Ipv6 when Ipv6View.TryParse(header, out Ipv6View ipv6):
                _text.Add(isNamed ? "" : "IP6 ");
                WriteIpv6(packet, index, ipv6);
                break;
            case LayerKind.Arp when ArpView.TryParse(header, out ArpView arp):
                _text.Add(isNamed ? "" : "ARP, ");
                WriteArp(packet, index, arp);
                break;
            default:
                break;
        }
    }

    private void WriteIpv4(scoped in PacketView packet, int index, scoped in Ipv4View ip)
    {
        Layer layer = packet[index];
        _missingLength = Math.Max(0, ip.TotalLength - layer.HeaderLength - layer.PayloadLength);
        if (_missingLength > 0)
        {
            Paint(Magenta).Add("truncated-ip - ").Add(_missingLength).Add(" bytes missing! ");
            Paint(Plain);
        }

        if (_isVerbose)
        {
            WriteIpv4Details(ip, layer);
        }

        if (ip.FragmentOffset != 0)
        {
            WriteAddresses(ip.Source, ip.Destination).Add(": ip-proto-").Add(ip.Protocol);
            return;
        }

        if (index + 1 < packet.LayerCount)
        {
            WriteTransport(packet, index + 1, ip.Source, ip.Destination, hasPortsWithAddress: true);
            return;
        }

        if (!TryWriteCutPorts(packet, layer, ip.Protocol, ip.Source, ip.Destination))
        {
            WriteAddresses(ip.Source, ip.Destination).Add(": ");
        }

        WriteUndecoded(packet, layer, ip.Protocol);
    }

    private void WriteIpv4Details(scoped in Ipv4View ip, scoped in Layer layer)
    {
        _text.Add("(tos 0x").Hex(ip.TypeOfService).Add((ip.TypeOfService & 3) switch { 1 => ",ECT(1)", 2 => ",ECT(0)", 3 => ",CE", _ => "" });
        if (ip.TimeToLive >= 1)
        {
            _text.Add(", ttl ").Add(ip.TimeToLive);
        }

        _text.Add(", id ").Add(ip.Identification).Add(", offset ").Add(ip.FragmentOffset).Add(", flags [");
        bool isFirst = true;
        AddFlag(ip.MoreFragments, "+", ref isFirst);
        AddFlag(ip.DontFragment, "DF", ref isFirst);
        AddFlag(ip.ReservedBit, "rsvd", ref isFirst);
        _text.Add(isFirst ? "none" : "").Add("], proto ").Add(ProtocolName(ip.Protocol)).Add(" (").Add(ip.Protocol).Add("), length ");
        if (ip.TotalLength == 0)
        {
            _text.Add(layer.HeaderLength + layer.PayloadLength).Add(" [was 0, presumed TSO]");
        }
        else
        {
            _text.Add(ip.TotalLength);
        }

        if (!ip.Options.IsEmpty)
        {
            _text.Add(", options (0x").Hex(ip.Options).Add(')');
        }

        ushort sum = InternetChecksum.Sum(ip.Header);
        if (sum != 0xFFFF)
        {
            ushort expected = InternetChecksum.Finish(InternetChecksum.Add(sum, (ushort)~ip.Checksum));
            _text.Add(", ");
            Paint(Red).Add("bad cksum ").Hex(ip.Checksum).Add(" (->").Hex(expected).Add(")!");
            Paint(Plain);
        }

        _text.Add(")\n    ");
    }

    private void AddFlag(bool isSet, ReadOnlySpan<char> name, ref bool isFirst)
    {
        if (isSet)
        {
            _text.Add(isFirst ? "" : ", ").Add(name);
            isFirst = false;
        }
    }

    private void WriteTransport(
        scoped in PacketView packet, int index, IpAddress source, IpAddress destination, bool hasPortsWithAddress, bool hasAddresses = false)
    {
        Layer layer = packet[index];
        ReadOnlySpan<byte> header = packet.HeaderOf(layer);
        if (layer.Kind is LayerKind.Tcp or LayerKind.Udp)
        {
            ushort sourcePort = BinaryPrimitives.ReadUInt16BigEndian(header);
            ushort destinationPort = BinaryPrimitives.ReadUInt16BigEndian(header[2..]);
            if (hasPortsWithAddress)
            {
                WriteEndpoints(source, sourcePort, destination, destinationPort);
            }
            else
            {
                _text.Add(sourcePort).Add(" > ").Add(destinationPort).Add(": ");
            }
        }
        else if (!hasAddresses)
        {
            WriteAddresses(source, destination).Add(": ");
        }

        switch (layer.Kind)
        {
            case LayerKind.Tcp when TcpView.TryParse(header, out TcpView tcp):
                WriteTcp(packet, layer, tcp, source, destination);
                break;
            case LayerKind.Udp when UdpView.TryParse(header, out UdpView udp):
                WriteUdp(packet, layer, udp, source);
                break;
            case LayerKind.Icmp when IcmpView.TryParse(header, out IcmpView icmp):
                WriteIcmp(packet, layer, icmp);
                break;
            case LayerKind.Icmpv6 when Icmpv6View.TryParse(header, out Icmpv6View icmpv6):
                WriteIcmpv6(packet, layer, icmpv6);
                break;
            default:
                WriteNetwork(packet, index);
                break;
        }
    }

    private void WriteUdp(scoped in PacketView packet, scoped in Layer layer, scoped in UdpView udp, IpAddress source)
    {
        // As in tcpdump: over IPv4 only with -vv.
        if (_options.Verbosity > (source.IsIpv4 ? 1 : 0))
        {
            ChecksumReport report = PacketChecksums.Verify(packet);
            switch (report.Transport)
            {
                case ChecksumStatus.Absent:
                    _text.Add("[no cksum] ");
                    break;
                case var _ when _missingLength > 0:
                    break;
                case ChecksumStatus.Correct:
                    _text.Add("[udp sum ok] ");
                    break;
                case ChecksumStatus.Incorrect or ChecksumStatus.Offloaded:
                    Paint(Red).Add("[bad udp cksum 0x").Hex(udp.Checksum, 4).Add(" -> 0x").Hex(report.TransportExpected, 4).Add("!] ");
                    Paint(Plain);
                    break;
                default:
                    break;
            }
        }

        int length = udp.DatagramLength == 0 ? layer.PayloadLength : udp.DatagramLength - UdpView.Length;
        bool isFragment = packet.TryGetIpv4(out Ipv4View ip) ? ip.IsFragment : packet.TryGetIpv6Fragment(out Ipv6FragmentView fragment) && !fragment.IsAtomic;
        if (length > layer.PayloadLength && !isFragment)
        {
            _text.Add("UDP, bad length ").Add(length).Add(" > ").Add(layer.PayloadLength);
        }
        else
        {
            _text.Add("UDP, length ").Add(length);
        }
    }

    /// <summary>The ports of a header that is cut behind them.</summary>
    private bool TryWriteCutPorts(scoped in PacketView packet, scoped in Layer ip, byte protocol, IpAddress source, IpAddress destination)
    {
        ReadOnlySpan<byte> header = packet.Data[ip.PayloadOffset..];
        if (packet.Fault != PacketFault.Truncated || protocol is not (IpProtocol.Tcp or IpProtocol.Udp) || header.Length < 4)
        {
            return false;
        }

        WriteEndpoints(source, BinaryPrimitives.ReadUInt16BigEndian(header), destination, BinaryPrimitives.ReadUInt16BigEndian(header[2..]));
        return true;
    }

    /// <summary>What follows the innermost header: nothing, a header that could not be decoded, or a protocol that has no view.</summary>
    private void WriteUndecoded(scoped in PacketView packet, scoped in Layer layer, byte protocol)
    {
        if (packet.Fault != PacketFault.None)
        {
            _text.Add(' ');
            WriteFault(packet, NameOfNext(packet));
        }
        else if (protocol == IpProtocol.Gre && TryWriteGre(packet, layer))
        {
            return;
        }
        else if (protocol == IpProtocol.Ipv6NoNext)
        {
            _text.Add("no next header");
        }
        else
        {
            _text.Add(" ip-proto-").Add(protocol).Add(' ').Add(layer.PayloadLength);
        }
    }

    private TextLine WriteAddresses(IpAddress source, IpAddress destination)
    {
        Paint(Cyan).Add(source);
        Paint(Plain).Add(" > ");
        Paint(Cyan).Add(destination);
        return Paint(Plain);
    }

    private void WriteEndpoints(IpAddress source, ushort sourcePort, IpAddress destination, ushort destinationPort)
    {
        Paint(Cyan).Add(source).Add('.').Add(sourcePort);
        Paint(Plain).Add(" > ");
        Paint(Cyan).Add(destination).Add('.').Add(destinationPort);
        Paint(Plain).Add(": ");
    }

    private void WriteArp(scoped in PacketView packet, int index, scoped in ArpView arp)
    {
        int length = index > 0 ? packet[index - 1].PayloadLength : packet.OriginalLength;
        bool isUsual = arp.IsIpv4OverEthernet;
        if (_isVerbose || !isUsual)
        {
            if (arp.HardwareType == 1)
            {
                _text.Add("Ethernet");
            }
            else
            {
                _text.Add("Unknown Hardware (").Add(arp.HardwareType).Add(')');
            }

            _text.Add(" (len ").Add(arp.HardwareLength).Add("), ");
            if (arp.ProtocolType == EtherType.Ipv4)
            {
                _text.Add("IPv4");
            }
            else
            {
                _text.Add("Unknown Protocol (0x").Hex(arp.ProtocolType, 4).Add(')');
            }

            _text.Add(" (len ").Add(arp.ProtocolLength).Add("), ");
        }

        switch (arp.Operation)
        {
            case 1:
                _text.Add("Request who-has ");
                WriteProtocolAddress(arp.TargetProtocol);
                if (arp.TargetHardware.ContainsAnyExcept((byte)0))
                {
                    _text.Add(" (").Hex(arp.TargetHardware, ':').Add(')');
                }

                _text.Add(" tell ");
                WriteProtocolAddress(arp.SenderProtocol);
                break;
            case 2:
                _text.Add("Reply ");
                WriteProtocolAddress(arp.SenderProtocol);
                _text.Add(" is-at ").Hex(arp.SenderHardware, ':');
                break;
            default:
                _text.Add("Unknown (").Add(arp.Operation).Add(')');
                break;
        }

        _text.Add(", length ").Add(length);
    }

    private void WriteProtocolAddress(ReadOnlySpan<byte> address)
    {
        if (address.Length == 4)
        {
            _text.Add(IpAddress.FromBytes(address));
        }
        else
        {
            _text.Hex(address, ':');
        }
    }

    /// <summary>The name tcpdump gives the header that decoding stopped at, by what announced it.</summary>
    private static string NameOfNext(scoped in PacketView packet)
    {
        Layer last = packet.Innermost;
        ReadOnlySpan<byte> header = packet.HeaderOf(last);
        switch (last.Kind)
        {
            case LayerKind.Ipv4 when Ipv4View.TryParse(header, out Ipv4View ipv4):
                return FaultName(ipv4.Protocol);
            case LayerKind.Ipv6 when Ipv6View.TryParse(header, out Ipv6View ipv6):
                return FaultName(ipv6.NextHeader);
            case LayerKind.Ipv6Extension or LayerKind.Ipv6Fragment:
                return FaultName(header[0]);
            case LayerKind.Ethernet or LayerKind.Vlan:
                return BinaryPrimitives.ReadUInt16BigEndian(header[^2..]) switch
                {
                    EtherType.Ipv4 => "ip",
                    EtherType.Ipv6 => "ip6",
                    EtherType.Arp => "arp",
                    EtherType.Vlan or EtherType.ServiceVlan => "vlan",
                    _ => "llc",
                };
            case LayerKind.None:
                return packet.LinkType switch
                {
                    LinkType.Ethernet => "ether",
                    LinkType.LinuxCooked => "sll",
                    LinkType.LinuxCooked2 => "sll2",
                    LinkType.Null or LinkType.Loop => "null",
                    LinkType.Ipv6 => "ip6",
                    _ => "ip",
                };
            default:
                return "ip";
        }
    }

    private static string FaultName(byte protocol) => protocol switch
    {
        IpProtocol.Tcp => "tcp",
        IpProtocol.Udp => "udp",
        IpProtocol.Icmp => "icmp",
        IpProtocol.Icmpv6 => "icmp6",
        IpProtocol.Ipv6Fragment => "frag",
        _ => "ip",
    };

    private static string ProtocolName(byte protocol) => protocol switch
    {
        IpProtocol.Ipv6HopByHop => "Options",
        IpProtocol.Icmp => "ICMP",
        2 => "IGMP",
        IpProtocol.Ipv4 => "IPIP",
        IpProtocol.Tcp => "TCP",
        IpProtocol.Udp => "UDP",
        33 => "DCCP",
        IpProtocol.Ipv6 => "IPv6",
        IpProtocol.Ipv6Routing => "Routing",
        IpProtocol.Ipv6Fragment => "Fragment",
        46 => "RSVP",
        47 => "GRE",
        50 => "ESP",
        IpProtocol.Authentication => "AH",
        IpProtocol.Icmpv6 => "ICMPv6",
        IpProtocol.Ipv6NoNext => "none",
        88 => "EIGRP",
        89 => "OSPF",
        103 => "PIM",
        112 => "VRRP",
        132 => "SCTP",
        _ => "unknown",
    };
}
