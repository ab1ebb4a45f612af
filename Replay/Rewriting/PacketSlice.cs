namespace Interceptor.Replay.Rewriting;

/// <summary>A part of a capture: packets that have all that is asked for. Immutable.</summary>
public sealed record PacketSlice
{
    /// <summary>Packets of this instant and later; null from the beginning.</summary>
    public SliceBound? Start { get; init; }

    /// <summary>Packets of this instant and earlier; null to the end.</summary>
    public SliceBound? End { get; init; }

    /// <summary>Packets of these numbers, the first of the capture being 1; null for any.</summary>
    public NumberRanges? Numbers { get; init; }

    /// <summary>Packets of these TCP connections, by the ids that <c>interceptor tcp</c> gives them; null for any packet.</summary>
    public NumberRanges? Connections { get; init; }

    /// <summary>True where it is the whole capture.</summary>
    public bool IsWhole => Start is null && End is null && Numbers is null && Connections is null;
}
