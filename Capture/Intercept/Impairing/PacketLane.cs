namespace Interceptor.Capture.Intercept;

/// <summary>
/// One direction of a flow at one hook: the packets that are in order with each other, and what the choices for the next one depend on. Two runs of the same traffic have
/// the same lanes, whatever their ports and times are.
/// </summary>
/// <param name="flow">The flow's place in order of first sight, from 0.</param>
/// <param name="direction">0 for the direction of the flow's first packet, 1 for the other.</param>
/// <param name="hook">Where the packets are taken.</param>
internal sealed class PacketLane(long flow, int direction, FirewallHook hook)
{
    internal long Flow { get; } = flow;

    internal int Direction { get; } = direction;

    internal FirewallHook Hook { get; } = hook;

    /// <summary>What the choices of the lane are drawn from.</summary>
    internal ulong Key { get; init; }

    /// <summary>Packets that came.</summary>
    internal long Packets { get; set; }

    /// <summary>The packet that came last of those that went on, from 1; 0 for none.</summary>
    internal long NewestReleased { get; set; }

    /// <summary>The channel of a <see cref="GilbertElliott"/> is bad.</summary>
    internal bool IsBad { get; set; }

    /// <summary>The last packet was lost.</summary>
    internal bool WasLost { get; set; }

    /// <summary>The last draw of a correlated delay.</summary>
    internal double LastNormal { get; set; }

    /// <summary>Packets since one overtook.</summary>
    internal int SinceOvertaking { get; set; }
}
