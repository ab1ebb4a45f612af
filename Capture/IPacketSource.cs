using Interceptor.Packets;

namespace Interceptor.Capture;

/// <summary>
/// Where packets come from, pulled one at a time without copying.
/// <para>Threads: one reader. What <see cref="TryRead"/> lends is valid until the next call.</para>
/// </summary>
public interface IPacketSource : IDisposable
{
    /// <summary>The interfaces met so far, in order of their ids; a pcapng file may add to them while it is read.</summary>
    IReadOnlyList<CaptureInterface> Interfaces { get; }

    /// <summary>The next packet; false at the end.</summary>
    /// <exception cref="CaptureFileException">The file is damaged here; everything before it was delivered.</exception>
    bool TryRead(out CapturedPacket packet);
}
