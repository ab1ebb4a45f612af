using System.Globalization;
using System.Text;

namespace Interceptor.Filters;

/// <summary>Writes instructions in the notation of <c>tcpdump -d</c>, and shows any 64 bits without failing.</summary>
public static class BpfDisassembler
{
    /// <summary>A line for each instruction, each ending in a line feed.</summary>
    public static string List(ReadOnlySpan<BpfInstruction> program)
    {
        var text = new StringBuilder();
        for (int index = 0; index < program.Length; index++)
        {
            text.Append(Line(program[index], index)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>One instruction, without trailing blanks.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="index">Its index in the program: jump targets are printed as indices.</param>
    public static string Line(BpfInstruction instruction, int index)
    {
        (string operation, string operand) = Split(instruction, index);
        string line = string.Create(CultureInfo.InvariantCulture, $"({index:D3}) {operation,-8} ");

        // By class and operation as tcpdump decides it: an unknown jump shows its targets too.
        bool branches = (instruction.Code & 0x07) == BpfOpcode.Jump && (instruction.Code & 0xF0) != 0;
        line += branches
            ? string.Create(CultureInfo.InvariantCulture, $"{operand,-16} jt {index + 1 + instruction.Jt}\tjf {index + 1 + instruction.Jf}")
            : operand;
        return line.TrimEnd();
    }

    private static (string Operation, string Operand) Split(BpfInstruction instruction, int index)
    {
        uint k = instruction.K;
        int signed = unchecked((int)k);
        return instruction.Code switch
        {
            BpfOpcode.ReturnK => ("ret", Text($"#{signed}")),
            BpfOpcode.ReturnA => ("ret", ""),
            BpfOpcode.LoadWordAbsolute => ("ld", Absolute(k)),
            BpfOpcode.LoadHalfAbsolute => ("ldh", Absolute(k)),
            BpfOpcode.LoadByteAbsolute => ("ldb", Absolute(k)),
            BpfOpcode.LoadLength => ("ld", "#pktlen"),
            BpfOpcode.LoadWordIndirect => ("ld", Text($"[x + {signed}]")),
            BpfOpcode.LoadHalfIndirect => ("ldh", Text($"[x + {signed}]")),
            BpfOpcode.LoadByteIndirect => ("ldb", Text($"[x + {signed}]")),
            BpfOpcode.LoadImmediate => ("ld", Text($"#0x{k:x}")),
            BpfOpcode.LoadXImmediate => ("ldx", Text($"#0x{k:x}")),
            BpfOpcode.LoadXLength => ("ldx", "#pktlen"),
            BpfOpcode.LoadXHeaderLength => ("ldxb", Text($"4*([{signed}]&0xf)")),
            BpfOpcode.LoadMemory => ("ld", Text($"M[{signed}]")),
            BpfOpcode.LoadXMemory => ("ldx", Text($"M[{signed}]")),
            BpfOpcode.Store => ("st", Text($"M[{signed}]")),
            BpfOpcode.StoreX => ("stx", Text($"M[{signed}]")),
            BpfOpcode.Jump => ("ja", Text($"{unchecked(index + 1 + signed)}")),
            BpfOpcode.TransferAToX => ("tax", ""),
            BpfOpcode.TransferXToA => ("txa", ""),
            BpfOpcode.Neg => ("neg", ""),
            BpfOpcode.JumpEqualX => ("jeq", "x"),
            BpfOpcode.JumpGreaterX => ("jgt", "x"),
            BpfOpcode.JumpGreaterEqualX => ("jge", "x"),
            BpfOpcode.JumpSetX => ("jset", "x"),
            BpfOpcode.JumpEqualK => ("jeq", Text($"#0x{k:x}")),
            BpfOpcode.JumpGreaterK => ("jgt", Text($"#0x{k:x}")),
            BpfOpcode.JumpGreaterEqualK => ("jge", Text($"#0x{k:x}")),
            BpfOpcode.JumpSetK => ("jset", Text($"#0x{k:x}")),
            _ => Arithmetic(instruction.Code, k),
        };
    }

    private static (string Operation, string Operand) Arithmetic(ushort code, uint k)
    {
        string number = Text($"#{unchecked((int)k)}");
        string bits = Text($"#0x{k:x}");
        return code switch
        {
            BpfOpcode.AddX => ("add", "x"),
            BpfOpcode.SubX => ("sub", "x"),
            BpfOpcode.MulX => ("mul", "x"),
            BpfOpcode.DivX => ("div", "x"),
            BpfOpcode.ModX => ("mod", "x"),
            BpfOpcode.AndX => ("and", "x"),
            BpfOpcode.OrX => ("or", "x"),
            BpfOpcode.XorX => ("xor", "x"),
            BpfOpcode.LshX => ("lsh", "x"),
            BpfOpcode.RshX => ("rsh", "x"),
            BpfOpcode.AddK => ("add", number),
            BpfOpcode.SubK => ("sub", number),
            BpfOpcode.MulK => ("mul", number),
            BpfOpcode.DivK => ("div", number),
            BpfOpcode.ModK => ("mod", number),
            BpfOpcode.LshK => ("lsh", number),
            BpfOpcode.RshK => ("rsh", number),
            BpfOpcode.AndK => ("and", bits),
            BpfOpcode.OrK => ("or", bits),
            BpfOpcode.XorK => ("xor", bits),
            _ => ("unimp", Text($"0x{code:x}")),
        };
    }

    /// <summary>A packet offset, or libpcap's name of what only the kernel knows of the packet.</summary>
    private static string Absolute(uint k) => unchecked(k - BpfOpcode.AncillaryBase) switch
    {
        0 => "[proto]",
        4 => "[type]",
        8 => "[ifidx]",
        12 => "[nla]",
        16 => "[nlan]",
        20 => "[mark]",
        24 => "[queue]",
        28 => "[hatype]",
        32 => "[rxhash]",
        36 => "[cpu]",
        40 => "[xor_x]",
        44 => "[vlan_tci]",
        48 => "[vlanp]",
        52 => "[poff]",
        56 => "[random]",
        60 => "[vlan_tpid]",
        _ => Text($"[{unchecked((int)k)}]"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
