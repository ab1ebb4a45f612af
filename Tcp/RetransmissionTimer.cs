namespace Interceptor.Tcp;

/// <summary>
/// When a tracked sender will send again what is not acknowledged, as an observer can know it: RFC 6298 with Linux's numbers, where the variation counts for 200 ms at least
/// (tcp_set_rto, __tcp_set_rto and TCP_RTO_MIN; net/ipv4/tcp_input.c and include/net/tcp.h), and its probe for the loss of the tail (RFC 8985, 7; tcp_schedule_loss_probe,
/// net/ipv4/tcp_output.c). The sender's round trip is that from the observer to the receiver and back, and the shortest to the sender and back. Pure.
/// </summary>
public static class RetransmissionTimer
{
    /// <summary>The longest timeout, ns: Linux's TCP_RTO_MAX.</summary>
    public const long MaximumTimeout = 120_000_000_000;

    // Two ticks of a timer (TCP_TIMEOUT_MIN), with 1000 in a second.
    private const long LeastProbeMargin = 2_000_000;

    // Linux's tcp_syn_linear_timeouts, since 6.5: so many timeouts of a SYN do not double the next.
    private const int LinearSynTimeouts = 4;

    /// <summary>The sender's retransmission timeout without backing off, ns: 1 s before the first round trip (RFC 6298, 2.1).</summary>
    public static long Timeout(TcpEndpoint sender)
    {
        ArgumentNullException.ThrowIfNull(sender);
        return sender.RoundTrips.Count == 0
            ? TcpEndpoint.InitialTimeout
            : RoundTrip(sender) + Math.Max(TcpEndpoint.MinimumTimeout, 4 * Variation(sender));
    }

    /// <summary>
    /// When the observer will see the sender's next retransmission, if nothing is acknowledged till then: ns of the capture's clock. Null where nothing is in flight, and where
    /// it is not known: who does not see the answers learns the timeout from the first retransmission.
    /// </summary>
    /// <param name="sender">The sender.</param>
    /// <param name="sequence">Of what is asked about: where no answers are seen, nobody knows what the oldest is that is not acknowledged.</param>
    public static long? NextAt(TcpEndpoint sender, Packets.SequenceNumber? sequence = null)
    {
        ArgumentNullException.ThrowIfNull(sender);
        WriteQueue queue = sender.WriteQueue;
        int oldest = 0;
        while (oldest < queue.SegmentCount && (queue[oldest].IsSacked || queue[oldest].Transmissions == 0))
        {
            oldest++;
        }

        if (oldest == queue.SegmentCount || sender.Connection.Closing == TcpClosing.Reset)
        {
            return null;
        }

        QueuedSegment head = queue[oldest];
        bool isAlone = queue.SegmentCount == 1;
        bool probes = sender.RoundTrips.Count > 0 && sender.Offer.SackPermitted && sender.Peer.Offer.SackPermitted;
        if (sender.RoundTrips.Count == 0 && !sender.IsOpening)
        {
            int index = sequence is { } asked ? queue.Find(asked) : oldest;
            return index < queue.SegmentCount && queue[index] is { Transmissions: > 1 } again ? again.LastSentAt + Interval(in again) : null;
        }

        long timeout = Timeout(sender);

        // Of a lone segment the first repetition is the probe's, behind which the timeout has not doubled yet.
        int doublings = Math.Max(0, head.Transmissions - (isAlone && probes ? 2 : 1));
        if (sender.IsOpening && !sender.Peer.Offer.IsKnown)
        {
            doublings = Math.Max(0, doublings - LinearSynTimeouts);
        }

        long due = head.LastSentAt + Math.Min(MaximumTimeout, timeout << Math.Min(doublings, 10));
        QueuedSegment tail = queue[queue.SegmentCount - 1];

        // The answer to a lone segment may be delayed: for it the probe waits so much longer.
        long margin = isAlone ? TcpEndpoint.MinimumTimeout : LeastProbeMargin;
        return probes && tail.Transmissions == 1 && head.Transmissions == 1 ? Math.Min(due, tail.LastSentAt + (2 * RoundTrip(sender)) + margin) : due;
    }

    // The first measurement counts half as variation (RFC 6298, 2.2), of the whole round trip; what later ones vary on the sender's side is not known.
    private static long Variation(TcpEndpoint sender) => sender.RoundTrips.Count == 1 ? RoundTrip(sender) / 2 : sender.RoundTrips.Variation;

    // As long again as all intervals till now: the first is the probe's and comes twice, then they double. Without the probe it is a little more.
    private static long Interval(in QueuedSegment segment) => Math.Min(MaximumTimeout, segment.LastSentAt - segment.FirstSentAt);

    private static long RoundTrip(TcpEndpoint sender) => sender.RoundTrips.Smoothed + sender.PathTime;
}
