using System.Buffers.Binary;
using System.Globalization;

namespace Interceptor.Packets;

/// <summary>Enumerates the fields of a decoded packet, outermost layer first.</summary>
public static class PacketFields
{
    private static readonly string[] FlagNames = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ae"];

    /// <summary>
    /// Writes every layer's fields, and at last a layer <c>payload</c> with the innermost payload's length on the wire and, where decoding stopped, a layer <c>fault</c>.
    /// </summary>
    public static void Write(scoped in PacketView packet, PacketFieldWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        for (int i = 0; i < packet.LayerCount; i++)
        {
            Layer layer = packet[i];
            writer.BeginLayer(NameOf(layer.Kind));
            WriteLayer(packet, layer, writer);
            writer.EndLayer();
        }

        writer.BeginLayer("payload");
        writer.WriteNumber("length", packet.PayloadLength);
        writer.WriteNumber("captured_length", packet.Payload.Length);
        writer.EndLayer();
        if (packet.Fault != PacketFault.None)
        {
            writer.BeginLayer("fault");
            writer.WriteText("kind", FaultNameOf(packet.Fault));
            writer.WriteNumber("offset", packet.FaultOffset);
            writer.EndLayer();
        }
    }

    private static void WriteLayer(scoped in PacketView packet, scoped in Layer layer, PacketFieldWriter writer)
    {
        ReadOnlySpan<byte> header = packet.HeaderOf(layer);
        switch (layer.Kind)
        {
            case LayerKind.Ethernet when EthernetView.TryParse(header, out EthernetView ethernet):
                WriteText(writer, "source", ethernet.Source);
                WriteText(writer, "destination", ethernet.Destination);
                writer.WriteNumber(ethernet.HasLengthField ? "length" : "type", ethernet.TypeOrLength);
                break;
            case LayerKind.Vlan when VlanView.TryParse(header, out VlanView vlan):
                writer.WriteNumber("id", vlan.VlanId);
                writer.WriteNumber("priority", vlan.Priority);
                writer.WriteFlag("drop_eligible", vlan.DropEligible);
                writer.WriteNumber("type", vlan.TypeOrLength);
                break;
            case LayerKind.Llc when LlcView.TryParse(header, out LlcView llc):
                writer.WriteNumber("destination_sap", llc.DestinationSap);
                writer.WriteNumber("source_sap", llc.SourceSap);
                writer.WriteNumber("control", llc.Control);
                if (llc.IsSnap)
                {
                    writer.WriteNumber("organization", llc.Organization);
                    writer.WriteNumber("protocol", llc.ProtocolId);
                }

                break;
            case LayerKind.LinuxCooked when LinuxCookedView.TryParse(header, out LinuxCookedView cooked):
                writer.WriteNumber("packet_type", cooked.PacketType);
                writer.WriteNumber("hardware_type", cooked.HardwareType);
                WriteHex(writer, "address", cooked.Address);
                writer.WriteNumber("protocol", cooked.Protocol);
                break;
            case LayerKind.LinuxCooked2 when LinuxCooked2View.TryParse(header, out LinuxCooked2View cooked):
                writer.WriteNumber("packet_type", cooked.PacketType);
                writer.WriteNumber("hardware_type", cooked.HardwareType);
                writer.WriteNumber("interface_index", cooked.InterfaceIndex);
                WriteHex(writer, "address", cooked.Address);
                writer.WriteNumber("protocol", cooked.Protocol);
                break;
            case LayerKind.Null when packet.TryGetNull(out NullView family):
                writer.WriteNumber("family", family.Family);
                break;
            case LayerKind.Arp when ArpView.TryParse(header, out ArpView arp):
                WriteArp(arp, writer);
                break;
            default:
                WriteInternetLayer(packet, layer, header, writer);
                break;
        }
    }

    private static void WriteInternetLayer(scoped in PacketView packet, scoped in Layer layer, ReadOnlySpan<byte> header, PacketFieldWriter writer)
    {
        switch (layer.Kind)
        {
            case LayerKind.Ipv4 when Ipv4View.TryParse(header, out Ipv4View ip):
                WriteIpv4(ip, writer);
                break;
            case LayerKind.Ipv6 when Ipv6View.TryParse(header, out Ipv6View ip):
                WriteText(writer, "source", ip.Source);
                WriteText(writer, "destination", ip.Destination);
                writer.WriteNumber("traffic_class", ip.TrafficClass);
                writer.WriteNumber("flow_label", ip.FlowLabel);
                writer.WriteNumber("payload_length", ip.PayloadLength);
                writer.WriteNumber("next_header", ip.NextHeader);
                writer.WriteNumber("hop_limit", ip.HopLimit);
                break;
            case LayerKind.Ipv6Extension:
                writer.WriteNumber("next_header", header[0]);
                writer.WriteNumber("length", layer.HeaderLength);
                break;
            case LayerKind.Ipv6Fragment when Ipv6FragmentView.TryParse(header, out Ipv6FragmentView fragment):
                writer.WriteNumber("next_header", fragment.NextHeader);
                writer.WriteNumber("fragment_offset", fragment.FragmentOffset);
                writer.WriteFlag("more_fragments", fragment.MoreFragments);
                writer.WriteNumber("identification", fragment.Identification);
                break;
            case LayerKind.Tcp when TcpView.TryParse(header, out TcpView tcp):
                WriteTcp(tcp, writer);
                WriteChecksumStatus(packet, writer);
                break;
            case LayerKind.Udp when UdpView.TryParse(header, out UdpView udp):
                writer.WriteNumber("source_port", udp.SourcePort);
                writer.WriteNumber("destination_port", udp.DestinationPort);
                writer.WriteNumber("length", udp.DatagramLength);
                writer.WriteNumber("checksum", udp.Checksum);
                WriteChecksumStatus(packet, writer);
                break;
            case LayerKind.Icmp or LayerKind.Icmpv6:
                WriteIcmp(packet, header, writer);
                break;
            default:
                break;
        }
    }

