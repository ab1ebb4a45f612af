using System.Runtime.InteropServices;

namespace Interceptor.Interop;

internal static partial class Libc
{
    internal const int AT_FDCWD = -100;
    internal const uint STATX_TYPE = 1;
    internal const ushort S_IFMT = 0xF000;
    internal const ushort S_IFREG = 0x8000;

    /// <summary>Bytes of struct statx (linux/stat.h).</summary>
    internal const int StatxLength = 256;

    /// <summary>Offset of stx_mode in struct statx.</summary>
    internal const int StatxModeOffset = 28;

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static unsafe partial int statx(int dirfd, string path, int flags, uint mask, byte* buffer);
}
