namespace Interceptor.Capture.Live;

/// <summary>
/// What became of the packets of a live capture, up to one instant. When a capture has ended, <see cref="Received"/> is the sum of <see cref="Captured"/>,
/// <see cref="DroppedByKernel"/>, <see cref="DroppedByUser"/> and <see cref="LeftBehind"/>, on loopback too: each packet counts once.
/// </summary>
public readonly record struct LiveCaptureStatistics
{
    /// <summary>Packets put into the reader's queue.</summary>
    public long Captured { get; init; }

    /// <summary>Packets that passed the filter in the kernel, those that it dropped afterwards included.</summary>
    public long Received { get; init; }

    /// <summary>Packets that passed the filter and found the kernel's ring full.</summary>
    public long DroppedByKernel { get; init; }

    /// <summary>
    /// Packets that the interface or the way from it into the stack lost before any filter saw them (rtnetlink: dropped, missed, fifo errors), since the
    /// capture began. 0 for <c>any</c>, which is no interface.
    /// </summary>
    public long DroppedByInterface { get; init; }

    /// <summary>Packets that we dropped because the reader's queue was full.</summary>
    public long DroppedByUser { get; init; }

    /// <summary>Packets that were in the kernel's ring when the capture was disposed without being stopped and read to the end; 0 before.</summary>
    public long LeftBehind { get; init; }

    /// <summary>Packets that went through the interface, in and out, as its own counters tell, since the capture began; null where it has none.</summary>
    public long? Seen { get; init; }

    /// <summary>
    /// Packets that the filter kept from us: <see cref="Seen"/> without <see cref="Received"/>; 0 without a filter. Off by those that go through in the microseconds between the look at the
    /// interface's counters and the begin or end. Null where a driver counts what the capture does not see as one packet (hardware, which joins and splits them).
    /// </summary>
    public long? Filtered { get; init; }

    /// <summary>The counts of two interfaces together; what one of them does not know, both don't.</summary>
    public static LiveCaptureStatistics operator +(LiveCaptureStatistics left, LiveCaptureStatistics right) => new()
    {
        Captured = left.Captured + right.Captured,
        Received = left.Received + right.Received,
        DroppedByKernel = left.DroppedByKernel + right.DroppedByKernel,
        DroppedByInterface = left.DroppedByInterface + right.DroppedByInterface,
        DroppedByUser = left.DroppedByUser + right.DroppedByUser,
        LeftBehind = left.LeftBehind + right.LeftBehind,
        Seen = left.Seen + right.Seen,
        Filtered = left.Filtered + right.Filtered,
    };
}
