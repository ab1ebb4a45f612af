namespace Interceptor.Packets;

/// <summary>The directed 5-tuple of a packet.</summary>
/// <param name="Source">Who sent it.</param>
/// <param name="Destination">Who it is for.</param>
/// <param name="Protocol">The IP protocol number.</param>
public readonly record struct FlowKey(FlowEndpoint Source, FlowEndpoint Destination, byte Protocol)
{
    /// <summary>The same flow seen from the other end.</summary>
    public FlowKey Reversed => new(Destination, Source, Protocol);

    /// <summary>
    /// The same value for both directions: the end with the smaller address (then port) is the source.
    /// <paramref name="swapped"/> tells that this key had them the other way round.
    /// </summary>
    public FlowKey Canonical(out bool swapped)
    {
        int order = Source.Address.Bits.CompareTo(Destination.Address.Bits);
        swapped = order > 0 || (order == 0 && Source.Port > Destination.Port);
        return swapped ? Reversed : this;
    }

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        UInt128 source = Source.Address.Bits;
        UInt128 destination = Destination.Address.Bits;
        return HashCode.Combine(
            (ulong)source, (ulong)(source >> 64), (ulong)destination, (ulong)(destination >> 64),
            ((uint)Source.Port << 16) | Destination.Port, Protocol);
    }

    /// <summary><c>192.0.2.1:49152 > 192.0.2.2:80</c>.</summary>
    public override string ToString() => $"{Source} > {Destination}";
}
