namespace Interceptor.Interop;

/// <summary>The filter on the handle's packet socket, past libpcap's back: what it has no call for.</summary>
internal sealed unsafe partial class LibPcapHandle
{
    private const ushort LoadHalfWord = 0x28; // BPF_LD | BPF_H | BPF_ABS
    private const ushort LoadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private const ushort JumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private const ushort Return = 0x06; // BPF_RET | BPF_K
    private const uint PacketTypeOffset = unchecked((uint)-0x1000) + 4; // SKF_AD_OFF + SKF_AD_PKTTYPE
    private const uint InterfaceIndexOffset = unchecked((uint)-0x1000) + 8; // SKF_AD_OFF + SKF_AD_IFINDEX
    private const uint PacketOutgoing = 4; // PACKET_OUTGOING

    /// <summary>Makes the kernel reject every packet from now on; those already in the ring stay. False where the device has no socket that takes a filter.</summary>
    internal bool TryRejectAll() => TryAttach([new PcapInstruction { Code = Return }]);

    /// <summary>The program on the socket as the kernel runs it; empty where there is none, null where the device can't tell.</summary>
    internal PcapInstruction[]? KernelFilter()
    {
        const int MaxInstructions = 4096; // BPF_MAXINSNS
        using FileDescriptor socket = FileDescriptor.Borrow(LibPcap.pcap_get_selectable_fd(this));
        var program = new PcapInstruction[MaxInstructions];
        uint length = MaxInstructions; // In instructions, both ways.
        fixed (PcapInstruction* instructions = program)
        {
            return !socket.IsInvalid && Libc.getsockopt(socket, Libc.SOL_SOCKET, Libc.SO_GET_FILTER, instructions, &length) == 0 ? program[..(int)length] : null;
        }
    }

    /// <summary>Puts a program on the socket in place of the one that is there.</summary>
    /// <param name="program">The program; empty accepts everything.</param>
    /// <param name="exceptOutgoingOf">The index of an interface whose outgoing packets are rejected first, as loopback's, which come in again; 0 for none.</param>
    internal bool TryAttachKernelFilter(ReadOnlySpan<PcapInstruction> program, int exceptOutgoingOf)
    {
        ReadOnlySpan<PcapInstruction> before = exceptOutgoingOf == 0 ? [] :
        [
            new PcapInstruction { Code = LoadHalfWord, K = PacketTypeOffset },
            new PcapInstruction { Code = JumpIfEqual, Jt = 0, Jf = 3, K = PacketOutgoing },
            new PcapInstruction { Code = LoadWord, K = InterfaceIndexOffset },
            new PcapInstruction { Code = JumpIfEqual, Jt = 0, Jf = 1, K = (uint)exceptOutgoingOf },
            new PcapInstruction { Code = Return },
        ];
        ReadOnlySpan<PcapInstruction> then = program.IsEmpty ? [new PcapInstruction { Code = Return, K = (uint)SnapLength }] : program;
        return TryAttach([.. before, .. then]);
    }

    private bool TryAttach(ReadOnlySpan<PcapInstruction> program)
    {
        using FileDescriptor socket = FileDescriptor.Borrow(LibPcap.pcap_get_selectable_fd(this));
        fixed (PcapInstruction* instructions = program)
        {
            var native = new SocketFilterProgram { Length = (ushort)program.Length, Instructions = instructions };
            return !socket.IsInvalid && Libc.setsockopt(socket, Libc.SOL_SOCKET, Libc.SO_ATTACH_FILTER, &native, (uint)sizeof(SocketFilterProgram)) == 0;
        }
    }
}
