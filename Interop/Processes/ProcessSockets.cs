using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>A socket that a process has open.</summary>
/// <param name="Inode">The socket.</param>
/// <param name="Descriptor">The number by which the process knows it.</param>
internal readonly record struct ProcessSocket(long Inode, int Descriptor);

/// <summary>
/// Which processes there are and which sockets they have open, from /proc: a system call for each descriptor, so dear where there are many. It sees the
/// processes of the PID namespace that /proc shows, whatever their network namespace. Allocates nothing but what the caller's lists need to grow.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed unsafe class ProcessSockets : IDisposable
{
    private const int BufferLength = 32 * 1024;
    private const int LongestLink = 64;

    private readonly FileDescriptor _proc;
    private readonly byte[] _entries = GC.AllocateUninitializedArray<byte>(BufferLength, pinned: true);

    internal ProcessSockets()
    {
        _proc = Libc.open("/proc", Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC, 0);
        if (_proc.IsInvalid)
        {
            throw LinuxException.FromLastError("open", "/proc");
        }
    }

    /// <summary>Adds the number of every process.</summary>
    internal void ListProcesses(List<int> processes)
    {
        // Opened anew: a descriptor that is read once stands at its end.
        using FileDescriptor directory = OpenBelowProc(".\0"u8);
        fixed (byte* entries = _entries)
        {
            nint length;
            while ((length = Libc.getdents64(directory, entries, BufferLength)) > 0)
            {
                ReadOnlySpan<byte> rest = _entries.AsSpan(0, (int)length);
                while (DirectoryEntries.TryTake(ref rest, out ReadOnlySpan<byte> name))
                {
                    if (DirectoryEntries.TryParse(name, out long number))
                    {
                        processes.Add((int)number);
                    }
                }
            }

            if (length < 0)
            {
                throw LinuxException.FromLastError("read", "/proc");
            }
        }
    }

    /// <summary>Adds the sockets of a process. 0, or the error number: ENOENT or ESRCH where it has ended, EACCES where it may not be looked at.</summary>
    internal int TryListSockets(int pid, List<ProcessSocket> sockets)
    {
        Span<byte> path = stackalloc byte[32];
        Utf8Formatter.TryFormat(pid, path, out int written);
        "/fd\0"u8.CopyTo(path[written..]);
        using FileDescriptor directory = OpenBelowProc(path);
        if (directory.IsInvalid)
        {
            return Marshal.GetLastPInvokeError();
        }

        fixed (byte* entries = _entries)
        {
            while (true)
            {
                nint length = Libc.getdents64(directory, entries, BufferLength);
                if (length <= 0)
                {
                    return length == 0 ? 0 : Marshal.GetLastPInvokeError();
                }

                int refused = AddSockets(directory, _entries.AsSpan(0, (int)length), sockets);
                if (refused != 0)
                {
                    return refused;
                }
            }
        }
    }

    public void Dispose() => _proc.Dispose();

    private FileDescriptor OpenBelowProc(ReadOnlySpan<byte> terminatedPath)
    {
        fixed (byte* path = terminatedPath)
        {
            return Libc.openat(_proc, path, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC, 0);
        }
    }

    /// <summary>0, or EACCES where the descriptors may be listed but not looked at.</summary>
    private static int AddSockets(FileDescriptor directory, ReadOnlySpan<byte> entries, List<ProcessSocket> sockets)
    {
        Span<byte> link = stackalloc byte[LongestLink];
        while (DirectoryEntries.TryTake(ref entries, out ReadOnlySpan<byte> name))
        {
            if (!DirectoryEntries.TryParse(name, out long descriptor))
            {
                continue;
            }

            nint length;
            fixed (byte* path = name)
            fixed (byte* target = link)
            {
                // The name is terminated in its record.
                length = Libc.readlinkat(directory, path, target, LongestLink);
            }

            if (length < 0 && Marshal.GetLastPInvokeError() is int errno and (Errno.EACCES or Errno.EPERM))
            {
                return errno;
            }

            if (length > 0 && TryParseSocket(link[..(int)length], out long inode))
            {
                sockets.Add(new ProcessSocket(inode, (int)descriptor));
            }
        }

        return 0;
    }

    private static bool TryParseSocket(ReadOnlySpan<byte> target, out long inode)
    {
        inode = 0;
        return target.StartsWith("socket:["u8) && target.EndsWith("]"u8) && DirectoryEntries.TryParse(target["socket:["u8.Length..^1], out inode);
    }
}
