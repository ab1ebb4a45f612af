namespace Interceptor.Packets;

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
