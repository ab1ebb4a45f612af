using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Selects the packets of the sockets of certain owners, and remarks on each whose it is. A packet that may be of a socket that was opened since the last look
/// waits for the next one, and those behind it too: some milliseconds at the begin of each connection.
/// <para>Ownership: the watch stays the caller's. Threads: the reader's; the counts may be read on any.</para>
/// </summary>
public sealed class OwnerPacketSelector : ILivePacketSelector
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private const long UnknownMemory = 1_000_000_000;
    private const int MostUnknown = 65_536;
    private const int MostComments = 4096;

    private readonly SocketOwnerWatch _watch;
    private readonly SocketOwnerSelection? _selection;
    private readonly bool _annotate;
    private readonly Dictionary<FlowKey, long> _unknown = [];
    private readonly Dictionary<(SocketOwnerInfo? Sender, SocketOwnerInfo? Receiver), string> _comments = [];
    private SocketOwnerInfo? _sender;
    private SocketOwnerInfo? _receiver;
    private long _unattributed;

    /// <summary>Selects by what <paramref name="watch"/> sees.</summary>
    /// <param name="watch">Who owns what.</param>
    /// <param name="selection">Whose packets; null for all.</param>
    /// <param name="annotate">True to remark on each packet whose it is.</param>
    public OwnerPacketSelector(SocketOwnerWatch watch, SocketOwnerSelection? selection, bool annotate)
    {
        ArgumentNullException.ThrowIfNull(watch);
        _watch = watch;
        _selection = selection is { IsEmpty: true } ? null : selection;
        _annotate = annotate;
    }

    /// <summary>TCP and UDP packets from or to an address of this machine for which no socket was found.</summary>
    public long Unattributed => Interlocked.Read(ref _unattributed);

    /// <inheritdoc/>
    public string? Comment
    {
        get
        {
            if (!_annotate || (_sender is null && _receiver is null))
            {
                return null;
            }

            if (_comments.TryGetValue((_sender, _receiver), out string? comment))
            {
                return comment;
            }

            if (_comments.Count >= MostComments)
            {
                _comments.Clear();
            }

            comment = string.Join("; ", new[] { _sender is null ? null : $"from {_sender}", _receiver is null ? null : $"to {_receiver}" }.Where(static part => part is not null));
            _comments.Add((_sender, _receiver), comment);
            return comment;
        }
    }

    /// <inheritdoc/>
    public bool Selects(in CapturedPacket packet)
    {
        Attribute(packet);
        return _selection is null
            || (_sender is not null && _selection.Includes(_sender))
            || (_receiver is not null && _selection.Includes(_receiver));
    }

    private void Attribute(in CapturedPacket packet)
    {
        _sender = null;
        _receiver = null;
        PacketView view = packet.Parse();
        if (view.Innermost.Kind is not (LayerKind.Tcp or LayerKind.Udp) || !view.TryGetFlow(out FlowKey flow))
        {
            return;
        }

        // The first segment of a connection may be on addresses and ports that another one had before.
        bool isOpening = view.TryGetTcp(out TcpView tcp) && (tcp.Flags & (TcpFlags.Syn | TcpFlags.Ack)) == TcpFlags.Syn && _watch.Table.IsLocal(flow.Source.Address);
        if (TryFindBoth(flow) && !isOpening)
        {
            return;
        }

        // The clock of the packet may be another one, as with time stamps of the device.
        var instant = new CaptureTimestamp(Math.Min(packet.Metadata.Timestamp.Nanoseconds, Clock.RealtimeNanoseconds()));
        bool isLookedAt = isOpening ? _watch.Table.HasLooked(flow, instant) : IsKnownToBeUnknown(flow, instant);
        if (!isLookedAt && !_watch.Shows(instant))
        {
            _watch.WaitFor(instant, Patience);
        }

        if (!TryFindBoth(flow))
        {
            Remember(flow, instant);
            if (_sender is null && _receiver is null)
            {
                Interlocked.Increment(ref _unattributed);
            }
        }
    }

    /// <summary>True if each end that is here has an owner; of packets that only pass by, neither has.</summary>
    private bool TryFindBoth(in FlowKey flow)
    {
        SocketOwnerTable table = _watch.Table;
        return (table.TryFind(flow.Source, flow.Destination, flow.Protocol, out _sender) || !table.IsLocal(flow.Source.Address))
            & (table.TryFind(flow.Destination, flow.Source, flow.Protocol, out _receiver) || !table.IsLocal(flow.Destination.Address));
    }

    private bool IsKnownToBeUnknown(in FlowKey flow, CaptureTimestamp instant) =>
        _unknown.TryGetValue(flow.Canonical(out _), out long until) && instant.Nanoseconds < until;

    private void Remember(in FlowKey flow, CaptureTimestamp instant)
    {
        FlowKey key = flow.Canonical(out _);
        if (_unknown.Count >= MostUnknown && !_unknown.ContainsKey(key))
        {
            _unknown.Clear();
        }

        if (!IsKnownToBeUnknown(flow, instant))
        {
            _unknown[key] = instant.Nanoseconds + UnknownMemory;
        }
    }
}
