using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Pipes, and what moves bytes through them without this process seeing them.</summary>
internal static unsafe partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int pipe2(int* pair, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint splice(FileDescriptor from, long* fromOffset, FileDescriptor to, long* toOffset, nuint length, uint flags);

    internal const int F_SETPIPE_SZ = 1031;
    internal const uint SPLICE_F_MOVE = 1;
    internal const uint SPLICE_F_NONBLOCK = 2;
}
