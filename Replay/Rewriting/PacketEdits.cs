using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>What is edited in each packet. Immutable; the default edits nothing.</summary>
public sealed record PacketEdits
{
    /// <summary>The smallest <see cref="Mtu"/>: what every IPv4 link carries (RFC 791, 3.2).</summary>
    public const int SmallestMtu = 68;

    /// <summary>The source of the link header; null to leave it.</summary>
    public MacAddress? SourceMac { get; init; }

    /// <summary>The destination of the link header; null to leave it.</summary>
    public MacAddress? DestinationMac { get; init; }

    /// <summary>Ethernet addresses that change wherever they stand; the first that fits counts.</summary>
    public IReadOnlyList<MacMapping> Macs { get; init; } = [];

    /// <summary>Addresses that change wherever they stand; the first that fits counts.</summary>
    public IReadOnlyList<AddressMapping> Addresses { get; init; } = [];

    /// <summary>Addresses that change where they are a source; before <see cref="Addresses"/>.</summary>
    public IReadOnlyList<AddressMapping> SourceAddresses { get; init; } = [];

    /// <summary>Addresses that change where they are a destination; before <see cref="Addresses"/>.</summary>
    public IReadOnlyList<AddressMapping> DestinationAddresses { get; init; } = [];

    /// <summary>The key under which every other address is anonymised; null to anonymise none.</summary>
    public AnonymisationKey? Anonymisation { get; init; }

    /// <summary>Packets whose addresses could not all be anonymised are kept as they are, instead of left out.</summary>
    public bool KeepsUnknown { get; init; }

    /// <summary>Bytes behind the headers become zero.</summary>
    public bool ZeroesPayload { get; init; }

    /// <summary>TCP and UDP ports that change, in both directions.</summary>
    public IReadOnlyList<PortMapping> Ports { get; init; } = [];

    /// <summary>The outermost VLAN tag is removed; before <see cref="SetVlan"/>.</summary>
    public bool RemovesVlan { get; init; }

    /// <summary>What the id of the outermost VLAN tag becomes, where there is one; null to leave it.</summary>
    public int? SetVlan { get; init; }

    /// <summary>A VLAN tag that is put in front; null for none.</summary>
    public VlanTag? AddVlan { get; init; }

    /// <summary>What becomes of the outermost header's time to live or hop limit; null to leave it.</summary>
    public HopChange? TimeToLive { get; init; }

    /// <summary>DSCP and ECN bits of the outermost IP header; null to leave them.</summary>
    public byte? TypeOfService { get; init; }

    /// <summary>The maximum segment size option of SYN segments that have one; null to leave it.</summary>
    public ushort? MaximumSegmentSize { get; init; }

    /// <summary>Bytes of the longest IP packet: longer ones become several; null to leave them.</summary>
    public int? Mtu { get; init; }

    /// <summary>Lengths and checksums are made right.</summary>
    public bool Repairs { get; init; }

    /// <summary>What becomes of packets that the capture holds only in part.</summary>
    public TruncatedPackets Truncated { get; init; }

    /// <summary>True where nothing is edited.</summary>
    public bool AreNone => !HasDeepEdits && !HasVlanEdits && !HasHeaderEdits && Ports.Count == 0 && SourceMac is null && DestinationMac is null
        && MaximumSegmentSize is null && Mtu is null && !Repairs && !ZeroesPayload && Truncated == TruncatedPackets.Keep;

    /// <summary>Edits of addresses that may stand anywhere.</summary>
    internal bool HasDeepEdits => Macs.Count + Addresses.Count + SourceAddresses.Count + DestinationAddresses.Count > 0 || Anonymisation is not null;

    internal bool HasVlanEdits => RemovesVlan || SetVlan is not null || AddVlan is not null;

    /// <summary>Edits of the outermost IP header.</summary>
    internal bool HasHeaderEdits => TimeToLive is not null || TypeOfService is not null;
}
