using Interceptor.Packets;

namespace Interceptor.Filters;

/// <summary>What an expression became for one link type.</summary>
/// <param name="LinkType">The link type.</param>
/// <param name="Program">The program, or null if the expression does not compile for it.</param>
/// <param name="Error">Why it does not compile, as a clause without a full stop; else null.</param>
public sealed record FilterListing(LinkType LinkType, BpfProgram? Program, string? Error)
{
    /// <summary>True if it compiles, to a program that rejects every packet: the expression can't match on this link type.</summary>
    public bool MatchesNothing => Program is { Length: 1 } && Program.Instructions[0] == new BpfInstruction(BpfOpcode.ReturnK, 0, 0, 0);

    /// <summary>
    /// True if a capture on an interface of this link type can filter in the kernel, which takes whatever the verifier passes. libpcap compiles for
    /// the open interface, so the program there may differ (VLAN tags are read from the kernel), and refuses what can't match.
    /// </summary>
    public bool RunsInKernelCapture => Program is not null && !MatchesNothing;

    /// <summary>True if iptables' xt_bpf can match with it: a program for raw IP of at most <see cref="BpfProgram.XtInstructionLimit"/> instructions.</summary>
    public bool RunsInXt => LinkType == LinkType.Raw && Program is { FitsXt: true } && !MatchesNothing;

    /// <summary>True if it can run on captured bytes: it asks for nothing that only the kernel knows.</summary>
    public bool RunsInUserSpace => Program is { UsesAncillaryData: false };
}
