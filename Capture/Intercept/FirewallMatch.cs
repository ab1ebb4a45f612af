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
    /// A classic BPF program over raw IP as iptables' bpf match takes it, <c>4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0</c>, of up to 64 instructions. Null: any.
    /// </summary>
    public string? Bytecode { get; init; }

    /// <summary>Packets with this mark pass by. Null: none do.</summary>
    public uint? ExceptMark { get; init; }

    /// <summary>The IP versions it can match: that of the flow, else both.</summary>
    internal bool MatchesVersion(int version) => Flow is not { } flow || flow.Source.Address.Version == version;
}
