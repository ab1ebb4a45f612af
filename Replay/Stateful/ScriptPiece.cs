namespace Interceptor.Replay.Stateful;

/// <summary>Bytes of a stream that one packet of the capture carried first, up to where the next piece begins. Plain data.</summary>
/// <param name="Offset">Where it begins in the stream.</param>
/// <param name="Packet">Number of the packet in the capture, from 1.</param>
/// <param name="At">When that was captured, ns since the epoch; never before the piece in front of it.</param>
/// <param name="PeerOffset">What its sender had received in order from its peer by then, as its acknowledgment says: bytes of the stream, and one more for a FIN.</param>
/// <param name="StoreOffset">Where the bytes are kept; negative for bytes that the capture does not hold.</param>
internal readonly record struct ScriptPiece(long Offset, long Packet, long At, long PeerOffset, long StoreOffset)
{
    /// <summary>The capture does not hold its bytes.</summary>
    internal bool IsMissing => StoreOffset < 0;
}
