using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>A packet that comes to a <see cref="HoldQueue"/>. Borrows the bytes.</summary>
internal readonly ref struct HoldArrival
{
    /// <summary>What would go on, from the IP header on.</summary>
    internal required ReadOnlySpan<byte> Bytes { get; init; }

    /// <summary>Where it was taken.</summary>
    internal required FirewallHook Hook { get; init; }

    /// <summary>When it was received.</summary>
    internal required CaptureTimestamp Timestamp { get; init; }

    /// <summary>Bytes of it in the kernel.</summary>
    internal required int OriginalLength { get; init; }

    /// <summary>It goes on twice already.</summary>
    internal bool IsDoubled { get; init; }

    /// <summary>The time: monotonic, ns.</summary>
    internal required long Now { get; init; }
}
