namespace Interceptor.Replay.Sides;

/// <summary>What left by one interface of a two-sided replay.</summary>
/// <param name="Packets">Packets sent.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Failed">Packets that the kernel refused.</param>
public readonly record struct SideCounts(long Packets, long Bytes, long Failed);
