namespace Interceptor.Replay.Stateful;

/// <summary>How the times of the capture become those of the replay. Immutable.</summary>
public sealed record ConversationPace
{
    /// <summary>As captured.</summary>
    public static ConversationPace Original { get; } = new();

    /// <summary>Each step as soon as what it depends on has happened.</summary>
    public static ConversationPace TopSpeed { get; } = new() { SpeedMillionths = null };

    /// <summary>How many times as fast as captured, in millionths; null: no waiting at all.</summary>
    public long? SpeedMillionths { get; init; } = ReplayPace.SpeedUnit;

    /// <summary>The longest wait before a step, from what it depends on; null for any.</summary>
    public TimeSpan? MaxGap { get; init; }

    /// <summary>What a time of the capture takes now, both in ns; nothing for a negative one.</summary>
    internal long Scale(long captured)
    {
        if (SpeedMillionths is not { } speed || captured <= 0)
        {
            return 0;
        }

        Int128 scaled = (Int128)captured * ReplayPace.SpeedUnit / speed;
        Int128 limit = MaxGap is { } gap ? (Int128)gap.Ticks * 100 : long.MaxValue / 4;
        return (long)Int128.Min(scaled, limit);
    }
}
