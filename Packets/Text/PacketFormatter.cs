namespace Interceptor.Packets;

/// <summary>
/// Prints packets in tcpdump's notation, numbers instead of names (<c>tcpdump -nn -t</c>), without looking into what TCP and UDP carry.
/// Nothing taken from a packet is printed as it is: only numbers, hexadecimal and, in the hex dump, printable ASCII.
/// One formatter has one buffer and remembers where each connection's sequence numbers begin: use one per thread and capture, and give it the packets in order.
/// It allocates nothing once its buffer has grown to the longest packet and its memory to the number of connections.
/// </summary>
public sealed partial class PacketFormatter
{
    private readonly TextLine _text = new();
    private readonly PacketFormatOptions _options;
    private readonly TcpSequenceOrigins? _origins;
    private readonly bool _isVerbose;

    /// <summary>A formatter of its own.</summary>
    public PacketFormatter(PacketFormatOptions? options = null)
    {
        _options = options ?? PacketFormatOptions.Default;
        _origins = _options.AbsoluteSequenceNumbers ? null : new TcpSequenceOrigins();
        _isVerbose = _options.Verbosity > 0;
    }

    /// <summary>The summary of one packet without a time in front or a line end behind; verbose ones have several lines. Valid until the next call.</summary>
    public ReadOnlySpan<char> Summarize(scoped in PacketView packet)
    {
        _text.Clear();
        WriteSummary(packet);
        return _text.Written;
    }

    /// <summary>Summary and hex dump, as the options say, without the last line end. Valid until the next call.</summary>
    public ReadOnlySpan<char> Format(scoped in PacketView packet)
    {
        _text.Clear();
        WriteSummary(packet);
        if (_options.HexDump != HexDumpStyle.None)
        {
            WriteHexDump(packet);
        }

        return _text.Written;
    }

