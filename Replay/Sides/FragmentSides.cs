using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// The sides of the datagrams whose first fragment was seen lately: the others have no ports and go the same way. A fixed number of places; one that is
/// taken by another datagram is lost, and the fragments of the older one go by their hosts.
/// </summary>
internal sealed class FragmentSides
{
    private const int Places = 1024;

    private readonly Entry[] _entries = new Entry[Places];

    /// <summary>Remembers the first fragment's side.</summary>
    internal void Add(scoped in PacketView packet, in FlowKey flow, PacketSide side)
    {
        if (TryGetDatagram(in packet, in flow, out Entry entry, out _))
        {
            _entries[entry.Place] = entry with { Side = side };
        }
    }

    /// <summary>The side of the first fragment of the packet's datagram; unknown where it was not seen or is too long ago.</summary>
    internal PacketSide Find(scoped in PacketView packet, in FlowKey flow)
    {
        if (!TryGetDatagram(in packet, in flow, out Entry wanted, out int offset) || offset == 0)
        {
            return PacketSide.Unknown;
        }

        Entry entry = _entries[wanted.Place];
        return entry with { Side = PacketSide.Unknown } == wanted ? entry.Side : PacketSide.Unknown;
    }

    private static bool TryGetDatagram(scoped in PacketView packet, in FlowKey flow, out Entry entry, out int offset)
    {
        if (packet.TryGetIpv6Fragment(out Ipv6FragmentView ipv6))
        {
            entry = new Entry(flow.Source.Address, flow.Destination.Address, ipv6.Identification, PacketSide.Unknown);
            offset = ipv6.FragmentOffset;
            return true;
        }

        bool isIpv4 = packet.TryGetIpv4(out Ipv4View ipv4);
        entry = isIpv4 ? new Entry(flow.Source.Address, flow.Destination.Address, ipv4.Identification, PacketSide.Unknown) : default;
        offset = isIpv4 ? ipv4.FragmentOffset : 0;
        return isIpv4;
    }

    private readonly record struct Entry(IpAddress Source, IpAddress Destination, uint Identification, PacketSide Side)
    {
        internal int Place => HashCode.Combine(Source, Destination, Identification) & (Places - 1);
    }
}
