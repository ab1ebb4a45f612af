using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>The counters of an interface statistics block (draft-ietf-opsawg-pcapng, section 4.6); null where not recorded.</summary>
public readonly record struct InterfaceStatistics
{
    /// <summary>When the capture began (isb_starttime).</summary>
    public CaptureTimestamp? Start { get; init; }

    /// <summary>When it ended (isb_endtime).</summary>
    public CaptureTimestamp? End { get; init; }

    /// <summary>Packets that the interface received (isb_ifrecv).</summary>
    public ulong? Received { get; init; }

    /// <summary>Packets that the interface dropped for lack of resources (isb_ifdrop).</summary>
    public ulong? DroppedByInterface { get; init; }

    /// <summary>Packets that the filter accepted (isb_filteraccept).</summary>
    public ulong? AcceptedByFilter { get; init; }

    /// <summary>Packets that the operating system dropped (isb_osdrop).</summary>
    public ulong? DroppedBySystem { get; init; }

    /// <summary>Packets that reached the capturing program (isb_usrdeliv).</summary>
    public ulong? Delivered { get; init; }

    /// <summary>Drops of the interface and of the operating system together, at most <see cref="long.MaxValue"/>; null where neither is recorded.</summary>
    public long? Dropped => (DroppedByInterface ?? DroppedBySystem) is null ? null
        : (long)UInt128.Min((UInt128)(DroppedByInterface ?? 0) + (DroppedBySystem ?? 0), long.MaxValue);
}