    private static void WriteIpv4(scoped in Ipv4View ip, PacketFieldWriter writer)
    {
        WriteText(writer, "source", ip.Source);
        WriteText(writer, "destination", ip.Destination);
        writer.WriteNumber("header_length", ip.HeaderLength);
        writer.WriteNumber("type_of_service", ip.TypeOfService);
        writer.WriteNumber("total_length", ip.TotalLength);
        writer.WriteNumber("identification", ip.Identification);
        writer.WriteFlag("dont_fragment", ip.DontFragment);
        writer.WriteFlag("more_fragments", ip.MoreFragments);
        writer.WriteNumber("fragment_offset", ip.FragmentOffset);
        writer.WriteNumber("time_to_live", ip.TimeToLive);
        writer.WriteNumber("protocol", ip.Protocol);
        writer.WriteNumber("checksum", ip.Checksum);
        writer.WriteText("checksum_status", InternetChecksum.Sum(ip.Header) == 0xFFFF ? "correct" : "incorrect");
    }

    private static void WriteTcp(scoped in TcpView tcp, PacketFieldWriter writer)
    {
        writer.WriteNumber("source_port", tcp.SourcePort);
        writer.WriteNumber("destination_port", tcp.DestinationPort);
        writer.WriteNumber("sequence", tcp.Sequence.Value);
        writer.WriteNumber("acknowledgment", tcp.Acknowledgment.Value);
        writer.WriteNumber("header_length", tcp.HeaderLength);
        WriteFlags(tcp.Flags, writer);
        writer.WriteNumber("window", tcp.WindowField);
        writer.WriteNumber("urgent_pointer", tcp.UrgentPointer);
        TcpOptionSummary options = TcpOptionSummary.Read(tcp);
        if (options.MaximumSegmentSize is { } segmentSize)
        {
            writer.WriteNumber("mss", segmentSize);
        }

        if (options.WindowScale is { } scale)
        {
            writer.WriteNumber("window_scale", scale);
        }

        if (options.SackPermitted)
        {
            writer.WriteFlag("sack_permitted", true);
        }

        if (options.HasTimestamps)
        {
            writer.WriteNumber("timestamp_value", options.TimestampValue);
            writer.WriteNumber("timestamp_echo", options.TimestampEcho);
        }

        WriteSack(tcp, writer);
        if (!tcp.Options.IsEmpty)
        {
            WriteHex(writer, "options", tcp.Options);
        }

        writer.WriteNumber("checksum", tcp.Checksum);
    }

    private static void WriteFlags(TcpFlags flags, PacketFieldWriter writer)
    {
        Span<char> text = stackalloc char[40];
        int length = 0;
        for (int i = 0; i < FlagNames.Length; i++)
        {
            if (((int)flags & (1 << i)) == 0)
            {
                continue;
            }

            if (length > 0)
            {
                text[length++] = ',';
            }

            FlagNames[i].CopyTo(text[length..]);
            length += FlagNames[i].Length;
        }

        writer.WriteText("flags", text[..length]);
    }

    private static void WriteSack(scoped in TcpView tcp, PacketFieldWriter writer)
    {
        Span<SackBlock> blocks = stackalloc SackBlock[4];
        int count = TcpOptionSummary.ReadSackBlocks(tcp, blocks);
        if (count == 0)
        {
            return;
        }

        Span<char> text = stackalloc char[4 * 22];
        int length = 0;
        foreach (SackBlock block in blocks[..count])
        {
            if (length > 0)
            {
                text[length++] = ',';
            }

            AppendNumber(text, ref length, block.Left.Value);
            text[length++] = '-';
            AppendNumber(text, ref length, block.Right.Value);
        }

        writer.WriteText("sack", text[..length]);
    }

    // Interpolation boxes its numbers where the compiler has not optimised yet.
    private static void AppendNumber(Span<char> text, ref int length, uint number)
    {
        number.TryFormat(text[length..], out int digits, default, CultureInfo.InvariantCulture);
        length += digits;
    }

