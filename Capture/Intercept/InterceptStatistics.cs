namespace Interceptor.Capture.Intercept;

/// <summary>
/// What became of the packets of a queue. Every packet received has exactly one fate: <see cref="Accepted"/>, <see cref="Dropped"/>,
/// <see cref="Edited"/> or <see cref="LostInKernel"/>; while some are undecided, <see cref="Pending"/> is the rest.
/// A packet that was delayed or held and then accepted is accepted: delaying and holding are treatments, not fates.
/// </summary>
public sealed record InterceptStatistics
{
    /// <summary>Packets handed over by the kernel.</summary>
    public long Received { get; init; }

    /// <summary>Accepted as they were (with or without a new mark).</summary>
    public long Accepted { get; init; }

    /// <summary>Dropped by a verdict.</summary>
    public long Dropped { get; init; }

    /// <summary>Accepted with other bytes.</summary>
    public long Edited { get; init; }

    /// <summary>The verdict came too late: the kernel had dropped the packet (ENOENT), as it does when any base chain is unregistered.</summary>
    public long LostInKernel { get; init; }

    /// <summary>Received and not yet decided.</summary>
    public long Pending => Received - Accepted - Dropped - Edited - LostInKernel;

    /// <summary>Of the fates above, those given by default because nobody decided.</summary>
    public long Defaulted { get; init; }

    /// <summary>Messages that could not be read as packets; those with a packet id still got the default verdict and are in <see cref="Received"/>.</summary>
    public long MalformedMessages { get; init; }

    /// <summary>Times that the kernel reported a full receive buffer (ENOBUFS): wake-ups, not packets.</summary>
    public long Overruns { get; init; }

    /// <summary>Packets the kernel dropped because the queue was full (queue_dropped in /proc).</summary>
    public long KernelQueueDropped { get; init; }

    /// <summary>Packets the kernel dropped because the receive buffer was full (user_dropped in /proc).</summary>
    public long KernelUserDropped { get; init; }

    /// <summary>True when the fates add up: nothing is pending and nothing was decided twice.</summary>
    public bool IsBalanced => Pending == 0;
}
