using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Interceptor.Filters;

/// <summary>
/// A classic BPF program that the verifier has passed: it always ends and can be run on any bytes. Immutable; any thread.
/// </summary>
public sealed class BpfProgram
{
    /// <summary>The most instructions that iptables' xt_bpf match takes (XT_BPF_MAX_NUM_INSTR).</summary>
    public const int XtInstructionLimit = 64;

    private readonly BpfInstruction[] _instructions;

    /// <summary>Verifies and copies a program.</summary>
    /// <exception cref="ArgumentException">The verifier refuses it; see <see cref="BpfVerifier.Verify"/> for an answer without an exception.</exception>
    public BpfProgram(params ReadOnlySpan<BpfInstruction> instructions)
    {
        BpfVerification verification = BpfVerifier.Verify(instructions);
        if (!verification.IsValid)
        {
            throw new ArgumentException($"The BPF program is not valid: {verification.Reason}.", nameof(instructions));
        }

        _instructions = instructions.ToArray();
        Instructions = [.. _instructions];
    }

    /// <summary>The instructions in order.</summary>
    public ImmutableArray<BpfInstruction> Instructions { get; }

    /// <summary>How many there are, 1 to <see cref="BpfVerifier.MaxInstructions"/>.</summary>
    public int Length => _instructions.Length;

    /// <summary>True if it fits into one xt_bpf match.</summary>
    public bool FitsXt => Length <= XtInstructionLimit;

    /// <summary>
    /// True if it asks for what only the kernel knows of a packet (Linux's ancillary data, as the stripped VLAN tag): run anywhere
    /// else such a load is past the end and rejects.
    /// </summary>
    public bool UsesAncillaryData =>
        Instructions.Any(static instruction => BpfOpcode.IsAbsoluteLoad(instruction.Code) && instruction.K >= BpfOpcode.AncillaryBase);

    internal ReadOnlySpan<BpfInstruction> Span => _instructions;

    /// <summary>
    /// The text for <c>iptables -m bpf --bytecode</c>: the count, then the instructions, separated by commas. The match sees packets
    /// from the IP header on, so the program has to be one for <see cref="Packets.LinkType.Raw"/>.
    /// </summary>
    /// <exception cref="NotSupportedException">It has more than <see cref="XtInstructionLimit"/> instructions.</exception>
    public string ToXtBytecode()
    {
        if (!FitsXt)
        {
            throw new NotSupportedException(
                $"The filter has {Length} instructions and xt_bpf takes at most {XtInstructionLimit}. Make the filter shorter, or split it into several rules.");
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Length}");
        foreach (BpfInstruction instruction in Instructions)
        {
            text.Append(CultureInfo.InvariantCulture, $",{instruction}");
        }

        return text.ToString();
    }

    /// <summary>The listing in <c>tcpdump -d</c>'s notation, a line for each instruction.</summary>
    public override string ToString() => BpfDisassembler.List(Instructions.AsSpan());
}
