using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>What makes a written file or directory survive a power cut.</summary>
internal static class DurableFile
{
    /// <summary>fsync of a file or a directory.</summary>
    internal static void Flush(string path)
    {
        using FileDescriptor fd = Open(path);
        if (Libc.fsync(fd) != 0)
        {
            throw LinuxException.FromLastError("fsync", path);
        }
    }

    /// <summary>syncfs: everything on the file system of <paramref name="path"/>, also what others wrote. For thousands of files one of these takes less than an fsync each.</summary>
    internal static void FlushFileSystem(string path)
    {
        using FileDescriptor fd = Open(path);
        if (Libc.syncfs(fd) != 0)
        {
            throw LinuxException.FromLastError("syncfs", path);
        }
    }

    private static FileDescriptor Open(string path)
    {
        FileDescriptor fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        return fd.IsInvalid ? throw LinuxException.FromLastError("open", path) : fd;
    }

    /// <summary>Renames, and fails with EEXIST where the new name is taken, which rename(2) would replace.</summary>
    internal static void RenameToNew(string from, string to)
    {
        if (Libc.renameat2(Libc.AT_FDCWD, from, Libc.AT_FDCWD, to, Libc.RENAME_NOREPLACE) == 0)
        {
            return;
        }

        int errno = Marshal.GetLastPInvokeError();
        if (errno != Errno.EINVAL || Path.Exists(to))
        {
            throw new LinuxException(Path.Exists(to) ? Errno.EEXIST : errno, "rename", $"{from} to {to}");
        }

        // A file system without RENAME_NOREPLACE: as near as it gets.
        if (Libc.renameat2(Libc.AT_FDCWD, from, Libc.AT_FDCWD, to, 0) != 0)
        {
            throw LinuxException.FromLastError("rename", $"{from} to {to}");
        }
    }

    /// <summary>Exchanges two names in one step.</summary>
    internal static void Exchange(string first, string second)
    {
        if (Libc.renameat2(Libc.AT_FDCWD, first, Libc.AT_FDCWD, second, Libc.RENAME_EXCHANGE) != 0)
        {
            throw LinuxException.FromLastError("rename", $"{first} and {second}");
        }
    }
}
