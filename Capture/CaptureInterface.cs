using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Capture;

/// <summary>An interface that packets of a source were captured on.</summary>
/// <param name="LinkType">What a packet's first byte belongs to.</param>
/// <param name="SnapLength">Bytes kept of a packet; 0 where there is no limit.</param>
/// <param name="Name">Its name on the capturing machine, or null.</param>
/// <param name="Description">What the capturing machine said of it, or null.</param>
public sealed record CaptureInterface(LinkType LinkType, int SnapLength, string? Name = null, string? Description = null)
{
    /// <summary>Packets the interface or the kernel dropped, where the source recorded it.</summary>
    public long? Dropped { get; init; }

    /// <summary>The pcap-filter expression that its packets passed, or null (if_filter).</summary>
    public string? Filter { get; init; }

    /// <summary>The operating system of the capturing machine, or null (if_os).</summary>
    public string? OperatingSystem { get; init; }

    /// <summary>The hardware of the interface, or null (if_hardware).</summary>
    public string? Hardware { get; init; }

    /// <summary>A comment on it, or null (opt_comment). Of several the first is read.</summary>
    public string? Comment { get; init; }

    /// <summary>The counters recorded for it, the latest of each; none of them set where the source recorded none.</summary>
    public InterfaceStatistics Statistics { get; init; }

    /// <summary>Units of its timestamps in one second as the source recorded them (1,000,000 or 1,000,000,000 mostly).</summary>
    public ulong TimestampResolution { get; init; } = 1_000_000_000;
}
