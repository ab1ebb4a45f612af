using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>What of a packet tells its side: the conversation it belongs to, or the one that it quotes.</summary>
internal static class SideFlow
{
    private const byte Igmp = 2;
    private const byte IcmpEchoRequest = 8;
    private const byte Icmpv6EchoRequest = 128;
    private const int PortsLength = 4;
    private const int UnusedLengthOfIcmpv6 = 4;

    /// <summary>The packet, or the one inside where IP comes behind labels or sessions of the link: MPLS, PPPoE, 802.11.</summary>
    internal static PacketView BehindLink(PacketView packet)
    {
        for (int depth = 0; depth < Encapsulation.MaximumDepth; depth++)
        {
            if (packet.TryGetFlow(out _) || !Encapsulation.TryFindInner(in packet, out PacketView inner))
            {
                break;
            }

            packet = inner;
        }

        return packet;
    }

    /// <summary>
    /// True where two hosts talk to one another: TCP and UDP with their ports, other protocols by address. Not ICMP and IGMP, whose messages are about others,
    /// not what is sent to many or to oneself, and not a TCP or UDP packet whose ports are not there.
    /// </summary>
    internal static bool IsConversation(scoped in PacketView packet, in FlowKey flow) => flow.Protocol switch
    {
        IpProtocol.Tcp or IpProtocol.Udp => packet.Innermost.Kind is LayerKind.Tcp or LayerKind.Udp,
        IpProtocol.Icmp or IpProtocol.Icmpv6 or Igmp => false,
        _ => true,
    } && flow.Source != flow.Destination && !IsToGroup(in packet, flow.Destination.Address);

    /// <summary>True if it is for many: a multicast or broadcast address, of IP or of the link.</summary>
    internal static bool IsToGroup(scoped in PacketView packet, IpAddress destination)
    {
        if (packet.TryGetEthernet(out EthernetView ethernet) && ethernet.Destination.IsMulticast)
        {
            return true;
        }

        UInt128 bits = destination.Bits;
        return destination.IsIpv4 ? (uint)bits >> 28 >= 0xE : (byte)(bits >> 120) == 0xFF;
    }

    /// <summary>The conversation that an ICMP error is about, in the direction of the packet that caused it.</summary>
    internal static bool TryGetQuoted(scoped in PacketView packet, out FlowKey quoted)
    {
        quoted = default;
        ReadOnlySpan<byte> data;
        if (packet.TryGetIcmp(out IcmpView icmp) && icmp.Type is 3 or 4 or 5 or 11 or 12)
        {
            data = packet.Payload;
        }
        else if (packet.TryGetIcmpv6(out Icmpv6View icmpv6) && !icmpv6.IsInformational && packet.Payload.Length > UnusedLengthOfIcmpv6)
        {
            data = packet.Payload[UnusedLengthOfIcmpv6..];
        }
        else
        {
            return false;
        }

        PacketView inner = PacketView.Parse(data, LinkType.Raw);
        if (!inner.TryGetFlow(out quoted))
        {
            return false;
        }

        // Eight bytes behind the IP header are quoted at least: ports, and no whole TCP header.
        if (quoted.Protocol is IpProtocol.Tcp or IpProtocol.Udp && inner.Innermost.Kind is not (LayerKind.Tcp or LayerKind.Udp))
        {
            ReadOnlySpan<byte> ports = inner.Payload;
            if (ports.Length < PortsLength)
            {
                return false;
            }

            quoted = new FlowKey(
                quoted.Source with { Port = BinaryPrimitives.ReadUInt16BigEndian(ports) },
                quoted.Destination with { Port = BinaryPrimitives.ReadUInt16BigEndian(ports[2..]) },
                quoted.Protocol);
        }

        return true;
    }

    /// <summary>True for an ICMP echo request or reply.</summary>
    internal static bool TryGetEcho(scoped in PacketView packet, out bool isRequest)
    {
        if (packet.TryGetIcmp(out IcmpView icmp))
        {
            isRequest = icmp.Type == IcmpEchoRequest;
            return icmp.IsEcho;
        }

        bool isIcmpv6 = packet.TryGetIcmpv6(out Icmpv6View icmpv6);
        isRequest = isIcmpv6 && icmpv6.Type == Icmpv6EchoRequest;
        return isIcmpv6 && icmpv6.IsEcho;
    }

    /// <summary>The IPv4 addresses of an ARP packet; false for others.</summary>
    internal static bool TryGetArp(scoped in PacketView packet, out IpAddress sender, out IpAddress target, out ushort operation)
    {
        sender = target = default;
        operation = 0;
        if (!packet.TryGetArp(out ArpView arp) || !arp.IsIpv4OverEthernet)
        {
            return false;
        }

        sender = IpAddress.FromBytes(arp.SenderProtocol);
        target = IpAddress.FromBytes(arp.TargetProtocol);
        operation = arp.Operation;
        return true;
    }
}
