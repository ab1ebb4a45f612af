using Interceptor.Packets;
using Interceptor.Tcp.Streams;

namespace Interceptor.Tcp;

/// <summary>
/// Follows every TCP connection of a packet source. Deterministic: no clock, thread or I/O; what it says depends on the packets and their times alone.
/// <para>Memory: without a sink all connections are kept, with their counters and numbers, and bounded queues while they are open. With a sink, what they take
/// stays below <see cref="TcpTrackerOptions.MaximumBytes"/>: the sink gets a connection when its addresses and ports begin another one, and when it has to give way.
/// Closed connections give way first, always when they take more than a sixteenth of the limit; then text that waits behind a gap no longer does; then those
/// connections of which only SYNs were seen go, the oldest first; then the one that has been without a packet for longest. SYNs without any answer are kept in a tenth of the room; three quarters of the limit are theirs at most, and no
/// other connection gets them back. What comes later for a connection that gave way begins another one.</para>
/// <para>Threads: one at a time.</para>
/// </summary>
public sealed partial class TcpTracker
{
    private readonly ConnectionTable _table = new();
    private readonly LoneSynTable _loneSyns = new();
    private readonly List<TcpConnection> _connections = [];
    private readonly FragmentReassembler _fragments = new();
    private readonly RecentBytesBudget _recentBytes;
    private readonly TcpTrackerOptions _options;
    private readonly ITcpStreamConsumer? _consumer;
    private readonly ITcpSegmentObserver? _observer;
    private readonly ITcpConnectionSink? _sink;
    private CaptureTimestamp _latest;

    /// <summary>A tracker that has seen nothing.</summary>
    /// <param name="options">What it does besides following; null for the defaults.</param>
    /// <param name="consumer">Gets the streams' bytes in order; null for nobody.</param>
    /// <param name="observer">Is told of each segment once it was followed; null for nobody.</param>
    /// <param name="sink">Takes the connections that the tracker is done with; null to keep them all.</param>
    public TcpTracker(
        TcpTrackerOptions? options = null, ITcpStreamConsumer? consumer = null, ITcpSegmentObserver? observer = null, ITcpConnectionSink? sink = null)
    {
        _options = options ?? new TcpTrackerOptions();
        _recentBytes = new RecentBytesBudget(_options.MaximumBytes / RecentPart);
        _consumer = consumer;
        _observer = observer;
        _sink = sink;
    }

    /// <summary>
    /// Without a sink: all connections in order of their first packet; a connection's place is its id. With one: those that it did not get yet, in the same
    /// order, collected at each call.
    /// </summary>
    public IReadOnlyList<TcpConnection> Connections => _sink is null ? _connections : CollectTracked();

    /// <summary>Segments followed.</summary>
    public long Segments { get; private set; }

    /// <summary>Takes one packet. Returns the connection it belongs to; null if it carries no TCP segment, or with a sink is the only SYN of its connection so far.</summary>
    /// <param name="packet">The decoded packet.</param>
    /// <param name="at">When it was captured.</param>
    /// <param name="number">Its number in the source, from 1.</param>
    public TcpConnection? Process(in PacketView packet, CaptureTimestamp at, long number)
    {
        _latest = at;
        if (packet.Innermost.Kind == LayerKind.Tcp && !FragmentReassembler.IsFragment(in packet))
        {
            return ProcessSegment(in packet, at, number);
        }

        return ProcessInner(packet, at, number);
    }

    /// <summary>Takes one segment; returns as for a packet.</summary>
    /// <param name="flow">From whom to whom.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="at">When it was captured.</param>
    /// <param name="number">Number of its packet in the source, from 1.</param>
    public TcpConnection? Process(in FlowKey flow, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        Segments++;
        _latest = at;
        TcpConnection? connection = _table.FindLatest(in flow);
        int hash = connection is null ? flow.GetSymmetricHash() : connection.TableHash;
        connection ??= Find(hash, in flow);
        if (connection is not null && connection.Contradicts(in flow, in segment))
        {
            Supersede(connection);
            connection = null;
        }

        if (connection is null)
        {
            if (CanNote(in segment))
            {
                Note(hash, in flow, in segment, at, number);
                return null;
            }

            connection = Begin(_statistics.Begun++, hash, in flow);
        }

        connection.Process(in flow, in segment, at, number);
        _observer?.Followed(connection.SenderOf(in flow), in segment, at, number);
        Settle(connection);
        return connection;
    }

    /// <summary>The latest connection between two ends, in either direction.</summary>
    public bool TryFind(in FlowKey flow, out TcpConnection? connection)
    {
        connection = Find(flow.GetSymmetricHash(), in flow);
        return connection is not null;
    }

    /// <summary>
    /// The source has ended: what waits behind gaps is delivered, the hashes are closed, and the sink gets what it has not yet, in the order of the ids.
    /// Nothing is processed after it.
    /// </summary>
    /// <param name="at">Up to when nothing more came; null for the time of the last packet. An end whose TIME-WAIT was over by then is CLOSED.</param>
    public void Finish(CaptureTimestamp? at = null)
    {
        CaptureTimestamp end = at ?? _latest;
        if (_sink is not null)
        {
            GiveAll(end);
            return;
        }

        foreach (TcpConnection connection in _connections)
        {
            connection.PassTime(end);
            connection.Finish();
        }
    }

    // A connection of which one SYN was noted becomes a whole one: more of it has come.
    private TcpConnection? Find(int hash, in FlowKey flow)
    {
        if (_table.Find(hash, in flow) is { } known)
        {
            return known;
        }

        return _loneSyns.TryFind(hash, in flow, out int index) ? Begin(index) : null;
    }

    // Behind tunnels, link headers that the decoder does not have, and fragmentation; a segment in fragments counts at the one that completes it.
    private TcpConnection? ProcessInner(PacketView packet, CaptureTimestamp at, long number)
    {
        for (int depth = 0; depth < Encapsulation.MaximumDepth; depth++)
        {
            if (FragmentReassembler.IsFragment(in packet))
            {
                _hasGrown = true;
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
