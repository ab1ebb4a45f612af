using System.Runtime.InteropServices;

namespace Interceptor.Interop;

internal static unsafe partial class Libc
{
    internal const int SOL_PACKET = 263;
    internal const int PACKET_QDISC_BYPASS = 20;
    internal const int IPPROTO_RAW = 255;
    internal const int SO_BROADCAST = 6;
    internal const int SO_ATTACH_FILTER = 26;

    internal const int IFNAMSIZ = 16;
    internal const nuint SIOCGIFMTU = 0x8921;
    internal const nuint SIOCGIFHWADDR = 0x8927;

    internal const ushort ARPHRD_ETHER = 1;
    internal const ushort ARPHRD_RAWIP = 519;
    internal const ushort ARPHRD_LOOPBACK = 772;
    internal const ushort ARPHRD_NONE = 0xFFFE;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int sendmmsg(FileDescriptor fd, BatchMessage* messages, uint count, int flags);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial uint if_nametoindex(string name);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial InterfaceNameIndex* if_nameindex();

    [LibraryImport(Library)]
    internal static partial void if_freenameindex(InterfaceNameIndex* list);
}
