namespace Interceptor.Filters;

/// <summary>
/// Decides whether a classic BPF program may run, by the rules of the kernel's checker (net/core/filter.c: bpf_check_classic and
/// check_load_and_stores): what passes here always ends, never leaves the program or the scratch memory, and would be taken by the kernel.
/// </summary>
public static class BpfVerifier
{
    /// <summary>The kernel's limit (BPF_MAXINSNS).</summary>
    public const int MaxInstructions = 4096;

    /// <summary>Words of scratch memory (BPF_MEMWORDS).</summary>
    public const int ScratchWords = 16;

    /// <summary>Checks a program from its first instruction on and stops at the first fault.</summary>
    public static BpfVerification Verify(ReadOnlySpan<BpfInstruction> program)
    {
        if (program.IsEmpty)
        {
            return new(BpfFault.Empty, 0);
        }

        if (program.Length > MaxInstructions)
        {
            return new(BpfFault.TooLong, MaxInstructions);
        }

        for (int index = 0; index < program.Length; index++)
        {
            BpfFault fault = CheckOne(program[index], remaining: program.Length - index - 1);
            if (fault != BpfFault.None)
            {
                return new(fault, index);
            }
        }

        return program[^1].Code is BpfOpcode.ReturnK or BpfOpcode.ReturnA
            ? CheckScratch(program)
            : new(BpfFault.NoReturn, program.Length - 1);
    }

    /// <param name="instruction">The instruction.</param>
    /// <param name="remaining">Instructions that follow it: a distance must be less.</param>
    private static BpfFault CheckOne(BpfInstruction instruction, int remaining)
    {
        ushort code = instruction.Code;
        if (!BpfOpcode.IsKnown(code))
        {
            return BpfFault.UnknownInstruction;
        }

        if (BpfOpcode.IsConditionalJump(code))
        {
            return Math.Max(instruction.Jt, instruction.Jf) < remaining ? BpfFault.None : BpfFault.JumpOutside;
        }

        if (BpfOpcode.IsAbsoluteLoad(code))
        {
            return instruction.K < BpfOpcode.AncillaryBase || IsAncillary(instruction.K) ? BpfFault.None : BpfFault.UnknownAncillary;
        }

        return code switch
        {
            BpfOpcode.Jump when instruction.K >= (uint)remaining => BpfFault.JumpOutside,
            BpfOpcode.DivK or BpfOpcode.ModK when instruction.K == 0 => BpfFault.DivisionByZero,
            BpfOpcode.LshK or BpfOpcode.RshK when instruction.K >= 32 => BpfFault.ShiftTooFar,
            BpfOpcode.LoadMemory or BpfOpcode.LoadXMemory or BpfOpcode.Store or BpfOpcode.StoreX
                when instruction.K >= ScratchWords => BpfFault.ScratchIndex,
            _ => BpfFault.None,
        };
    }

    /// <summary>SKF_AD_PROTOCOL (0) to SKF_AD_VLAN_TPID (60) in steps of 4; the byte-sized distances between them are none.</summary>
    private static bool IsAncillary(uint k) => k - BpfOpcode.AncillaryBase is <= 60 and uint offset && offset % 4 == 0;

    /// <summary>
    /// Follows which scratch words are written on every path to an instruction. Jumps only lead forward, so one pass in order sees each
    /// instruction after all that lead to it.
    /// </summary>
    private static BpfVerification CheckScratch(ReadOnlySpan<BpfInstruction> program)
    {
        // Bit n: word n is written on every path known so far. All bits set: nothing leads here yet.
        ushort[] writtenAt = new ushort[program.Length];
        Array.Fill(writtenAt, ushort.MaxValue);
        ushort written = 0;
        for (int index = 0; index < program.Length; index++)
        {
            BpfInstruction instruction = program[index];
            written &= writtenAt[index];
            switch (instruction.Code)
            {
                case BpfOpcode.Store or BpfOpcode.StoreX:
                    written |= (ushort)(1 << (int)instruction.K);
                    break;
                case BpfOpcode.LoadMemory or BpfOpcode.LoadXMemory:
                    if ((written & (1 << (int)instruction.K)) == 0)
                    {
                        return new(BpfFault.ScratchUnset, index);
                    }

                    break;
                case BpfOpcode.Jump:
                    writtenAt[index + 1 + (int)instruction.K] &= written;
                    written = ushort.MaxValue;
                    break;
                case var code when BpfOpcode.IsConditionalJump(code):
                    writtenAt[index + 1 + instruction.Jt] &= written;
                    writtenAt[index + 1 + instruction.Jf] &= written;
                    written = ushort.MaxValue;
                    break;
            }
        }

        return new(BpfFault.None, 0);
    }
}
