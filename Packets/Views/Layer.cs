namespace Interceptor.Packets;

/// <summary>Where one layer lies in a packet.</summary>
/// <param name="Kind">Which header.</param>
/// <param name="Offset">First byte of the header, from the packet's first byte.</param>
/// <param name="HeaderLength">Bytes of the header, options included; wholly captured.</param>
/// <param name="PayloadLength">
/// Bytes behind the header that belong to it on the wire, by its own length field where it has one (Ethernet padding is excluded).
/// May be more than was captured.
/// </param>
public readonly record struct Layer(LayerKind Kind, int Offset, int HeaderLength, int PayloadLength)
{
    /// <summary>First byte behind the header.</summary>
    public int PayloadOffset => Offset + HeaderLength;
}
