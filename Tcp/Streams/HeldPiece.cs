namespace Interceptor.Tcp.Streams;

/// <summary>Bytes of a stream that wait behind a gap.</summary>
/// <param name="Start">Offset of the first.</param>
/// <param name="Length">Bytes on the wire.</param>
/// <param name="Captured">Those that were captured: from the first on.</param>
internal readonly record struct HeldPiece(long Start, int Length, byte[] Captured);
