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

    /// <summary>Packets sent at most; null for all.</summary>
    public long? Limit { get; init; }

    /// <summary>Packets due later than this from the start are not sent; null for all.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The longest wait between two packets at the original pace; null for any.</summary>
    public TimeSpan? MaxGap { get; init; }

    /// <summary>Only packets that match are sent; null for all.</summary>
    public LinkTypeFilter? Filter { get; init; }

    /// <summary>True for link types that the target carries; null for all.</summary>
    public Func<LinkType, bool>? Accepts { get; init; }
}