    private static void WriteIcmp(scoped in PacketView packet, ReadOnlySpan<byte> header, PacketFieldWriter writer)
    {
        writer.WriteNumber("icmp_type", header[0]);
        writer.WriteNumber("code", header[1]);
        if (packet.TryGetIcmp(out IcmpView icmp) && icmp.IsEcho)
        {
            writer.WriteNumber("identifier", icmp.Identifier);
            writer.WriteNumber("sequence", icmp.Sequence);
        }
        else if (packet.TryGetIcmpv6(out Icmpv6View icmpv6) && icmpv6.IsEcho && packet.Payload.Length >= 4)
        {
            writer.WriteNumber("identifier", BinaryPrimitives.ReadUInt16BigEndian(packet.Payload));
            writer.WriteNumber("sequence", BinaryPrimitives.ReadUInt16BigEndian(packet.Payload[2..]));
        }

        writer.WriteNumber("checksum", BinaryPrimitives.ReadUInt16BigEndian(header[2..]));
        WriteChecksumStatus(packet, writer);
    }

    private static void WriteArp(scoped in ArpView arp, PacketFieldWriter writer)
    {
        writer.WriteNumber("hardware_type", arp.HardwareType);
        writer.WriteNumber("protocol_type", arp.ProtocolType);
        writer.WriteNumber("operation", arp.Operation);
        WriteHex(writer, "sender_hardware", arp.SenderHardware);
        WriteProtocolAddress(writer, "sender", arp.SenderProtocol);
        WriteHex(writer, "target_hardware", arp.TargetHardware);
        WriteProtocolAddress(writer, "target", arp.TargetProtocol);
    }

    private static void WriteChecksumStatus(scoped in PacketView packet, PacketFieldWriter writer) =>
        writer.WriteText("checksum_status", PacketChecksums.Verify(packet).Transport switch
        {
            ChecksumStatus.Correct => "correct",
            ChecksumStatus.Incorrect => "incorrect",
            ChecksumStatus.Absent => "absent",
            ChecksumStatus.Truncated => "truncated",
            ChecksumStatus.Fragment => "fragment",
            ChecksumStatus.Offloaded => "offloaded",
            _ => "none",
        });

    private static void WriteText(PacketFieldWriter writer, string name, MacAddress address)
    {
        Span<byte> bytes = stackalloc byte[MacAddress.Length];
        address.CopyTo(bytes);
        Span<char> text = stackalloc char[17];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i].TryFormat(text[(3 * i)..], out _, "x2", CultureInfo.InvariantCulture);
            if (i < bytes.Length - 1)
            {
                text[(3 * i) + 2] = ':';
            }
        }

        writer.WriteText(name, text);
    }

    private static void WriteText(PacketFieldWriter writer, string name, IpAddress address)
    {
        Span<char> text = stackalloc char[IpAddress.MaximumTextLength];
        address.TryFormat(text, out int written);
        writer.WriteText(name, text[..written]);
    }

    private static void WriteProtocolAddress(PacketFieldWriter writer, string name, ReadOnlySpan<byte> address)
    {
        if (address.Length == 4)
        {
            WriteText(writer, name, IpAddress.FromBytes(address));
        }
        else
        {
            WriteHex(writer, name, address);
        }
    }

    private static void WriteHex(PacketFieldWriter writer, string name, ReadOnlySpan<byte> bytes)
    {
        // The longest is an ARP address of 255 bytes.
        Span<char> text = stackalloc char[2 * 255];
        Convert.TryToHexStringLower(bytes, text, out int written);
        writer.WriteText(name, text[..written]);
    }

    private static string NameOf(LayerKind kind) => kind switch
    {
        LayerKind.Ethernet => "ethernet",
        LayerKind.Vlan => "vlan",
        LayerKind.Llc => "llc",
        LayerKind.LinuxCooked => "linux_cooked",
        LayerKind.LinuxCooked2 => "linux_cooked2",
        LayerKind.Null => "null",
        LayerKind.Arp => "arp",
        LayerKind.Ipv4 => "ipv4",
        LayerKind.Ipv6 => "ipv6",
        LayerKind.Ipv6Extension => "ipv6_extension",
        LayerKind.Ipv6Fragment => "ipv6_fragment",
        LayerKind.Tcp => "tcp",
        LayerKind.Udp => "udp",
        LayerKind.Icmp => "icmp",
        LayerKind.Icmpv6 => "icmpv6",
        _ => "unknown",
    };

    private static string FaultNameOf(PacketFault fault) => fault switch
    {
        PacketFault.Truncated => "truncated",
        PacketFault.BadVersion => "bad_version",
        PacketFault.BadHeaderLength => "bad_header_length",
        PacketFault.BadLength => "bad_length",
        PacketFault.TooManyLayers => "too_many_layers",
        _ => "none",
    };
}
