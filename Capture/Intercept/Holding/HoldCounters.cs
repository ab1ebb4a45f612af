namespace Interceptor.Capture.Intercept;

/// <summary>What a <see cref="HoldQueue"/> counted: <c>Held = Released + Dropped + Copies + Waiting</c>. Plain data.</summary>
public record struct HoldCounters
{
    /// <summary>Packets that came and were held, copies of held ones with them.</summary>
    public long Held { get; internal set; }

    /// <summary>Packets that were held and went on.</summary>
    public long Released { get; internal set; }

    /// <summary>Packets that were held and dropped, or dropped because there was no room.</summary>
    public long Dropped { get; internal set; }

    /// <summary>Packets that were dropped because another one with all that they have is held.</summary>
    public long Copies { get; internal set; }

    /// <summary>Packets held now.</summary>
    public long Waiting { get; internal set; }

    /// <summary>Bytes of them.</summary>
    public long WaitingBytes { get; internal set; }
}
