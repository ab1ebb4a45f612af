using System.Runtime.InteropServices;
using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>The filter that an application attached to its socket: a classic BPF program can be read back and attached again, an eBPF one can't.</summary>
internal static class SocketFilter
{
    /// <summary>struct sock_filter: 8 bytes.</summary>
    private const int InstructionLength = 8;
    private const int MaxInstructions = 4096;

    /// <summary>True where a program is attached that can't be read.</summary>
    internal static bool IsBpf(FileDescriptor fd)
    {
        // The length, in instructions, comes without room for them.
        return !NativeSocket.TryGet(fd, Libc.SOL_SOCKET, Libc.SO_GET_FILTER, [], out _, out int errno) && errno == Errno.EACCES;
    }

    /// <summary>The instructions, each as two words; empty for none.</summary>
    internal static int[] Read(FileDescriptor fd)
    {
        if (!NativeSocket.TryGet(fd, Libc.SOL_SOCKET, Libc.SO_GET_FILTER, [], out int count, out _) || count is <= 0 or > MaxInstructions)
        {
            return [];
        }

        // Asked with the number of instructions, not of bytes.
        var words = new int[count * InstructionLength / sizeof(int)];
        return NativeSocket.TryGetFilter(fd, MemoryMarshal.AsBytes(words.AsSpan()), count) ? words : [];
    }

    /// <summary>Attaches it: 0 or an error number.</summary>
    internal static int Attach(FileDescriptor fd, int[] words) => NativeSocket.TrySetFilter(fd, MemoryMarshal.AsBytes(words.AsSpan()), words.Length * sizeof(int) / InstructionLength);
}
