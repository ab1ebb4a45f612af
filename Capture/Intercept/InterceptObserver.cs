using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>Sees each matching packet with what was decided about it, when it is decided: in order of arrival, also those that are delayed.</summary>
/// <param name="packet">The packet, borrowed until the return.</param>
/// <param name="hook">Where it was taken.</param>
/// <param name="queueId">The kernel's number of it.</param>
/// <param name="decision">What is done to it.</param>
public delegate void InterceptObserver(in CapturedPacket packet, FirewallHook hook, uint queueId, ImpairmentDecision decision);
