using System.Globalization;

namespace Interceptor.Interop;

/// <summary>
/// The threads of a process, from /proc/PID/task: asked whether all stand still. A question is a few system calls for each thread and allocates a descriptor for each, no text.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed unsafe class ProcessTasks : IDisposable
{
    private const int EntriesLength = 4 * 1024;
    private const int StatLength = 512;
    private readonly string _path;
    private readonly FileDescriptor _tasks;

    private ProcessTasks(string path, FileDescriptor tasks)
    {
        _path = path;
        _tasks = tasks;
    }

    /// <summary>Opens the list of a process's threads.</summary>
    /// <exception cref="LinuxException">ENOENT: there is no such process.</exception>
    internal static ProcessTasks Open(int pid)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task");
        FileDescriptor tasks = Libc.open(path, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC, 0);
        if (tasks.IsInvalid)
        {
            throw LinuxException.FromLastError("open", path);
        }

        return new ProcessTasks(path, tasks);
    }

    /// <summary>
    /// True if every thread is stopped: state T (or t, traced; or Z or X, which runs no more). False too where one ended while it was looked at: ask again.
    /// </summary>
    internal bool AreStopped()
    {
        if (Libc.lseek(_tasks, 0, Libc.SEEK_SET) < 0)
        {
            throw LinuxException.FromLastError("lseek", _path);
        }

        byte* entries = stackalloc byte[EntriesLength];
        nint length;
        while ((length = Libc.getdents64(_tasks, entries, EntriesLength)) > 0)
        {
            var rest = new ReadOnlySpan<byte>(entries, (int)length);
            while (DirectoryEntries.TryTake(ref rest, out ReadOnlySpan<byte> name))
            {
                if (DirectoryEntries.TryParse(name, out _) && !IsStopped(name))
                {
                    return false;
                }
            }
        }

        return length == 0;
    }

    public void Dispose() => _tasks.Dispose();

    private bool IsStopped(ReadOnlySpan<byte> thread)
    {
        Span<byte> path = stackalloc byte[32];
        thread.CopyTo(path);
        "/stat\0"u8.CopyTo(path[thread.Length..]);
        byte* text = stackalloc byte[StatLength];
        fixed (byte* terminated = path)
        {
            using FileDescriptor stat = Libc.openat(_tasks, terminated, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
            nint length = stat.IsInvalid ? -1 : Libc.read(stat, text, StatLength);
            if (length <= 0)
            {
                return false;
            }

            // The name before the state may have anything in it, brackets too.
            var read = new ReadOnlySpan<byte>(text, (int)length);
            int end = read.LastIndexOf((byte)')');
            return end >= 0 && end + 2 < read.Length && read[end + 2] is (byte)'T' or (byte)'t' or (byte)'Z' or (byte)'X';
        }
    }
}
