using Interceptor.Capture.Intercept;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Breakpoints;

namespace Interceptor.Cli.Holding;

/// <summary>
/// Follows the connections of the packets that come to a hold queue: for its breakpoints, and to say when a sender will send again what is held.
/// A packet that comes by at several hooks is followed at the first of them.
/// <para>Threads: any.</para>
/// </summary>
/// <param name="breakpoint">Where holding begins; null for everywhere.</param>
internal sealed class HoldWatch(Breakpoint? breakpoint) : ITcpConnectionSink
{
    private const long TrackerBytes = 64L * 1024 * 1024;
    private const int MaximumDirections = 65536;

    private readonly Lock _gate = new();
    private readonly Dictionary<FlowKey, FirewallHook> _hooks = [];
    private TcpTracker? _tracker;
    private BreakpointJudge? _judge;

    /// <summary>Follows the packet; true if holding begins at it. Without a breakpoint it begins at each.</summary>
    internal bool Take(in PacketView packet, FirewallHook hook, CaptureTimestamp at)
    {
        lock (_gate)
        {
            _tracker ??= new TcpTracker(new TcpTrackerOptions { HashStreams = false, MaximumBytes = TrackerBytes, NotesLoneSyns = false }, sink: this);
            _judge ??= new BreakpointJudge(_tracker, breakpoint);
            bool isFirstHook = !packet.TryGetFlow(out FlowKey flow) || HookOf(in flow, hook) == hook;
            bool isHit = isFirstHook && _judge.Process(in packet, at);
            return breakpoint is null || isHit;
        }
    }

    /// <summary>
    /// How long until its sender sends it again, ns, negative where that is overdue; null where it is not known, or not to be expected: what this machine's own TCP sent it does not send
    /// again while it is held at output, as the kernel sees that it still has the first copy (skb_still_in_host_queue, net/ipv4/tcp_output.c).
    /// </summary>
    internal long? ResentIn(HeldItem item)
    {
        PacketView view = item.Parse();
        if (item.Hook == FirewallHook.Output || !TcpSegment.TryCreate(in view, out TcpSegment segment) || segment.SequenceLength == 0 || segment.Rst)
        {
            return null;
        }

        lock (_gate)
        {
            if (_tracker is null || !_tracker.TryFind(item.Flow, out TcpConnection? connection))
            {
                return null;
            }

            TcpEndpoint sender = connection!.First.Address == item.Flow.Source ? connection.First : connection.Second;
            return RetransmissionTimer.NextAt(sender, segment.Sequence) is { } due ? due - Clock.RealtimeNanoseconds() : null;
        }
    }

    void ITcpConnectionSink.Take(in TcpConnectionReport report)
    {
    }

    private FirewallHook HookOf(in FlowKey flow, FirewallHook hook)
    {
        if (_hooks.TryGetValue(flow, out FirewallHook known))
        {
            return known;
        }

        if (_hooks.Count == MaximumDirections)
        {
            _hooks.Clear();
        }

        _hooks.Add(flow, hook);
        return hook;
    }
}
