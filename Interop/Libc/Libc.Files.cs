using System.Runtime.InteropServices;

namespace Interceptor.Interop;

internal static unsafe partial class Libc
{
    internal const int AT_FDCWD = -100;
    internal const int AT_EMPTY_PATH = 0x1000;
    internal const uint STATX_BASIC_STATS = 0x7FF;
    internal const ushort S_IFMT = 0xF000;
    internal const ushort S_IFIFO = 0x1000;
    internal const ushort S_IFREG = 0x8000;
    internal const ushort S_IFDIR = 0x4000;
    internal const int F_GETFD = 1;
    internal const int FD_CLOEXEC = 1;
    internal const nuint TIOCGWINSZ = 0x5413;

    /// <summary>Bytes of struct statx (linux/stat.h), and the offsets of stx_nlink, stx_mode, stx_ino, stx_size and stx_dev_major in it.</summary>
    internal const int StatxLength = 256;
    internal const int StatxLinksOffset = 16;
    internal const int StatxModeOffset = 28;
    internal const int StatxInodeOffset = 32;
    internal const int StatxSizeOffset = 40;
    internal const int StatxDeviceOffset = 136;

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int statx(int dirfd, string path, int flags, uint mask, byte* buffer);

    internal const uint MFD_CLOEXEC = 1;

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial FileDescriptor memfd_create(string name, uint flags);

    [LibraryImport(Library)]
    internal static partial int isatty(int fd);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial FileDescriptor openat(FileDescriptor dirfd, byte* path, int flags, int mode);

    /// <summary>Where the calling thread's errno is.</summary>
    [LibraryImport(Library)]
    internal static partial int* __errno_location();

    internal const int SEEK_SET = 0;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial long lseek(FileDescriptor fd, long offset, int whence);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint getdents64(FileDescriptor fd, void* buffer, nuint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint readlinkat(FileDescriptor dirfd, byte* path, byte* buffer, nuint length);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int access(string path, int mode);

    internal const int X_OK = 1;
    internal const int W_OK = 2;
}
