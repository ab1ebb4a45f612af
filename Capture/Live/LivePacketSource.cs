using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// A live capture pulled like a file: <see cref="TryRead"/> waits for the next packet. Ends when the capture is stopped.
/// <para>Ownership: it owns the capture and disposes it. Threads: one reader; the capture may be stopped on any.</para>
/// </summary>
public sealed class LivePacketSource : IPacketSource
{
    private PacketLease? _lent;

    /// <summary>Reads from <paramref name="capture"/>, which nobody else may read.</summary>
    public LivePacketSource(LiveCapture capture)
    {
        ArgumentNullException.ThrowIfNull(capture);
        Capture = capture;
        Interfaces = [capture.Interface];
    }

    /// <summary>The capture.</summary>
    public LiveCapture Capture { get; }

    /// <inheritdoc/>
    public IReadOnlyList<CaptureInterface> Interfaces { get; }

    /// <summary>Packets that <see cref="TryRead"/> has given.</summary>
    public long PacketsRead { get; private set; }

    /// <summary>True if <see cref="TryRead"/> would have to wait: the moment to show what was gathered.</summary>
    public bool WouldWait => !Capture.Packets.TryPeek(out _);

    /// <inheritdoc/>
    /// <exception cref="Interop.LinuxException">The interface went down or away; every packet before was delivered.</exception>
    public bool TryRead(out CapturedPacket packet)
    {
        _lent?.Dispose();
        _lent = null;
        do
        {
            if (Capture.Packets.TryRead(out PacketLease? lease))
            {
                _lent = lease;
                PacketsRead++;
                packet = lease.Packet;
                return true;
            }
        }
        while (Capture.Packets.WaitToReadAsync().AsTask().GetAwaiter().GetResult());
        packet = default;
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lent?.Dispose();
        _lent = null;
        Capture.Dispose();
    }
}
