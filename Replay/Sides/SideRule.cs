using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// Tells the side of each packet. What says most about a packet is asked first: filters, its conversation (for an ICMP error the one it quotes), an end of that
/// with its port, the host it comes from, the host it goes to, the hardware addresses, the default.
/// <para>Threads: one.</para>
/// </summary>
public abstract class SideRule
{
    private readonly FragmentSides _fragments = new();

    /// <summary>The side of what nothing else tells.</summary>
    public virtual PacketSide Fallback => PacketSide.Unknown;

    /// <summary>The side that a packet comes from, as it was captured; fragments behind the first go with it, so packets are asked for in their order.</summary>
    public PacketSide SideOf(in CapturedPacket packet)
    {
        PacketSide side = OfFilters(in packet);
        if (side != PacketSide.Unknown)
        {
            return side;
        }

        PacketView view = PacketView.Parse(packet.Data, packet.Metadata.LinkType, packet.Metadata.OriginalLength);
        side = OfInternet(SideFlow.BehindLink(view));
        side = side == PacketSide.Unknown ? OfLink(in view) : side;
        return side == PacketSide.Unknown ? Fallback : side;
    }

    /// <summary>By an expression.</summary>
    private protected virtual PacketSide OfFilters(in CapturedPacket packet) => PacketSide.Unknown;

    /// <summary>The side of the source of a conversation that is known as one.</summary>
    private protected abstract PacketSide OfFlow(in FlowKey flow);

    /// <summary>The side of an address with its port.</summary>
    private protected virtual PacketSide OfEndpoint(in FlowEndpoint endpoint, byte protocol) => PacketSide.Unknown;

    /// <summary>The side of a host.</summary>
    private protected abstract PacketSide OfHost(IpAddress address);

    /// <summary>The side that a hardware address is on.</summary>
    private protected abstract PacketSide OfMac(MacAddress address);

    /// <summary>By IP and ARP alone.</summary>
    private protected PacketSide OfInternet(scoped in PacketView packet)
    {
        if (!packet.TryGetFlow(out FlowKey flow))
        {
            return SideFlow.TryGetArp(in packet, out IpAddress sender, out IpAddress target, out _) ? OfHosts(sender, target) : PacketSide.Unknown;
        }

        PacketSide side = PacketSide.Unknown;
        bool isFragment = FragmentReassembler.IsFragment(in packet);
        if (SideFlow.TryGetQuoted(in packet, out FlowKey quoted))
        {
            side = OfConversation(in quoted);
            side = (side == PacketSide.Unknown ? OfHosts(quoted.Source.Address, quoted.Destination.Address) : side).Opposite();
        }
        else if (SideFlow.IsConversation(in packet, in flow))
        {
            side = OfConversation(in flow);
        }
        else if (isFragment)
        {
            side = _fragments.Find(in packet, in flow);
        }

        side = side == PacketSide.Unknown ? OfHosts(flow.Source.Address, flow.Destination.Address) : side;
        if (isFragment && packet.Innermost.Kind is LayerKind.Tcp or LayerKind.Udp)
        {
            _fragments.Add(in packet, in flow, side);
        }

        return side;
    }

    private PacketSide OfConversation(in FlowKey flow)
    {
        PacketSide side = OfFlow(in flow);
        side = side == PacketSide.Unknown ? OfEndpoint(flow.Source, flow.Protocol) : side;
        return side == PacketSide.Unknown ? OfEndpoint(flow.Destination, flow.Protocol).Opposite() : side;
    }

    private PacketSide OfHosts(IpAddress source, IpAddress destination)
    {
        PacketSide side = OfHost(source);
        return side == PacketSide.Unknown ? OfHost(destination).Opposite() : side;
    }

    private PacketSide OfLink(scoped in PacketView packet)
    {
        if (!packet.TryGetEthernet(out EthernetView ethernet))
        {
            return PacketSide.Unknown;
        }

        PacketSide side = OfMac(ethernet.Source);
        return side == PacketSide.Unknown ? OfMac(ethernet.Destination).Opposite() : side;
    }
}
