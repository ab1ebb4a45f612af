using Interceptor.Filters;

namespace Interceptor.Tests.Filters;

/// <summary>Programs that no compiler would write.</summary>
internal static class RandomProgram
{
    private static readonly ushort[] Codes =
        [.. Enumerable.Range(0, 0x100).Select(static code => (ushort)code).Where(BpfOpcodeIsKnown)];

    /// <summary>Instructions of any bits, mostly known ones with plausible constants; mostly invalid as a whole.</summary>
    internal static BpfInstruction[] Any(Random random)
    {
        var program = new BpfInstruction[random.Next(1, 40)];
        for (int i = 0; i < program.Length; i++)
        {
            ushort code = random.Next(12) == 0 ? (ushort)random.Next(0x10000) : Codes[random.Next(Codes.Length)];
            program[i] = new BpfInstruction(code, Small(random), Small(random), Constant(random));
        }

        return program;
    }

    /// <summary>A program that passes the verifier: each instruction is drawn until it does where it stands.</summary>
    internal static BpfProgram Valid(Random random)
    {
        int length = random.Next(1, 40);
        var program = new BpfInstruction[length + 1];
        program[length] = random.Next(2) == 0 ? new(0x16, 0, 0, 0) : new(0x06, 0, 0, (uint)random.Next(1, 1000));
        Array.Fill(program, new BpfInstruction(0x07, 0, 0, 0), 0, length);
        for (int i = 0; i < length; i++)
        {
            do
            {
                int left = length - i;
                program[i] = new BpfInstruction(
                    Codes[random.Next(Codes.Length)], (byte)random.Next(left), (byte)random.Next(left), Constant(random));
            }
            while (IsEarlyReturn(program[i], random) || !BpfVerifier.Verify(program).IsValid);
        }

        return new BpfProgram(program);
    }

    private static bool IsEarlyReturn(BpfInstruction instruction, Random random) => (instruction.Code & 7) == 6 && random.Next(8) != 0;

    private static byte Small(Random random) => (byte)(random.Next(8) == 0 ? random.Next(256) : random.Next(6));

    private static uint Constant(Random random) => random.Next(6) switch
    {
        0 => (uint)random.Next(64),
        1 => (uint)random.Next(16),
        2 => (uint)random.NextInt64(0x1_0000_0000),
        3 => 0xFFFF_F000u + (uint)random.Next(0x1000),
        _ => (uint)random.Next(8),
    };

    private static bool BpfOpcodeIsKnown(ushort code) =>
        BpfVerifier.Verify([new(code, 0, 0, 1), new(0x06, 0, 0, 0), new(0x06, 0, 0, 0), new(0x06, 0, 0, 0)]).Fault != BpfFault.UnknownInstruction;
}
