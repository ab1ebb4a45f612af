namespace Interceptor.Capture.Intercept;

/// <summary>Sees what becomes of each matching packet, once for each: in order of arrival, but for those that are edited or held, which are told when they leave.</summary>
/// <param name="fate">The packet and its fate, borrowed until the return.</param>
public delegate void InterceptObserver(in InterceptedFate fate);
