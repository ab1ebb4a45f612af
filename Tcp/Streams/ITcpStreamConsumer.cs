using Interceptor.Packets;

namespace Interceptor.Tcp.Streams;

/// <summary>
/// Gets the bytes of the streams in order, each byte once. Called from inside <see cref="TcpTracker.Process(in PacketView, CaptureTimestamp, long)"/> and
/// <see cref="TcpTracker.Finish"/>; spans are valid during the call.
/// </summary>
public interface ITcpStreamConsumer
{
    /// <summary>Whether the bytes of this end's stream are wanted; asked once, when its first byte arrives.</summary>
    bool Wants(TcpEndpoint sender);

    /// <summary>The next bytes that <paramref name="sender"/> sent.</summary>
    /// <param name="sender">Whose stream.</param>
    /// <param name="at">When the packet was captured that made them deliverable.</param>
    /// <param name="data">At least one byte.</param>
    void OnData(TcpEndpoint sender, CaptureTimestamp at, ReadOnlySpan<byte> data);

    /// <summary>The capture does not hold the next <paramref name="length"/> bytes that <paramref name="sender"/> sent.</summary>
    void OnMissing(TcpEndpoint sender, CaptureTimestamp at, long length);
}
