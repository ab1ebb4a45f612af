using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Sees each packet once when it comes to a <see cref="HoldQueue"/>, also those that are held anyway, in order of arrival, and says whether holding begins at it.
/// Called on the threads of the interception, one at a time.
/// </summary>
/// <param name="packet">The packet, borrowed until the return.</param>
/// <param name="hook">Where it was taken.</param>
/// <param name="at">When it was received.</param>
public delegate bool HoldTrigger(in PacketView packet, FirewallHook hook, CaptureTimestamp at);
