using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>sys/epoll.h and sys/timerfd.h.</summary>
internal static unsafe partial class Libc
{
    internal const int EPOLL_CLOEXEC = 0x80000;
    internal const int EPOLL_CTL_ADD = 1;
    internal const int EPOLL_CTL_DEL = 2;
    internal const int EPOLL_CTL_MOD = 3;
    internal const int TFD_NONBLOCK = 0x800;
    internal const int TFD_CLOEXEC = 0x80000;
    internal const int TFD_TIMER_ABSTIME = 1;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial FileDescriptor epoll_create1(int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int epoll_ctl(FileDescriptor fd, int operation, int target, void* change);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int epoll_wait(FileDescriptor fd, void* events, int count, int timeoutMilliseconds);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial FileDescriptor timerfd_create(int clock, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int timerfd_settime(FileDescriptor fd, int flags, itimerspec* value, itimerspec* old);

    /// <summary><c>struct itimerspec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct itimerspec
    {
        internal TimeSpecification it_interval;
        internal TimeSpecification it_value;
    }
}
