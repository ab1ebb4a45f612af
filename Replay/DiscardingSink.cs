using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>Takes packets and does nothing: the target of a rehearsal.</summary>
public sealed class DiscardingSink : IPacketSink
{
    /// <inheritdoc/>
    public void Write(in CapturedPacket packet)
    {
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
