using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Imports from libc, by their own names. One partial file per subject (<c>Libc.Sockets.cs</c>, ...). Nothing here judges or retries:
/// that is the wrappers' work.
/// </summary>
internal static unsafe partial class Libc
{
    internal const string Library = "libc";

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int close(int fd);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial FileDescriptor open(string path, int flags, int mode);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int gettid();

    [LibraryImport(Library, SetLastError = true)]
    internal static partial uint geteuid();

    internal const int CLONE_FILES = 0x400;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int unshare(int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setns(FileDescriptor fd, int nstype);

    internal const int O_RDONLY = 0;
    internal const int O_WRONLY = 1;
    internal const int O_NOCTTY = 0x100;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_ASYNC = 0x2000;
    internal const int O_CLOEXEC = 0x80000;
    internal const int CLONE_NEWNET = 0x40000000;
}
