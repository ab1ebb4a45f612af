using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// Tells of each packet the TCP connection that it belongs to, by the id that <c>interceptor tcp</c> gives it: connections are counted from 0 in the order of their
/// first packet. It has to see every packet of the capture, in order. An IP fragment belongs to the connection of the first fragment of its datagram.
/// <para>Memory: that of a <see cref="TcpTracker"/> with a sink, bounded; a connection that had to give way and goes on counts as another one.
/// Threads: one.</para>
/// </summary>
public sealed class ConnectionIds : ITcpConnectionSink
{
    /// <summary>No connection.</summary>
    public const long None = -1;

    private const int FragmentPlaces = 1024;

    private readonly TcpTracker _tracker;
    private readonly (IpAddress Source, IpAddress Destination, uint Identification, long Connection)[] _fragments =
        new (IpAddress, IpAddress, uint, long)[FragmentPlaces];

    /// <summary>Nothing was seen yet.</summary>
    /// <param name="options">Bounds the memory; null for the defaults. Streams are not hashed.</param>
    public ConnectionIds(TcpTrackerOptions? options = null) =>
        _tracker = new TcpTracker((options ?? new TcpTrackerOptions()) with { HashStreams = false, NotesLoneSyns = false }, sink: this);

    /// <summary>The connection of the packet that was seen last.</summary>
    public long Latest { get; private set; } = None;

    /// <summary>The connection of the next packet; <see cref="None"/> for what is of none.</summary>
    public long Next(in CapturedPacket packet) => Latest = Find(in packet);

    /// <inheritdoc/>
    void ITcpConnectionSink.Take(in TcpConnectionReport report)
    {
        // Only its id was asked for.
    }

    private long Find(in CapturedPacket packet)
    {
        PacketView view = PacketView.Parse(packet.Data, packet.Metadata.LinkType, packet.Metadata.OriginalLength);
        TcpConnection? connection = _tracker.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
        if (connection is null && view.TryGetFlow(out FlowKey flow) && flow.Protocol == IpProtocol.Tcp && FragmentReassembler.IsFragment(in view))
        {
            return OfFragment(in view, in flow);
        }

        return connection?.Id ?? None;
    }

    private long OfFragment(scoped in PacketView packet, in FlowKey flow)
    {
        uint identification = packet.TryGetIpv6Fragment(out Ipv6FragmentView ipv6) ? ipv6.Identification : packet.TryGetIpv4(out Ipv4View ipv4) ? ipv4.Identification : 0u;
        ref (IpAddress Source, IpAddress Destination, uint Identification, long Connection) place =
            ref _fragments[HashCode.Combine(flow.Source.Address, flow.Destination.Address, identification) & (FragmentPlaces - 1)];
        if (packet.Innermost.Kind == LayerKind.Tcp && _tracker.TryFind(in flow, out TcpConnection? connection))
        {
            place = (flow.Source.Address, flow.Destination.Address, identification, connection!.Id);
        }

        return place.Source == flow.Source.Address && place.Destination == flow.Destination.Address && place.Identification == identification ? place.Connection : None;
    }
}
