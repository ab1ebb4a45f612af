using Interceptor.Packets;

namespace Interceptor.Tcp.Rebuild;

/// <summary>Text that came beyond a gap, and that the socket holds back.</summary>
/// <param name="Start">Number of its first byte.</param>
/// <param name="Text">The bytes; may be empty with a FIN.</param>
/// <param name="Fin">The peer's FIN follows it.</param>
/// <param name="At">When it was captured.</param>
public sealed record RebuiltSegment(SequenceNumber Start, ReadOnlyMemory<byte> Text, bool Fin, CaptureTimestamp At);
