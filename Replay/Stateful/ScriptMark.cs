namespace Interceptor.Replay.Stateful;

/// <summary>A FIN or a RST of one side.</summary>
/// <param name="Packet">Number of the packet in the capture, from 1.</param>
/// <param name="At">When that was captured, ns since the epoch.</param>
/// <param name="PeerOffset">What its sender had received by then, as in <see cref="ScriptPiece"/>.</param>
internal readonly record struct ScriptMark(long Packet, long At, long PeerOffset);
