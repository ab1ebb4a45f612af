namespace Interceptor.Capture.Live;

/// <summary>What a socket agreed on with its peer in the handshake, as its kernel tells it later.</summary>
/// <param name="OwnShift">Shift of the windows that it sends, 0 to 14.</param>
/// <param name="PeerShift">Shift of the windows that its peer sends.</param>
/// <param name="SegmentLength">Payload bytes of a full segment that it sends.</param>
/// <param name="PeerSegmentLength">Payload bytes of the largest segment that it told its peer to send.</param>
public readonly record struct SocketWindows(int OwnShift, int PeerShift, int SegmentLength, int PeerSegmentLength);
