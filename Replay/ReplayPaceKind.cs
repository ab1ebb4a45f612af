namespace Interceptor.Replay;

/// <summary>What decides when a packet is due.</summary>
public enum ReplayPaceKind
{
    /// <summary>The capture's timestamps, divided by a factor.</summary>
    Original,

    /// <summary>A number of packets in a second.</summary>
    PacketRate,

    /// <summary>A number of bits in a second, of the packets as they are sent (no preamble, gap or frame check sequence).</summary>
    DataRate,

    /// <summary>Nothing: each packet is due at once.</summary>
    TopSpeed,

    /// <summary>Somebody, for each packet.</summary>
    Step,
}
