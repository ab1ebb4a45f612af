using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// A live capture pulled like a file: <see cref="TryRead"/> waits for the next packet. Ends when the capture is stopped.
/// <para>Ownership: it owns the capture and disposes it. Threads: one reader; the capture may be stopped on any.</para>
/// </summary>
public sealed class LivePacketSource : IPacketSource
{
    private readonly ILivePacketSelector? _selector;
    private PacketLease? _lent;
    private PacketLease? _next;

    /// <summary>Reads from <paramref name="capture"/>, which nobody else may read.</summary>
    /// <param name="capture">The capture.</param>
    /// <param name="selector">Which of its packets to give; null for all.</param>
    public LivePacketSource(LiveCapture capture, ILivePacketSelector? selector = null)
    {
        ArgumentNullException.ThrowIfNull(capture);
        Capture = capture;
        Interfaces = [capture.Interface];
        _selector = selector;
    }

    /// <summary>The capture.</summary>
    public LiveCapture Capture { get; }

    /// <inheritdoc/>
    public IReadOnlyList<CaptureInterface> Interfaces { get; }

    /// <summary>Packets that <see cref="TryRead"/> has given.</summary>
    public long PacketsRead { get; private set; }

    /// <summary>Packets that were captured and not selected.</summary>
    public long PacketsPassedOver { get; private set; }

    /// <summary>A remark of the selector on the packet lent; null for none.</summary>
    public string? Comment { get; private set; }

    /// <summary>True if <see cref="TryRead"/> would have to wait: the moment to show what was gathered.</summary>
    public bool WouldWait => !TryTake();

    /// <inheritdoc/>
    /// <exception cref="Interop.LinuxException">The interface went down or away; every packet before was delivered.</exception>
    public bool TryRead(out CapturedPacket packet)
    {
        _lent?.Dispose();
        _lent = null;
        Comment = null;
        do
        {
            if (TryTake())
            {
                _lent = _next!;
                _next = null;
                PacketsRead++;
                if (_selector is not null)
                {
                    Comment = _selector.Comment;
                    _lent.Metadata = _lent.Metadata with { Number = PacketsRead };
                }

                packet = _lent.Packet;
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
        _next?.Dispose();
        _lent = null;
        _next = null;
        Capture.Dispose();
    }

    /// <summary>Takes the next selected packet out of the queue, if one is there.</summary>
    private bool TryTake()
    {
        while (_next is null && Capture.Packets.TryRead(out PacketLease? lease))
        {
            if (_selector is null || _selector.Selects(lease.Packet))
            {
                _next = lease;
            }
            else
            {
                lease.Dispose();
                PacketsPassedOver++;
            }
        }

        return _next is not null;
    }
}
