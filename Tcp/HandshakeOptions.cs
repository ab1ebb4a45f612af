namespace Interceptor.Tcp;

/// <summary>What one end offered on its SYN. Plain data; the default value is: no SYN was seen.</summary>
public readonly record struct HandshakeOptions
{
    /// <summary>A SYN of this end was seen.</summary>
    public bool IsKnown { get; init; }

    /// <summary>MSS in bytes, or null.</summary>
    public ushort? MaximumSegmentSize { get; init; }

    /// <summary>Shift count as sent, or null.</summary>
    public byte? WindowScale { get; init; }

    /// <summary>SACK was permitted.</summary>
    public bool SackPermitted { get; init; }

    /// <summary>Timestamps were offered.</summary>
    public bool Timestamps { get; init; }

    internal static HandshakeOptions From(in TcpSegment syn) => new()
    {
        IsKnown = true,
        MaximumSegmentSize = syn.Options.MaximumSegmentSize,
        WindowScale = syn.Options.WindowScale,
        SackPermitted = syn.Options.SackPermitted,
        Timestamps = syn.Options.HasTimestamps,
    };
}
