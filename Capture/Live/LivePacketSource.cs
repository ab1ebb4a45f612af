using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// A live capture pulled like a file: <see cref="TryRead(out CapturedPacket)"/> waits for the next packet. Ends when the capture is stopped.
/// <para>Ownership: it owns the capture and disposes it. Threads: one reader; the capture may be stopped on any.</para>
/// </summary>
public sealed class LivePacketSource : IPacketSource
{
    private readonly ILivePacketSelector? _selector;
    private readonly PacketLeasePool _leases = new();
    private PacketLease? _lent;
    private PacketLease? _next;

    /// <summary>Reads from <paramref name="capture"/>, which nobody else may read.</summary>
    /// <param name="capture">The capture.</param>
    /// <param name="selector">Which of its packets to give; null for all.</param>
    public LivePacketSource(LiveCapture capture, ILivePacketSelector? selector = null)
    {
        ArgumentNullException.ThrowIfNull(capture);
        Capture = capture;
        _selector = selector;
    }

    /// <summary>The capture.</summary>
    public LiveCapture Capture { get; }

    /// <inheritdoc/>
    public IReadOnlyList<CaptureInterface> Interfaces => Capture.Descriptions;

    /// <summary>Packets that <see cref="TryRead(out CapturedPacket)"/> has given.</summary>
    public long PacketsRead { get; private set; }

    /// <summary>Packets that were captured and not selected.</summary>
    public long PacketsPassedOver { get; private set; }

    /// <summary>A remark of the selector on the packet lent; null for none.</summary>
    public string? Comment { get; private set; }

    /// <summary>True if <see cref="TryRead(out CapturedPacket)"/> would have to wait: the moment to show what was gathered.</summary>
    public bool WouldWait => _selector is null ? Capture.WouldWait : !TrySelect(_selector, TimeSpan.Zero);

    /// <summary>True when every packet was read and none will come.</summary>
    public bool HasEnded => Capture.HasEnded && _next is null;

    /// <inheritdoc/>
    /// <exception cref="Interop.LinuxException">The last interface went down or away; every packet before was delivered.</exception>
    public bool TryRead(out CapturedPacket packet) => TryRead(out packet, null);

    /// <summary>The same with a limit of time: false when it is over, and at the end, as <see cref="HasEnded"/> tells.</summary>
    /// <param name="packet">The packet, valid until the next call.</param>
    /// <param name="timeout">How long to wait; null for ever.</param>
    /// <exception cref="Interop.LinuxException">The last interface went down or away; every packet before was delivered.</exception>
    public bool TryRead(out CapturedPacket packet, TimeSpan? timeout)
    {
        _lent?.Dispose();
        _lent = null;
        Comment = null;
        if (_selector is null)
        {
            if (!Capture.TryRead(out packet, timeout))
            {
                return false;
            }

            PacketsRead++;
            return true;
        }

        if (!TrySelect(_selector, timeout))
        {
            packet = default;
            return false;
        }

        _lent = _next!;
        _next = null;
        PacketsRead++;
        Comment = _selector.Comment;
        _lent.Metadata = _lent.Metadata with { Number = PacketsRead };
        packet = _lent.Packet;
        return true;
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

    /// <summary>Keeps the next selected packet, if one comes in time.</summary>
    private bool TrySelect(ILivePacketSelector selector, TimeSpan? timeout)
    {
        // Packets that are passed over must not begin the time anew.
        long start = Environment.TickCount64;
        TimeSpan? left = timeout;
        while (_next is null && Capture.TryRead(out CapturedPacket packet, left))
        {
            if (timeout > TimeSpan.Zero)
            {
                left = TimeSpan.FromMilliseconds(Math.Max(0, timeout.Value.TotalMilliseconds - (Environment.TickCount64 - start)));
            }

            if (selector.Selects(packet))
            {
                _next = _leases.Copy(packet);
            }
            else
            {
                PacketsPassedOver++;
            }
        }

        return _next is not null;
    }
}
