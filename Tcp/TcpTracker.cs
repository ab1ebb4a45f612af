using Interceptor.Packets;
using Interceptor.Tcp.Streams;

namespace Interceptor.Tcp;

/// <summary>
/// Follows every TCP connection of a packet source. Deterministic: no clock, thread or I/O; what it says depends on the packets and their times alone.
/// <para>Memory: for each connection its counters and numbers, and bounded queues while it is open. Threads: one at a time.</para>
/// </summary>
public sealed class TcpTracker
{
    private readonly Dictionary<FlowKey, TcpConnection> _current = [];
    private readonly List<TcpConnection> _connections = [];
    private readonly FragmentReassembler _fragments = new();
    private readonly RecentBytesBudget _recentBytes = new();
    private readonly TcpTrackerOptions _options;
    private readonly ITcpStreamConsumer? _consumer;
    private readonly ITcpSegmentObserver? _observer;

    /// <summary>A tracker that has seen nothing.</summary>
    /// <param name="options">What it does besides following; null for the defaults.</param>
    /// <param name="consumer">Gets the streams' bytes in order; null for nobody.</param>
    /// <param name="observer">Is told of each segment once it was followed; null for nobody.</param>
    public TcpTracker(TcpTrackerOptions? options = null, ITcpStreamConsumer? consumer = null, ITcpSegmentObserver? observer = null)
    {
        _options = options ?? new TcpTrackerOptions();
        _consumer = consumer;
        _observer = observer;
    }

    /// <summary>All connections in order of their first packet; a connection's place is its id.</summary>
    public IReadOnlyList<TcpConnection> Connections => _connections;

    /// <summary>Segments followed.</summary>
    public long Segments { get; private set; }

    /// <summary>Takes one packet. Returns the connection it belongs to; null if it carries no TCP segment.</summary>
    /// <param name="packet">The decoded packet.</param>
    /// <param name="at">When it was captured.</param>
    /// <param name="number">Its number in the source, from 1.</param>
    public TcpConnection? Process(in PacketView packet, CaptureTimestamp at, long number)
    {
        if (packet.Innermost.Kind == LayerKind.Tcp && !FragmentReassembler.IsFragment(in packet))
        {
            return ProcessSegment(in packet, at, number);
        }

        return ProcessInner(packet, at, number);
    }

    /// <summary>Takes one segment.</summary>
    /// <param name="flow">From whom to whom.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="at">When it was captured.</param>
    /// <param name="number">Number of its packet in the source, from 1.</param>
    public TcpConnection Process(in FlowKey flow, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        Segments++;
        FlowKey key = flow.Canonical(out _);
        if (!_current.TryGetValue(key, out TcpConnection? connection) || connection.Contradicts(in flow, in segment))
        {
            connection?.Finish();
            connection = new TcpConnection(_connections.Count, in flow, _options, _consumer, _recentBytes);
            _connections.Add(connection);
            _current[key] = connection;
        }

        connection.Process(in flow, in segment, at, number);
        _observer?.Followed(connection.SenderOf(in flow), in segment, at, number);
        return connection;
    }

    /// <summary>The latest connection between two ends, in either direction.</summary>
    public bool TryFind(in FlowKey flow, out TcpConnection? connection) => _current.TryGetValue(flow.Canonical(out _), out connection);

    /// <summary>The source has ended: what waits behind gaps is delivered and the hashes are closed. Nothing is processed after it.</summary>
    public void Finish()
    {
        foreach (TcpConnection connection in _current.Values)
        {
            connection.Finish();
        }
    }

    // Behind tunnels, link headers that the decoder does not have, and fragmentation; a segment in fragments counts at the one that completes it.
    private TcpConnection? ProcessInner(PacketView packet, CaptureTimestamp at, long number)
    {
        for (int depth = 0; depth < Encapsulation.MaximumDepth; depth++)
        {
            if (FragmentReassembler.IsFragment(in packet))
            {
                if (!_fragments.TryAdd(in packet, at, out byte[] datagram, out LinkType linkType))
                {
                    return null;
                }

                packet = PacketView.Parse(datagram, linkType, datagram.Length);
            }

            if (packet.Innermost.Kind == LayerKind.Tcp)
            {
                return ProcessSegment(in packet, at, number);
            }

            if (!Encapsulation.TryFindInner(in packet, out PacketView inner))
            {
                return null;
            }

            packet = inner;
        }

        return null;
    }

    private TcpConnection? ProcessSegment(in PacketView packet, CaptureTimestamp at, long number) =>
        TcpSegment.TryCreate(in packet, out TcpSegment segment) && packet.TryGetFlow(out FlowKey flow) ? Process(in flow, in segment, at, number) : null;
}
