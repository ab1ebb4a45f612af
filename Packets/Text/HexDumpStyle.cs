namespace Interceptor.Packets;

/// <summary>Bytes printed below a packet.</summary>
public enum HexDumpStyle : byte
{
    /// <summary>None.</summary>
    None,

    /// <summary>From the network layer on, as <c>tcpdump -x</c>.</summary>
    Hex,

    /// <summary>From the link header on, as <c>tcpdump -xx</c>.</summary>
    HexWithLink,

    /// <summary>From the network layer on with printable characters beside, as <c>tcpdump -X</c>.</summary>
    HexAndText,

    /// <summary>From the link header on with printable characters beside, as <c>tcpdump -XX</c>.</summary>
    HexAndTextWithLink,

    /// <summary>From the network layer on as text, its lines as they are and a dot for what is not ASCII, as <c>tcpdump -A</c>.</summary>
    Text,

    /// <summary>The same from the link header on, as <c>tcpdump -AA</c>.</summary>
    TextWithLink,
}
