using System.Runtime.InteropServices;

namespace Interceptor.Interop;

internal static unsafe partial class Libc
{
    internal const int AF_UNSPEC = 0;
    internal const int AF_UNIX = 1;
    internal const int AF_INET = 2;
    internal const int AF_INET6 = 10;
    internal const int AF_NETLINK = 16;
    internal const int AF_PACKET = 17;

    internal const int SOCK_STREAM = 1;
    internal const int SOCK_DGRAM = 2;
    internal const int SOCK_RAW = 3;
    internal const int SOCK_NONBLOCK = 0x800;
    internal const int SOCK_CLOEXEC = 0x80000;

    internal const int SOL_SOCKET = 1;
    internal const int SCM_RIGHTS = 1;

    internal const int MSG_PEEK = 0x2;
    internal const int MSG_DONTWAIT = 0x40;
    internal const int MSG_NOSIGNAL = 0x4000;
    internal const int MSG_CMSG_CLOEXEC = 0x40000000;

    internal const short POLLIN = 0x1;
    internal const short POLLPRI = 0x2;
    internal const short POLLOUT = 0x4;
    internal const short POLLERR = 0x8;
    internal const short POLLHUP = 0x10;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial FileDescriptor socket(int domain, int type, int protocol);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int bind(FileDescriptor fd, void* address, uint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int connect(FileDescriptor fd, void* address, uint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getsockname(FileDescriptor fd, void* address, uint* length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getpeername(FileDescriptor fd, void* address, uint* length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setsockopt(FileDescriptor fd, int level, int name, void* value, uint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getsockopt(FileDescriptor fd, int level, int name, void* value, uint* length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint send(FileDescriptor fd, void* data, nuint length, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint recv(FileDescriptor fd, void* buffer, nuint length, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint sendto(FileDescriptor fd, void* data, nuint length, int flags, void* address, uint addressLength);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint sendmsg(FileDescriptor fd, MessageHeader* message, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint recvmsg(FileDescriptor fd, MessageHeader* message, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int ioctl(FileDescriptor fd, nuint request, void* argument);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);
}
