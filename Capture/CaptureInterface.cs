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

    /// <summary>Units of its timestamps in one second as the source recorded them (1,000,000 or 1,000,000,000 mostly).</summary>
    public ulong TimestampResolution { get; init; } = 1_000_000_000;
}
