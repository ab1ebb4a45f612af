using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>What the kernel knows of a file: what kind it is, which one, how long. Asked without opening it: opening a FIFO waits for its other end.</summary>
/// <param name="Mode">st_mode: kind and permissions.</param>
/// <param name="Links">Names that it has; 0 once it is deleted and only held open.</param>
/// <param name="Inode">Which file it is, on its device.</param>
/// <param name="Device">Which device.</param>
/// <param name="Length">Bytes of a regular file.</param>
internal readonly record struct FileStatus(ushort Mode, uint Links, ulong Inode, ulong Device, long Length)
{
    internal bool IsRegular => (Mode & Libc.S_IFMT) == Libc.S_IFREG;

    internal bool IsFifo => (Mode & Libc.S_IFMT) == Libc.S_IFIFO;

    internal bool IsDirectory => (Mode & Libc.S_IFMT) == Libc.S_IFDIR;

    /// <summary>True where both are one file, whatever its names.</summary>
    internal bool IsSameFile(in FileStatus other) => Inode == other.Inode && Device == other.Device;

    /// <summary>The file that a path names, through symbolic links; null where nothing is or it can't be reached.</summary>
    internal static FileStatus? Of(string path) => Ask(Libc.AT_FDCWD, path, 0);

    /// <summary>An open file.</summary>
    internal static FileStatus Of(FileDescriptor descriptor, string subject) =>
        Ask(descriptor.Number, "", Libc.AT_EMPTY_PATH) ?? throw LinuxException.FromLastError("statx", subject);

    private static unsafe FileStatus? Ask(int directory, string path, int flags)
    {
        Span<byte> buffer = stackalloc byte[Libc.StatxLength];
        fixed (byte* pointer = buffer)
        {
            int result;
            do
            {
                result = Libc.statx(directory, path, flags, Libc.STATX_BASIC_STATS, pointer);
            }
            while (result != 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
            if (result != 0)
            {
                return null;
            }
        }

        return new FileStatus(
            MemoryMarshal.Read<ushort>(buffer[Libc.StatxModeOffset..]),
            MemoryMarshal.Read<uint>(buffer[Libc.StatxLinksOffset..]),
            MemoryMarshal.Read<ulong>(buffer[Libc.StatxInodeOffset..]),
            MemoryMarshal.Read<ulong>(buffer[Libc.StatxDeviceOffset..]),
            MemoryMarshal.Read<long>(buffer[Libc.StatxSizeOffset..]));
    }
}
