using Interceptor.Packets;

namespace Interceptor.Capture;

/// <summary>
/// Where packets go to: a file or a wire.
/// <para>Threads: one writer.</para>
/// </summary>
public interface IPacketSink : IDisposable
{
    /// <summary>Takes one packet: its bytes are copied or sent before the call returns. A sink may gather packets until a batch is full.</summary>
    void Write(in CapturedPacket packet);

    /// <summary>
    /// Hands over what <see cref="Write"/> gathered: a file shows it to its readers, a wire sends it. Whoever paces packets calls it after each one that must
    /// not wait for others.
    /// </summary>
    void Flush();
}
