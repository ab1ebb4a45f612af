namespace Interceptor.Packets;

/// <summary>How <see cref="PacketFormatter"/> prints.</summary>
public sealed record PacketFormatOptions
{
    /// <summary>One line a packet.</summary>
    public static PacketFormatOptions Default { get; } = new();

    /// <summary>IP header fields and checksums too, as <c>tcpdump -v</c>.</summary>
    public bool Verbose { get; init; }

    /// <summary>The link header and VLAN tags in front, as <c>tcpdump -e</c>.</summary>
    public bool LinkHeader { get; init; }

    /// <summary>Bytes below each packet.</summary>
    public HexDumpStyle HexDump { get; init; }
}
