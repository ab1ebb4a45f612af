namespace Interceptor.Packets;

/// <summary>One SACK block: [<paramref name="Left"/>, <paramref name="Right"/>).</summary>
/// <param name="Left">First sequence number of the block.</param>
/// <param name="Right">The number behind its last.</param>
public readonly record struct SackBlock(SequenceNumber Left, SequenceNumber Right);
