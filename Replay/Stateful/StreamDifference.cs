namespace Interceptor.Replay.Stateful;

/// <summary>A stretch in which a stream is not the one that was expected.</summary>
/// <param name="Offset">Where it begins in the expected stream.</param>
/// <param name="ExpectedLength">Expected bytes in it; 0 for bytes that were put in.</param>
/// <param name="SeenLength">Seen bytes in it; 0 for bytes that are missing.</param>
/// <param name="Expected">The first of the expected bytes.</param>
/// <param name="Seen">The first of the seen bytes.</param>
internal sealed record StreamDifference(long Offset, long ExpectedLength, long SeenLength, byte[] Expected, byte[] Seen);
