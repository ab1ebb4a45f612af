namespace Interceptor.Capture.Injection;

/// <summary>Why packets were not sent, and how many.</summary>
/// <param name="Reason">The reason as a clause without a full stop.</param>
/// <param name="Packets">How many.</param>
/// <param name="Mtu">The MTU that they were longer than; null for another reason.</param>
public readonly record struct InjectionFailure(string Reason, long Packets, int? Mtu = null);

/// <summary>What became of the packets given to an injector, up to one instant.</summary>
public sealed record InjectionStatistics
{
    /// <summary>Packets that the kernel took.</summary>
    public required long SentPackets { get; init; }

    /// <summary>Their bytes, from the link or IP header on, as they were given.</summary>
    public required long SentBytes { get; init; }

    /// <summary>Packets that were not sent: the sum over <see cref="Failures"/>.</summary>
    public required long FailedPackets { get; init; }

    /// <summary>How often a full queue of the device (ENOBUFS) was waited for.</summary>
    public required long DeviceQueueWaits { get; init; }

    /// <summary>How often a full socket buffer (EAGAIN) was waited for.</summary>
    public required long SocketBufferWaits { get; init; }

    /// <summary>The failures by reason.</summary>
    public required IReadOnlyList<InjectionFailure> Failures { get; init; }
}
