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

/// <summary>
/// One packet lent by a source: <see cref="Data"/> is valid until the source is asked for the next one.
/// Whoever needs it longer copies it into a <see cref="PacketLease"/>.
/// </summary>
public readonly ref struct CapturedPacket
{
    /// <summary>Pairs bytes and metadata.</summary>
    public CapturedPacket(ReadOnlySpan<byte> data, scoped in PacketMetadata metadata)
    {
        Data = data;
        Metadata = metadata;
    }

    /// <summary>The captured bytes: the captured length is its length.</summary>
    public ReadOnlySpan<byte> Data { get; }

    /// <summary>Everything else.</summary>
    public PacketMetadata Metadata { get; }

    /// <summary>True if the capture holds fewer bytes than were on the wire.</summary>
    public bool IsTruncated => Data.Length < Metadata.OriginalLength;

    /// <summary>Decodes the layers; never fails.</summary>
    public PacketView Parse() => PacketView.Parse(Data, Metadata.LinkType, Metadata.OriginalLength);
}
