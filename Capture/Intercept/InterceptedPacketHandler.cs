namespace Interceptor.Capture.Intercept;

/// <summary>
/// Decides about one packet. The packet is lent until the handler returns: without a verdict by then it gets the queue's default.
/// Who needs it longer calls <see cref="InterceptedPacket.Keep"/>.
/// </summary>
/// <param name="packet">The packet.</param>
public delegate void InterceptedPacketHandler(InterceptedPacket packet);
