namespace Interceptor.Capture.Intercept;

/// <summary>
/// What an interception did. <b>Fates</b>: every packet received has exactly one of <see cref="Accepted"/>, <see cref="Dropped"/>, <see cref="Edited"/> and
/// <see cref="LostInKernel"/>, and they add up to <see cref="Received"/>. <b>Treatments</b> are counted beside them: a packet that was delayed and then went on is one
/// received, one accepted and one delayed. <b>Outside</b>: what never came to us is in <see cref="KernelQueueDropped"/>,
/// <see cref="KernelUserDropped"/> and <see cref="Escaped"/>.
/// </summary>
public sealed record InterceptSummary
{
    /// <summary>Packets the kernel handed over.</summary>
    public long Received { get; init; }

    /// <summary>Fate: went on unchanged.</summary>
    public long Accepted { get; init; }

    /// <summary>Fate: dropped by a verdict.</summary>
    public long Dropped { get; init; }

    /// <summary>Fate: went on with other bytes.</summary>
    public long Edited { get; init; }

    /// <summary>Fate: the kernel had dropped it before our verdict came.</summary>
    public long LostInKernel { get; init; }

    /// <summary>Treatment: kept for its delay.</summary>
    public long Delayed { get; init; }

    /// <summary>Treatment: went on behind one that had come later.</summary>
    public long Reordered { get; init; }

    /// <summary>How much later than they were due delayed packets went on: the median, ns.</summary>
    public long DelayErrorMedian { get; init; }

    /// <summary>The 99th percentile of it, ns.</summary>
    public long DelayErrorPercentile99 { get; init; }

    /// <summary>The largest, ns.</summary>
    public long DelayErrorMaximum { get; init; }

    /// <summary>Treatment: a copy was sent beside it.</summary>
    public long Duplicated { get; init; }

    /// <summary>Treatment: it was dropped, and its connection reset; each is one of <see cref="Dropped"/>.</summary>
    public long Resets { get; init; }

    /// <summary>Packets of our own that were sent: copies and resets.</summary>
    public long Injected { get; init; }

    /// <summary>A copy was meant to be sent and could not be: too long for its route, or refused by the firewall.</summary>
    public long DuplicatesFailed { get; init; }

    /// <summary>Treatment: it went on with a bit turned over; each is one of <see cref="Edited"/>.</summary>
    public long Corrupted { get; init; }

    /// <summary>Replacements made; each counts once, however often its segment was sent.</summary>
    public long Replacements { get; init; }

    /// <summary>Bytes by which replacements made what was carried longer; negative for shorter.</summary>
    public long EditDeltaBytes { get; init; }

    /// <summary>Connections that were not edited because their beginning, or one of their directions, was not seen.</summary>
    public long MidstreamRefused { get; init; }

    /// <summary>Connections that were not edited because they are signed, Multipath TCP, or began with data.</summary>
    public long EditsRefused { get; init; }

    /// <summary>Connections whose numbers were translated when the interception ended: both ends got a reset.</summary>
    public long TranslatedAtEnd { get; init; }

    /// <summary>Of the dropped: too many were waiting under the rate already.</summary>
    public long OverRate { get; init; }

    /// <summary>Treatment: kept in the <see cref="HoldQueue"/>, copies of what was held there with them.</summary>
    public long Held { get; init; }

    /// <summary>Treatment: held packets that went on, and delayed ones that did so before their time because the interception ended.</summary>
    public long Released { get; init; }

    /// <summary>Of the received: passed on untouched because the filter, applied by us, did not match.</summary>
    public long Unmatched { get; init; }

    /// <summary>Outside: dropped by the kernel because the queue was full.</summary>
    public long KernelQueueDropped { get; init; }

    /// <summary>Outside: dropped by the kernel because the receive buffer was full.</summary>
    public long KernelUserDropped { get; init; }

    /// <summary>
    /// Outside: packets that the rules took and that passed unseen (fail-open, or nobody listened): the rules' own count less all the others. The kernel has
    /// no counter for them.
    /// </summary>
    public long Escaped { get; init; }

    /// <summary>True if the fates add up to what was received.</summary>
    public bool IsBalanced => Received == Accepted + Dropped + Edited + LostInKernel;

    /// <summary>The counters of two queues of one interception; what the session counts for all of them is left out.</summary>
    internal InterceptSummary Plus(InterceptSummary other) => new()
    {
        Received = Received + other.Received,
        Accepted = Accepted + other.Accepted,
        Dropped = Dropped + other.Dropped,
        Edited = Edited + other.Edited,
        LostInKernel = LostInKernel + other.LostInKernel,
        Delayed = Delayed + other.Delayed,
        Reordered = Reordered + other.Reordered,
        Duplicated = Duplicated + other.Duplicated,
        DuplicatesFailed = DuplicatesFailed + other.DuplicatesFailed,
        Resets = Resets + other.Resets,
        Injected = Injected + other.Injected,
        Corrupted = Corrupted + other.Corrupted,
        Replacements = Replacements + other.Replacements,
        EditDeltaBytes = EditDeltaBytes + other.EditDeltaBytes,
        MidstreamRefused = MidstreamRefused + other.MidstreamRefused,
        EditsRefused = EditsRefused + other.EditsRefused,
        TranslatedAtEnd = TranslatedAtEnd + other.TranslatedAtEnd,
        Released = Released + other.Released,
        KernelQueueDropped = KernelQueueDropped + other.KernelQueueDropped,
        KernelUserDropped = KernelUserDropped + other.KernelUserDropped,
    };
}
