namespace Interceptor.Replay.Rewriting;

/// <summary>Where a slice of a capture begins or ends.</summary>
/// <param name="Nanoseconds">The distance from the first packet, or the instant since the epoch; ns.</param>
/// <param name="IsRelative">It counts from the first packet of the capture.</param>
public readonly record struct SliceBound(long Nanoseconds, bool IsRelative);
