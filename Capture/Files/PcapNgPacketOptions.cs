namespace Interceptor.Capture.Files;

/// <summary>
/// What an enhanced packet block records besides the packet (draft-ietf-opsawg-pcapng, section 4.3). The default records nothing.
/// </summary>
public readonly record struct PcapNgPacketOptions
{
    /// <summary>A comment (opt_comment), at most 65,535 bytes of UTF-8; null for none. Of several the first is read.</summary>
    public string? Comment { get; init; }

    /// <summary>Link-layer flags (epb_flags); null for none.</summary>
    public uint? Flags { get; init; }

    /// <summary>Packets lost between this one and the one before on the same interface (epb_dropcount).</summary>
    public ulong? DropCount { get; init; }

    /// <summary>The same number on every capture of the same packet (epb_packetid).</summary>
    public ulong? PacketId { get; init; }

    /// <summary>The queue of the interface, or the netfilter queue, that it came through (epb_queue).</summary>
    public uint? Queue { get; init; }

    /// <summary>The verdict on it (epb_verdict).</summary>
    public PcapNgVerdict? Verdict { get; init; }

    /// <summary>A hash of it (epb_hash). Of several the first is read.</summary>
    public PcapNgHash? Hash { get; init; }

    /// <summary>The direction in the low two bits of <see cref="Flags"/>; setting it keeps the other bits.</summary>
    public PacketDirection Direction
    {
        get => (PacketDirection)((Flags ?? 0) & 3) is var direction and (PacketDirection.Inbound or PacketDirection.Outbound)
            ? direction
            : PacketDirection.Unknown;
        init => Flags = value == PacketDirection.Unknown && Flags is null ? null : ((Flags ?? 0) & ~3u) | (uint)value;
    }

    /// <summary>True if nothing is recorded.</summary>
    public bool IsEmpty => this == default;
}
