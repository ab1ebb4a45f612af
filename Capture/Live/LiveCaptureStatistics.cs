namespace Interceptor.Capture.Live;

/// <summary>What became of the packets of a live capture, up to one instant.</summary>
public readonly record struct LiveCaptureStatistics
{
    /// <summary>Packets handed to the reader's queue.</summary>
    public long Captured { get; init; }

    /// <summary>
    /// Packets that passed the filter in the kernel, dropped ones included. On loopback it counts each packet twice, going out and coming
    /// in, of which libpcap delivers one.
    /// </summary>
    public long Received { get; init; }

    /// <summary>Packets that passed the filter and found the kernel's ring full.</summary>
    public long DroppedByKernel { get; init; }

    /// <summary>
    /// Packets that the interface dropped before any filter, as it tells; libpcap reads it from /sys, which shows the network namespace
    /// that mounted it.
    /// </summary>
    public long DroppedByInterface { get; init; }

    /// <summary>Packets that we dropped because the reader's queue was full.</summary>
    public long DroppedByUser { get; init; }
}