    /// <summary>Writes <see cref="Format"/> and a line end.</summary>
    public void WriteTo(TextWriter writer, scoped in PacketView packet)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Write(Format(packet));
        writer.Write('\n');
    }

    private void WriteSummary(scoped in PacketView packet)
    {
        _missingLength = 0;
        if (_options.LinkHeader)
        {
            WriteLinkHeaders(packet);
        }

        int network = FirstNetworkLayer(packet);
        if (network < packet.LayerCount)
        {
            WriteNetwork(packet, network);
        }
        else
        {
            WriteUnknown(packet);
        }
    }

    private static bool IsLink(LayerKind kind) =>
        kind is LayerKind.Ethernet or LayerKind.Vlan or LayerKind.Llc or LayerKind.LinuxCooked or LayerKind.LinuxCooked2 or LayerKind.Null;

    private static int FirstNetworkLayer(scoped in PacketView packet)
    {
        int index = 0;
        while (index < packet.LayerCount && IsLink(packet[index].Kind))
        {
            index++;
        }

        return index;
    }

    /// <summary>A packet without a network layer: cut, malformed, or of a protocol that is not decoded, whose bytes are shown.</summary>
    private void WriteUnknown(scoped in PacketView packet)
    {
        Layer last = packet.Innermost;
        if (packet.Fault != PacketFault.None)
        {
            WriteFault(packet, NameOfNext(packet));
            return;
        }

        switch (last.Kind)
        {
            case LayerKind.Ethernet or LayerKind.Vlan when packet.TryGetEthernet(out EthernetView ethernet):
                ushort type = packet.TryGetVlan(out VlanView tag) ? tag.TypeOrLength : ethernet.TypeOrLength;
                if (TryWriteLinkTunnel(packet, type))
                {
                    return;
                }

                if (!_options.LinkHeader)
                {
                    WriteEthernet(packet, ethernet);
                    WriteType(type, _options.Quiet);
                    _text.Add(", length ").Add(packet.OriginalLength).Add(": ");
                }

                break;
            case LayerKind.Llc when packet.TryGetLlc(out LlcView llc):
                WriteLlc(packet, llc);
                break;
            case LayerKind.LinuxCooked when packet.TryGetLinuxCooked(out LinuxCookedView cooked):
                _text.Add("ethertype Unknown (0x").Hex(cooked.Protocol, 4).Add("), length ").Add(packet.OriginalLength).Add(": ");
                break;
            case LayerKind.LinuxCooked2 when packet.TryGetLinuxCooked2(out LinuxCooked2View cooked2):
                _text.Add("ethertype Unknown (0x").Hex(cooked2.Protocol, 4).Add("), length ").Add(packet.OriginalLength).Add(": ");
                break;
            case LayerKind.Null when packet.TryGetNull(out NullView family):
                _text.Add("AF unknown (").Add(family.Family).Add("), length ").Add(packet.OriginalLength).Add(": ");
                break;
            default:
                _text.Add("link-type ").Add((int)packet.LinkType).Add(", length ").Add(packet.OriginalLength).Add(": ");
                break;
        }

        if (!_options.Quiet && _options.HexDump is (HexDumpStyle.None or HexDumpStyle.Text or HexDumpStyle.TextWithLink))
        {
            WriteHexLines(packet.Data[last.PayloadOffset..], withText: true);
        }
    }

    private void WriteLlc(scoped in PacketView packet, scoped in LlcView llc)
    {
        if (!_options.LinkHeader && packet.TryGetEthernet(out EthernetView ethernet))
        {
            WriteEthernet(packet, ethernet);
            _text.Add("802.3, length ").Add((int)ethernet.TypeOrLength).Add(": ");
        }

        _text.Add("LLC, dsap Unknown (0x").Hex(llc.DestinationSap, 2).Add("), ssap Unknown (0x").Hex(llc.SourceSap, 2)
            .Add("), ctrl 0x").Hex((uint)llc.Control, 2);
        if (llc.IsSnap)
        {
            _text.Add(", oui Unknown (0x").Hex((uint)llc.Organization, 6).Add("), pid Unknown (0x").Hex(llc.ProtocolId, 4).Add(')');
        }

        _text.Add(", length ").Add(packet.Innermost.PayloadLength).Add(": ");
    }

    private void WriteEthernet(scoped in PacketView packet, scoped in EthernetView ethernet)
    {
        _text.Add(ethernet.Source).Add(" > ").Add(ethernet.Destination).Add(", ");
        for (int i = 1; i < packet.LayerCount && packet[i].Kind == LayerKind.Vlan; i++)
        {
            WriteVlan(packet, packet[i]);
        }
    }

    private void WriteVlan(scoped in PacketView packet, scoped in Layer layer)
    {
        if (VlanView.TryParse(packet.HeaderOf(layer), out VlanView tag))
        {
            _text.Add("vlan ").Add(tag.VlanId).Add(", p ").Add(tag.Priority).Add(tag.DropEligible ? ", DEI, " : ", ");
        }
    }

    private void WriteLinkHeaders(scoped in PacketView packet)
    {
        if (packet.LayerCount > 0 && packet[0].Kind is (LayerKind.Ipv4 or LayerKind.Ipv6))
        {
            _text.Add("ip: ");
        }

        for (int i = 0; i < packet.LayerCount && IsLink(packet[i].Kind); i++)
        {
            Layer layer = packet[i];
            ReadOnlySpan<byte> header = packet.HeaderOf(layer);
            switch (layer.Kind)
            {
                case LayerKind.Ethernet when EthernetView.TryParse(header, out EthernetView ethernet):
                    _text.Add(ethernet.Source).Add(" > ").Add(ethernet.Destination).Add(", ");
                    WriteType(ethernet.TypeOrLength, _options.Quiet);
                    _text.Add(", length ").Add(ethernet.HasLengthField ? ethernet.TypeOrLength : packet.OriginalLength).Add(": ");
                    break;
                case LayerKind.Vlan when VlanView.TryParse(header, out VlanView tag):
                    WriteVlan(packet, layer);
                    WriteType(tag.TypeOrLength, _options.Quiet);
                    _text.Add(", ");
                    break;
                case LayerKind.Llc when LlcView.TryParse(header, out LlcView llc) && i + 1 < packet.LayerCount:
                    _text.Add("LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ");
                    WriteType(llc.ProtocolId, nameOnly: false);
                    _text.Add(", length ").Add(layer.PayloadLength).Add(": ");
                    break;
                case LayerKind.LinuxCooked when LinuxCookedView.TryParse(header, out LinuxCookedView cooked):
                    WriteDirection(cooked.PacketType);
                    _text.Hex(cooked.Address, ':').Add(' ');
                    WriteCookedType(packet, cooked.Protocol);
                    break;
                case LayerKind.LinuxCooked2 when LinuxCooked2View.TryParse(header, out LinuxCooked2View cooked):
                    WriteDirection(cooked.PacketType);
                    _text.Add("ifindex ").Add(cooked.InterfaceIndex).Add(' ').Hex(cooked.Address, ':').Add(' ');
                    WriteCookedType(packet, cooked.Protocol);
                    break;
                case LayerKind.Null when packet.TryGetNull(out NullView family):
                    WriteFamily(family);
                    _text.Add(", length ").Add(packet.OriginalLength).Add(": ");
                    break;
                default:
                    break;
            }
        }
    }

    private void WriteDirection(int packetType) => _text.Add(packetType switch
    {
        0 => " In ",
        1 => "  B ",
        2 => "  M ",
        3 => "  P ",
        4 => "Out ",
        _ => "  ? ",
    });

    private void WriteFamily(scoped in NullView family)
    {
        ReadOnlySpan<char> name = family.IsIpv4 ? "IPv4" : family.IsIpv6 ? "IPv6" : "Unknown";
        if (_options.Quiet)
        {
            _text.Add(name);
        }
        else
        {
            _text.Add("AF ").Add(name).Add(" (").Add(family.Family).Add(')');
        }
    }

    private void WriteCookedType(scoped in PacketView packet, ushort type)
    {
        if (!_options.Quiet)
        {
            WriteType(type, nameOnly: false);
            _text.Add(", length ").Add(packet.OriginalLength).Add(": ");
        }
    }

    private void WriteType(ushort type, bool nameOnly)
    {
        if (type <= EthernetView.MaximumLengthField)
        {
            _text.Add("802.3");
            return;
        }

        ReadOnlySpan<char> name = type switch
        {
            EtherType.Ipv4 => "IPv4",
            EtherType.Ipv6 => "IPv6",
            EtherType.Arp => "ARP",
            EtherType.Vlan => "802.1Q",
            EtherType.ServiceVlan => "802.1Q-QinQ",
            0x8847 => "MPLS unicast",
            0x8864 => "PPPoE S",
            0x9100 => "802.1Q-9100",
            0x9200 => "802.1Q-9200",
            _ => nameOnly ? "Unknown Ethertype" : "Unknown",
        };
        if (nameOnly && name is not "Unknown Ethertype")
        {
            _text.Add(name);
            return;
        }

        _text.Add(nameOnly ? "" : "ethertype ").Add(name).Add(" (0x").Hex(type, 4).Add(')');
    }

    private void WriteFault(scoped in PacketView packet, ReadOnlySpan<char> protocol)
    {
        Paint(Magenta).Add('[');
        if (packet.Fault == PacketFault.Truncated)
        {
            _text.Add('|').Add(protocol).Add(']');
            Paint(Plain);
            return;
        }

        _text.Add(protocol).Add(packet.Fault switch
        {
            PacketFault.BadVersion => ": version does not fit",
            PacketFault.BadHeaderLength => ": bad header length",
            PacketFault.BadLength => ": bad length",
            PacketFault.TooManyLayers => ": too many headers",
            _ => "",
        }).Add(" at byte ").Add(packet.FaultOffset).Add(']');
        Paint(Plain);
    }
}
