using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>Which packets a rule takes; what is null matches everything, and all that is given must match.</summary>
public sealed record FirewallMatch
{
    /// <summary>The mark that self-injected packets carry ("ICPT"), so that they are not taken again.</summary>
    public const uint OwnMark = 0x49435054;

    /// <summary>Matches every packet.</summary>
    public static FirewallMatch All { get; } = new();

    /// <summary>One direction of a flow, with ports where the protocol is TCP or UDP (0 leaves the port open). Null: any.</summary>
    public FlowKey? Flow { get; init; }

    /// <summary>
    /// One direction of any of these TCP flows, all of one IP version. nft looks a packet up in a set, which costs the same however many there are; iptables gets a rule for each.
    /// Null: any.
    /// </summary>
    public IReadOnlyList<FlowKey>? Flows { get; init; }

    /// <summary>
    /// A classic BPF program over raw IP as iptables' bpf match takes it, <c>4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0</c>, of up to 64 instructions. Null: any.
    /// </summary>
    public string? Bytecode { get; init; }

    /// <summary>The filter that <see cref="Bytecode"/> is the program of, for a tool that can't run it but may be told a part; null for none.</summary>
    internal string? Expression { get; init; }

    /// <summary>Packets with this mark pass by. Null: none do.</summary>
    public uint? ExceptMark { get; init; }

    /// <summary>
    /// The match of a filter compiled for raw IP. A program that the kernel would not take (more than 64 instructions) gives false and the match of a part of it
    /// (<see cref="FilterConjunction"/>), or <see cref="All"/>: the filter must then be applied to what comes to the queue.
    /// </summary>
    /// <exception cref="ArgumentException">The filter is for another link type.</exception>
    public static bool TryFromFilter(PacketFilter filter, out FirewallMatch match)
    {
        ArgumentNullException.ThrowIfNull(filter);
        if (filter.LinkType != LinkType.Raw)
        {
            throw new ArgumentException($"The firewall sees raw IP; this filter is for {filter.LinkType}.", nameof(filter));
        }

        bool fits = filter.Program.FitsXt;
        PacketFilter? taken = fits ? filter : FilterConjunction.Shorten(filter, static program => program.FitsXt);
        match = taken is not null && !string.IsNullOrWhiteSpace(taken.Expression)
            ? new FirewallMatch { Bytecode = taken.Program.ToXtBytecode(), Expression = taken.Expression }
            : All;
        return fits;
    }

    /// <summary>The same without its program: it takes at least as much.</summary>
    internal FirewallMatch WithoutProgram() => this with { Bytecode = null };

    /// <summary>The IP versions it can match: that of the flow, else both.</summary>
    internal bool MatchesVersion(int version) => (Flow ?? (Flows is [var first, ..] ? first : null)) is not { } flow || flow.Source.Address.Version == version;

    /// <summary>The matches that take the same together without <see cref="Flows"/>.</summary>
    internal IEnumerable<FirewallMatch> OnePerFlow() => Flows is { } flows ? flows.Select(flow => this with { Flow = flow, Flows = null }) : [this];
}
