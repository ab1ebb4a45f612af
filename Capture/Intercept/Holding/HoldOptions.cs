using Interceptor.Filters;

namespace Interceptor.Capture.Intercept;

/// <summary>What a <see cref="HoldQueue"/> holds, and for how long.</summary>
public sealed record HoldOptions
{
    /// <summary>How much is held, and what happens beyond.</summary>
    public HoldLimits Limits { get; init; } = new();

    /// <summary>At which packets holding begins; null holds all that come.</summary>
    public HoldTrigger? Trigger { get; init; }

    /// <summary>Ends the holding so long after the first packet was held: all go on in order, and what comes later passes. Null for no such end.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>Ends the holding with the first packet, held itself, that matches; compiled for raw IP. Null for no such end.</summary>
    public PacketFilter? Until { get; init; }

    /// <summary>What is held when the interception ends is dropped; otherwise it goes on, in order.</summary>
    public bool DropsAtEnd { get; init; }
}
