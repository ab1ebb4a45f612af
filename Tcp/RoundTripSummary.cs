namespace Interceptor.Tcp;

/// <summary>The round-trip times of one direction in five numbers; all 0 without samples.</summary>
/// <param name="Count">Samples seen.</param>
/// <param name="Minimum">Shortest, ns.</param>
/// <param name="Median">Half of the samples do not exceed it, ns.</param>
/// <param name="Percentile99">99 % of the samples do not exceed it, ns.</param>
/// <param name="Maximum">Longest, ns.</param>
public readonly record struct RoundTripSummary(long Count, long Minimum, long Median, long Percentile99, long Maximum);
