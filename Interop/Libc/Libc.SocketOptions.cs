using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Socket options, ioctls and the rest of the socket calls: the numbers of asm-generic/socket.h, linux/in.h and linux/in6.h.</summary>
internal static unsafe partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int listen(FileDescriptor fd, int backlog);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial FileDescriptor accept4(FileDescriptor fd, byte* address, uint* length, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fcntl(FileDescriptor fd, int command, nint argument);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int shutdown(FileDescriptor fd, int how);

    internal const int SHUT_WR = 1;

    internal const int IPPROTO_IP = 0;
    internal const int IPPROTO_TCP = 6;
    internal const int IPPROTO_IPV6 = 41;

    internal const int F_DUPFD_CLOEXEC = 1030;
    internal const int F_GETFL = 3;
    internal const int F_SETFL = 4;
    internal const int F_SETSIG = 10;
    internal const int F_GETSIG = 11;
    internal const int F_SETOWN = 8;
    internal const int F_GETOWN = 9;

    internal const nuint SIOCINQ = 0x541B;
    internal const nuint SIOCOUTQ = 0x5411;
    internal const nuint SIOCOUTQNSD = 0x894B;
    internal const nuint SIOCATMARK = 0x8905;
    internal const nuint SIOCGSKNS = 0x894C;
    internal const nuint SIOCGIFFLAGS = 0x8913;
    internal const nuint SIOCSIFFLAGS = 0x8914;

    internal const int SO_REUSEADDR = 2;
    internal const int SO_TYPE = 3;
    internal const int SO_ERROR = 4;
    internal const int SO_DONTROUTE = 5;
    internal const int SO_SNDBUF = 7;
    internal const int SO_KEEPALIVE = 9;
    internal const int SO_OOBINLINE = 10;
    internal const int SO_PRIORITY = 12;
    internal const int SO_LINGER = 13;
    internal const int SO_REUSEPORT = 15;
    internal const int SO_RCVLOWAT = 18;
    internal const int SO_RCVTIMEO = 20;
    internal const int SO_SNDTIMEO = 21;
    internal const int SO_BINDTODEVICE = 25;
    internal const int SO_GET_FILTER = 26;
    internal const int SO_SNDBUFFORCE = 32;
    internal const int SO_MARK = 36;
    internal const int SO_PROTOCOL = 38;
    internal const int SO_DOMAIN = 39;
    internal const int SO_PEEK_OFF = 42;
    internal const int SO_BUSY_POLL = 46;
    internal const int SO_MAX_PACING_RATE = 47;
    internal const int SO_LOCK_FILTER = 44;
    internal const int SO_COOKIE = 57;
    internal const int SO_ZEROCOPY = 60;
    internal const int SO_BUF_LOCK = 72;
    internal const int SOCK_RCVBUF_LOCK = 2;

    internal const int IP_TOS = 1;
    internal const int IP_TTL = 2;
    internal const int IP_OPTIONS = 4;
    internal const int IP_MTU_DISCOVER = 10;
    internal const int IP_MTU = 14;
    internal const int IP_RECVERR = 11;
    internal const int IP_FREEBIND = 15;
    internal const int IP_TRANSPARENT = 19;
    internal const int IP_MINTTL = 21;
    internal const int IP_BIND_ADDRESS_NO_PORT = 24;

    internal const int IPV6_UNICAST_HOPS = 16;
    internal const int IPV6_MTU_DISCOVER = 23;
    internal const int IPV6_MTU = 24;
    internal const int IPV6_RECVERR = 25;
    internal const int IPV6_V6ONLY = 26;
    internal const int IPV6_FLOWINFO_SEND = 33;
    internal const int IPV6_TCLASS = 67;
    internal const int IPV6_AUTOFLOWLABEL = 70;
    internal const int IPV6_MINHOPCOUNT = 73;
    internal const int IPV6_TRANSPARENT = 75;
    internal const int IPV6_FREEBIND = 78;

    internal const int IFF_UP = 1;

    /// <summary>cmsghdr with one descriptor behind it: CMSG_SPACE(sizeof(int)) is 24 bytes on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct cmsg_one_fd
    {
        internal nuint cmsg_len;
        internal int cmsg_level;
        internal int cmsg_type;
        internal int fd;
        private readonly int _padding;
    }

    /// <summary>The name and the flags of struct ifreq (linux/if.h), padded to its 40 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    internal struct ifreq_flags
    {
        internal fixed byte ifr_name[16];
        internal short ifr_flags;
    }
}
