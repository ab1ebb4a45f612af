namespace Interceptor.Interop;

/// <summary>What kind of file a path names, asked without opening it: opening a FIFO waits for its other end.</summary>
internal static class FileKind
{
    /// <summary>True for a regular file, also through symbolic links; false for anything else and where nothing is.</summary>
    internal static unsafe bool IsRegularFile(string path)
    {
        Span<byte> buffer = stackalloc byte[Libc.StatxLength];
        fixed (byte* pointer = buffer)
        {
            return Libc.statx(Libc.AT_FDCWD, path, flags: 0, Libc.STATX_TYPE, pointer) == 0
                && (BitConverter.ToUInt16(buffer[Libc.StatxModeOffset..]) & Libc.S_IFMT) == Libc.S_IFREG;
        }
    }
}
