namespace Interceptor.Capture.Injection;

/// <summary>How a <see cref="LinkInjector"/> sends.</summary>
public sealed record LinkInjectorOptions
{
    /// <summary>Packets handed to the kernel in one call, 1 to 1024; 64 is where a veth pair stops getting faster. 1 sends each at once.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>
    /// Go past the interface's queueing discipline to the driver (PACKET_QDISC_BYPASS): faster, unshaped, and invisible to other captures
    /// on this machine. Off by default, so that a capture shows what was sent.
    /// </summary>
    public bool QdiscBypass { get; init; }
}
