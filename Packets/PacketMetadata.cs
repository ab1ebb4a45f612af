namespace Interceptor.Packets;

/// <summary>What is known of a packet besides its bytes. Plain data, copied freely.</summary>
public readonly record struct PacketMetadata
{
    /// <summary>When it was captured. The default (epoch) where the container records none; see <see cref="HasTimestamp"/>.</summary>
    public CaptureTimestamp Timestamp { get; init; }

    /// <summary>False where the container had no time for it (a pcapng simple packet block).</summary>
    public bool HasTimestamp { get; init; }

    /// <summary>Bytes of the packet on the wire; never less than the captured length after a reader has checked it.</summary>
    public int OriginalLength { get; init; }

    /// <summary>What the first byte belongs to.</summary>
    public LinkType LinkType { get; init; }

    /// <summary>Index of the interface in its source (order of pcapng interface descriptions over all sections); 0 where there is one.</summary>
    public int InterfaceId { get; init; }

    /// <summary>1 for the first packet of the source; 0 where unnumbered.</summary>
    public long Number { get; init; }
}
