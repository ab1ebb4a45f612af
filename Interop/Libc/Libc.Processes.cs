using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Processes by descriptor, signals, exec, and what a durable write needs.</summary>
internal static unsafe partial class Libc
{
    /// <summary>pidfd_open and pidfd_getfd by number: glibc has wrappers only since 2.36.</summary>
    [LibraryImport(Library, SetLastError = true, EntryPoint = "syscall")]
    internal static partial nint syscall3(nint number, nint first, nint second, nint third);

    /// <summary>pidfd_send_signal by number, for the same reason.</summary>
    [LibraryImport(Library, SetLastError = true, EntryPoint = "syscall")]
    internal static partial nint syscall4(nint number, nint first, nint second, nint third, nint fourth);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int sched_getscheduler(int thread);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int sched_setscheduler(int thread, int policy, int* priority);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setsid();

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint signal(int number, nint handler);

    /// <summary>Returns an error number, and does not set errno.</summary>
    [LibraryImport(Library)]
    internal static partial int pthread_sigmask(int how, void* set, void* before);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fsync(FileDescriptor fd);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int syncfs(FileDescriptor fd);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int renameat2(int fromDirectory, string from, int toDirectory, string to, uint flags);

    internal const int SCHED_OTHER = 0;
    internal const int SCHED_RR = 2;
    internal const int SCHED_RESET_ON_FORK = 0x40000000;

    internal const nint SYS_pidfd_send_signal = 424;
    internal const nint SYS_pidfd_open = 434;
    internal const nint SYS_pidfd_getfd = 438;

    internal const int SIG_BLOCK = 0;
    internal const int SIG_SETMASK = 2;
    internal const int SIGKILL = 9;
    internal const int SIGPIPE = 13;
    internal const int SIGCONT = 18;
    internal const int SIGSTOP = 19;
    internal const nint SIG_DFL = 0;

    internal const int CLOCK_BOOTTIME = 7;

    internal const uint RENAME_NOREPLACE = 1;
    internal const uint RENAME_EXCHANGE = 2;
    internal const int O_DIRECTORY = 0x10000;
}
