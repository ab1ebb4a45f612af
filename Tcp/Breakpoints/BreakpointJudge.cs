using Interceptor.Packets;

namespace Interceptor.Tcp.Breakpoints;

/// <summary>
/// Asks a <see cref="Breakpoint"/> about each packet, with what a tracker makes of it. Deterministic: no clock, thread or I/O.
/// <para>Threads: one at a time.</para>
/// </summary>
/// <param name="tracker">Follows the connections; each packet is given to it here, and nowhere else.</param>
/// <param name="breakpoint">The condition; null for one that never holds, where only the tracking is wanted.</param>
public sealed class BreakpointJudge(TcpTracker tracker, Breakpoint? breakpoint)
{
    private long _number;

    /// <summary>Follows the packet, and says whether the condition holds.</summary>
    /// <param name="packet">The decoded packet.</param>
    /// <param name="at">When it was captured.</param>
    public bool Process(in PacketView packet, CaptureTimestamp at)
    {
        _number++;
        TcpDirectionCounters before = default;
        packet.TryGetFlow(out FlowKey flow);
        if (tracker.TryFind(in flow, out TcpConnection? known))
        {
            before = known!.SenderOf(in flow).Counters;
        }

        TcpConnection? connection = tracker.Process(in packet, at, _number);
        if (breakpoint is null)
        {
            return false;
        }

        if (connection is null || !TcpSegment.TryCreate(in packet, out TcpSegment segment))
        {
            return breakpoint.Matches(new BreakpointSubject { Length = packet.PayloadLength, Payload = packet.Payload });
        }

        // A SYN may have begun another connection on the same addresses and ports.
        before = ReferenceEquals(connection, known) ? before : default;
        return breakpoint.Matches(SubjectOf(connection.SenderOf(in flow), in segment, in before));
    }

    private static BreakpointSubject SubjectOf(TcpEndpoint sender, in TcpSegment segment, in TcpDirectionCounters before) => new()
    {
        IsTcp = true,
        Flags = segment.Flags,
        WindowField = segment.WindowField,
        Window = segment.Syn ? segment.WindowField : (long)segment.WindowField << sender.WindowScale,
        Sequence = segment.Sequence.Unwrap(sender.FirstNumber, sender.Stream.StreamBytes),
        Acknowledgment = segment.Acknowledgment.Unwrap(sender.Peer.FirstNumber, sender.Peer.Stream.StreamBytes),
        IsRetransmission = sender.Counters.Retransmissions > before.Retransmissions,
        IsOutOfOrder = sender.Counters.OutOfOrder > before.OutOfOrder,
        Length = segment.Length,
        Payload = segment.Payload,
    };
}
