using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>What of a capture is replayed, and how. Immutable but for the filter's cache.</summary>
public sealed record ReplayOptions
{
    /// <summary>How fast; as captured by default.</summary>
    public ReplayPace Pace { get; init; } = ReplayPace.Original;

    /// <summary>How often the capture is sent; 0 for ever. Once by default.</summary>
    public long Loop { get; init; } = 1;

    /// <summary>The wait between two rounds of a loop: the first packet of a round is due so long after the last one before; none by default.</summary>
    public TimeSpan LoopDelay { get; init; }

    /// <summary>Packets sent at most; null for all.</summary>
    public long? Limit { get; init; }

    /// <summary>Packets due later than this from the start are not sent; time paused does not count. Null for all.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The longest wait between two packets at the original pace; null for any.</summary>
    public TimeSpan? MaxGap { get; init; }

    /// <summary>Only packets that match are sent; null for all.</summary>
    public LinkTypeFilter? Filter { get; init; }

    /// <summary>Packets that were cut when they were captured are left out; by default what there is of them is sent.</summary>
    public bool SkipCut { get; init; }

    /// <summary>
    /// A thread reads ahead, so that no deadline waits for the file. Off by default: then a packet is read when the one before was sent, on one thread.
    /// </summary>
    public bool ReadAhead { get; init; }

    /// <summary>Flows are counted, both directions as one.</summary>
    public bool CountFlows { get; init; }

    /// <summary>The sending thread gets the lowest real-time priority, where privileges allow; only where deadlines are kept.</summary>
    public bool Prompt { get; init; }

    /// <summary>True for link types that the target carries; null for all.</summary>
    public Func<LinkType, bool>? Accepts { get; init; }
}
