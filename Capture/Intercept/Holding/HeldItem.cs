using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>A held packet at one instant: a copy for who looks at it. Its bytes stay as they are; an edit makes others.</summary>
public sealed record HeldItem
{
    /// <summary>Its number in its <see cref="HoldQueue"/>, from 1 in order of arrival.</summary>
    public required long Id { get; init; }

    /// <summary>Where it was taken.</summary>
    public required FirewallHook Hook { get; init; }

    /// <summary>When it was received.</summary>
    public required CaptureTimestamp Timestamp { get; init; }

    /// <summary>When it was held: monotonic, ns.</summary>
    public required long Since { get; init; }

    /// <summary>From whom to whom; all 0 where the packet does not tell.</summary>
    public required FlowKey Flow { get; init; }

    /// <summary>The bytes that will go on, from the IP header on.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Bytes of the packet in the kernel.</summary>
    public required int OriginalLength { get; init; }

    /// <summary>Copies that came while it was held, and went no further.</summary>
    public int Copies { get; init; }

    /// <summary>Its bytes were changed while it was held.</summary>
    public bool IsEdited { get; init; }

    /// <summary>It goes on twice.</summary>
    public bool IsDoubled { get; init; }

    /// <summary>It is not wholly here: it can't be edited.</summary>
    public bool IsTruncated => Data.Length < OriginalLength;

    /// <summary>The decoded stack.</summary>
    public PacketView Parse() => PacketView.Parse(Data.Span, LinkType.Raw, Data.Length);
}
