using Interceptor.Filters;
using Interceptor.Interop;

namespace Interceptor.Tests.Filters;

/// <summary>One program on three machines: the interpreter, its machine code, and libpcap's.</summary>
internal sealed class MachineAgreement(BpfProgram program)
{
    private readonly BpfFunction _function = BpfCompiler.Compile(program);
    private readonly PcapInstruction[] _native = BpfInterpreterTests.Native(program);

    /// <summary>What all three say; fails where they do not say the same.</summary>
    internal uint Run(ReadOnlySpan<byte> packet, int originalLength)
    {
        uint libpcap = unchecked((uint)LibPcapHandle.OfflineFilter(_native, packet, originalLength));
        uint interpreter = BpfInterpreter.Run(program, packet, originalLength);
        uint compiled = _function(packet, originalLength);
        if (libpcap != interpreter || libpcap != compiled)
        {
            Assert.Fail($"libpcap {libpcap}, interpreter {interpreter}, machine code {compiled}: {Convert.ToHexString(packet)} of {originalLength} through\n{program}");
        }

        return compiled;
    }
}
