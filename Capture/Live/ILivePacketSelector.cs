using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Decides which packets of a live capture its reader gets, after the kernel's filter, and what is remarked on them.
/// <para>Threads: the reader's.</para>
/// </summary>
public interface ILivePacketSelector
{
    /// <summary>True if the reader gets the packet. Called once for each packet, in order; may wait a little for what it needs to know.</summary>
    bool Selects(in CapturedPacket packet);

    /// <summary>A remark on the packet that was selected last, for its comment in the file; null for none.</summary>
    string? Comment { get; }
}
