using Interceptor.Packets;

namespace Interceptor.Tcp.Streams;

/// <summary>What a receiver makes of a segment's text, as far as the packets tell.</summary>
/// <param name="RcvNxt">The number that it waited for when the segment came.</param>
/// <param name="IsTaken">It takes the text: the segment is in its window and not too old.</param>
/// <param name="IsProbe">One byte, the last that was acknowledged: a keep-alive or the probe of a closed window, there to be ignored.</param>
internal readonly record struct TextArrival(SequenceNumber RcvNxt, bool IsTaken, bool IsProbe);
