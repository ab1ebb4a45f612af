using System.Runtime.InteropServices;

namespace Interceptor.Interop;

internal static unsafe partial class Libc
{
    internal const int NETLINK_NETFILTER = 12;
    internal const int SOL_NETLINK = 270;
    internal const int NETLINK_NO_ENOBUFS = 5;
    internal const int NETLINK_CAP_ACK = 10;
    internal const int SO_RCVBUF = 8;
    internal const int SO_RCVBUFFORCE = 33;
    internal const int EFD_CLOEXEC = 0x80000;
    internal const int EFD_NONBLOCK = 0x800;
    internal const int CLOCK_REALTIME = 0;
    internal const int CLOCK_MONOTONIC = 1;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int recvmmsg(FileDescriptor fd, MultipleMessageHeader* messages, uint count, int flags, TimeSpecification* timeout);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int ppoll(PollDescriptor* descriptors, nuint count, TimeSpecification* timeout, void* signalMask);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial FileDescriptor eventfd(uint initial, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint read(FileDescriptor fd, void* buffer, nuint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint write(FileDescriptor fd, void* buffer, nuint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int clock_gettime(int clock, TimeSpecification* time);
}
