using System.Buffers.Binary;

namespace Interceptor.Filters;

/// <summary>
/// The classic BPF machine: two registers, 16 scratch words, packet bytes in network order. Allocates nothing and never throws: a load
/// that is not wholly inside the captured bytes rejects the packet, as does a division by a register that is 0.
/// <para>Sums that pass 2^32 wrap, except the offset of an indirect load: that is past the end. A shift by a register of 32 or more gives 0.
/// Both are libpcap's choice.</para>
/// </summary>
public static class BpfInterpreter
{
    /// <summary>Runs a program on a packet.</summary>
    /// <param name="program">The program.</param>
    /// <param name="data">The captured bytes.</param>
    /// <param name="originalLength">The packet's length on the wire: what <c>len</c> in a filter means. Not negative.</param>
    /// <returns>Bytes of the packet to keep; 0 rejects it.</returns>
    public static uint Run(BpfProgram program, ReadOnlySpan<byte> data, int originalLength) =>
        Run(program.Span, data, unchecked((uint)originalLength));

    /// <summary>Requires a verified program: the bounds of the program and of the scratch memory are the verifier's work.</summary>
    private static uint Run(ReadOnlySpan<BpfInstruction> program, ReadOnlySpan<byte> data, uint length)
    {
        Span<uint> scratch = stackalloc uint[BpfVerifier.ScratchWords];
        uint a = 0;
        uint x = 0;
        for (int at = 0; ; at++)
        {
            BpfInstruction instruction = program[at];
            uint k = instruction.K;
            switch (instruction.Code)
            {
                case BpfOpcode.ReturnK:
                    return k;
                case BpfOpcode.ReturnA:
                    return a;

                case BpfOpcode.LoadWordAbsolute or BpfOpcode.LoadHalfAbsolute or BpfOpcode.LoadByteAbsolute:
                    if (!TryLoad(data, instruction.Code - BpfOpcode.LoadWordAbsolute, k, out a))
                    {
                        return 0;
                    }

                    break;
                case BpfOpcode.LoadWordIndirect or BpfOpcode.LoadHalfIndirect or BpfOpcode.LoadByteIndirect:
                    if (!TryLoad(data, instruction.Code - BpfOpcode.LoadWordIndirect, (ulong)x + k, out a))
                    {
                        return 0;
                    }

                    break;
                case BpfOpcode.LoadXHeaderLength:
                    if (k >= (uint)data.Length)
                    {
                        return 0;
                    }

                    x = (uint)(data[(int)k] & 0xF) << 2;
                    break;

                case BpfOpcode.LoadImmediate:
                    a = k;
                    break;
                case BpfOpcode.LoadLength:
                    a = length;
                    break;
                case BpfOpcode.LoadMemory:
                    a = scratch[(int)k];
                    break;
                case BpfOpcode.LoadXImmediate:
                    x = k;
                    break;
                case BpfOpcode.LoadXLength:
                    x = length;
                    break;
                case BpfOpcode.LoadXMemory:
                    x = scratch[(int)k];
                    break;
                case BpfOpcode.Store:
                    scratch[(int)k] = a;
                    break;
                case BpfOpcode.StoreX:
                    scratch[(int)k] = x;
                    break;
                case BpfOpcode.TransferAToX:
                    x = a;
                    break;
                case BpfOpcode.TransferXToA:
                    a = x;
                    break;

                case BpfOpcode.Jump:
                    at += (int)k;
                    break;
                case BpfOpcode.JumpEqualK:
                    at += a == k ? instruction.Jt : instruction.Jf;
                    break;
                case BpfOpcode.JumpGreaterK:
                    at += a > k ? instruction.Jt : instruction.Jf;
                    break;
                case BpfOpcode.JumpGreaterEqualK:
                    at += a >= k ? instruction.Jt : instruction.Jf;
                    break;
                case BpfOpcode.JumpSetK:
                    at += (a & k) != 0 ? instruction.Jt : instruction.Jf;
                    break;
                case BpfOpcode.JumpEqualX:
                    at += a == x ? instruction.Jt : instruction.Jf;
                    break;
                case BpfOpcode.JumpGreaterX:
                    at += a > x ? instruction.Jt : instruction.Jf;
                    break;
                case BpfOpcode.JumpGreaterEqualX:
                    at += a >= x ? instruction.Jt : instruction.Jf;
                    break;
                case BpfOpcode.JumpSetX:
                    at += (a & x) != 0 ? instruction.Jt : instruction.Jf;
                    break;

                default:
                    if (!TryCalculate(instruction.Code, k, x, ref a))
                    {
                        return 0;
                    }

                    break;
            }
        }
    }

    /// <summary>The arithmetic, less frequent than the rest; false for a division by 0.</summary>
    private static bool TryCalculate(ushort code, uint k, uint x, ref uint a)
    {
        // Bit 3 of an arithmetic code chooses X over the constant; without it the codes are those of the constant.
        const ushort FromX = BpfOpcode.AddX ^ BpfOpcode.AddK;
        uint operand = (code & FromX) != 0 ? x : k;
        unchecked
        {
            switch ((ushort)(code & ~FromX))
            {
                case BpfOpcode.AddK:
                    a += operand;
                    break;
                case BpfOpcode.SubK:
                    a -= operand;
                    break;
                case BpfOpcode.MulK:
                    a *= operand;
                    break;
                case BpfOpcode.OrK:
                    a |= operand;
                    break;
                case BpfOpcode.AndK:
                    a &= operand;
                    break;
                case BpfOpcode.XorK:
                    a ^= operand;
                    break;
                case BpfOpcode.LshK:
                    a = operand < 32 ? a << (int)operand : 0;
                    break;
                case BpfOpcode.RshK:
                    a = operand < 32 ? a >> (int)operand : 0;
                    break;
                case BpfOpcode.Neg:
                    a = 0 - a;
                    break;
                case BpfOpcode.DivK when operand != 0:
                    a /= operand;
                    break;
                case BpfOpcode.ModK when operand != 0:
                    a %= operand;
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    /// <param name="data">The captured bytes.</param>
    /// <param name="size">The size bits of the code: 0 word, 8 half-word, 16 byte.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="value">What is there, from network order.</param>
    private static bool TryLoad(ReadOnlySpan<byte> data, int size, ulong offset, out uint value)
    {
        value = 0;
        if (offset >= (ulong)data.Length)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = data[(int)offset..];
        switch (size)
        {
            case 0:
                return BinaryPrimitives.TryReadUInt32BigEndian(rest, out value);
            case 8:
                bool read = BinaryPrimitives.TryReadUInt16BigEndian(rest, out ushort half);
                value = half;
                return read;
            default:
                value = rest[0];
                return true;
        }
    }
}
