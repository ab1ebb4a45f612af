using Interceptor.Packets;

namespace Interceptor.Filters;

/// <summary>
/// One expression for a source whose packets may be of several link types: compiled for each when its first packet comes.
/// An expression that can't match on one of them (<c>ip6</c> on raw IPv4) matches none of its packets; elsewhere that is a mistake.
/// <para>Threads: one at a time.</para>
/// </summary>
public sealed class LinkTypeFilter
{
    private readonly Dictionary<LinkType, PacketFilter> _byLinkType = [];
    private PacketFilter? _last;
    private PacketFilter? _nullOfOtherOrder;

    /// <summary>Nothing is compiled yet.</summary>
    public LinkTypeFilter(string expression)
    {
        ArgumentNullException.ThrowIfNull(expression);
        Expression = expression;
    }

    /// <summary>The expression as given.</summary>
    public string Expression { get; }

    /// <summary>True if every packet matches.</summary>
    public bool IsEmpty => string.IsNullOrWhiteSpace(Expression);

    /// <summary>True if the packet matches.</summary>
    /// <exception cref="FilterSyntaxException">The expression does not compile for the packet's link type, which is met here first.</exception>
    public bool Matches(in CapturedPacket packet)
    {
        PacketFilter filter = packet.Metadata.LinkType == LinkType.Null && IsOfOtherByteOrder(packet.Data)
            ? _nullOfOtherOrder ??= PacketFilter.Compile(Expression, LinkType.Null, PacketFilter.DefaultSnapLength, mayRejectAll: true, otherByteOrder: true)
            : ForLinkType(packet.Metadata.LinkType);
        return filter.Matches(packet.Data, packet.Metadata.OriginalLength);
    }

    /// <summary>The filter for one link type, compiled now if it was not; for reporting a bad expression before a packet is read.</summary>
    /// <exception cref="FilterSyntaxException">The expression does not compile for it.</exception>
    public PacketFilter ForLinkType(LinkType linkType)
    {
        if (_last is { } last && last.LinkType == linkType)
        {
            return last;
        }

        if (!_byLinkType.TryGetValue(linkType, out PacketFilter? filter))
        {
            filter = PacketFilter.Compile(Expression, linkType, PacketFilter.DefaultSnapLength, mayRejectAll: true);
            _byLinkType.Add(linkType, filter);
        }

        _last = filter;
        return filter;
    }

    /// <summary>A null link's header is a protocol family, a small number, in the byte order of the machine that captured.</summary>
    private static bool IsOfOtherByteOrder(ReadOnlySpan<byte> packet) =>
        packet.Length >= NullView.Length && (BitConverter.ToUInt32(packet) & 0xFFFF_0000) != 0;
}
