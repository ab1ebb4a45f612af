using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>The first segment of a TCP connection.</summary>
/// <param name="Flow">The connecting end is the source.</param>
/// <param name="Instant">When it was sent.</param>
internal readonly record struct SocketOpening(FlowKey Flow, CaptureTimestamp Instant);
