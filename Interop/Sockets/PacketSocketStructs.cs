using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary><c>struct mmsghdr</c> of 64-bit glibc: 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BatchMessage
{
    internal MessageHeader Header;

    /// <summary>Bytes sent of this message.</summary>
    internal uint SentLength;
}

/// <summary><c>struct sockaddr_ll</c> (linux/if_packet.h): 20 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LinkAddress
{
    internal ushort Family;

    /// <summary>In network order; 0 receives nothing.</summary>
    internal ushort Protocol;

    internal int InterfaceIndex;
    internal ushort HardwareType;
    internal byte PacketType;
    internal byte AddressLength;
    internal fixed byte Address[8];
}

/// <summary><c>struct sockaddr_in</c>: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct InternetAddress
{
    internal ushort Family;
    internal ushort Port;
    internal fixed byte Address[4];
    internal fixed byte Zero[8];
}

/// <summary><c>struct sockaddr_in6</c>: 28 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct InternetAddressV6
{
    internal ushort Family;
    internal ushort Port;
    internal uint FlowInformation;
    internal fixed byte Address[16];
    internal uint ScopeId;
}

/// <summary><c>struct if_nameindex</c>; the list ends with index 0.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct InterfaceNameIndex
{
    internal uint Index;
    internal byte* Name;
}

/// <summary><c>struct ifreq</c> of 64-bit Linux: a name and a union of 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct InterfaceRequest
{
    internal fixed byte Name[Libc.IFNAMSIZ];

    /// <summary>The first two bytes of the union: <c>ifr_flags</c>, or <c>sa_family</c> of <c>ifr_hwaddr</c>.</summary>
    internal ushort First;

    internal ushort Second;
    internal uint Third;
    internal ulong Fourth;
    internal ulong Fifth;
}
