using Interceptor.Packets;

namespace Interceptor.Capture;

/// <summary>
/// Where packets go to: a file or a wire.
/// <para>Threads: one writer.</para>
/// </summary>
public interface IPacketSink : IDisposable
{
    /// <summary>Takes one packet; its bytes are used before the call returns.</summary>
    void Write(in CapturedPacket packet);

    /// <summary>Makes what was written visible to a reader of the same file; a wire has nothing to do.</summary>
    void Flush();
}
