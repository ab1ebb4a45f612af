namespace Interceptor.Packets;

/// <summary>How <see cref="PacketFormatter"/> prints.</summary>
public sealed record PacketFormatOptions
{
    /// <summary>One line a packet.</summary>
    public static PacketFormatOptions Default { get; } = new();

    /// <summary>0 for one line; 1 for IP header fields and checksums too, as <c>tcpdump -v</c>; from 2 on the sequence number of every TCP segment, as <c>-vv</c>.</summary>
    public int Verbosity { get; init; }

    /// <summary>Less of TCP: only the length of its payload, as <c>tcpdump -q</c>.</summary>
    public bool Quiet { get; init; }

    /// <summary>The link header and VLAN tags in front, as <c>tcpdump -e</c>.</summary>
    public bool LinkHeader { get; init; }

    /// <summary>TCP sequence numbers as they are, as <c>tcpdump -S</c>; otherwise relative to the connection's first ones.</summary>
    public bool AbsoluteSequenceNumbers { get; init; }

    /// <summary>Bytes below each packet.</summary>
    public HexDumpStyle HexDump { get; init; }

    /// <summary>
    /// Colours for a terminal, as SGR sequences (ECMA-48): addresses, the TCP flags of a connection's begin and end, wrong checksums, what is cut or malformed.
    /// </summary>
    public bool Colored { get; init; }
}
