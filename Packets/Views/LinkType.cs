namespace Interceptor.Packets;

/// <summary>
/// What a packet's first byte belongs to: the LINKTYPE_ numbers of the tcpdump registry, as they stand in capture files.
/// Any 16-bit value can occur; those without a name here are carried through and not dissected.
/// </summary>
public enum LinkType : ushort
{
    /// <summary>BSD loopback: a 4-byte protocol family in the byte order of the capturing machine.</summary>
    Null = 0,

    /// <summary>Ethernet (10 Mb and up), without the frame check sequence.</summary>
    Ethernet = 1,

    /// <summary>Raw IP as some systems number DLT_RAW: the version nibble decides.</summary>
    RawBsd = 12,

    /// <summary>Raw IP as OpenBSD numbers DLT_RAW.</summary>
    RawOpenBsd = 14,

    /// <summary>Raw IP: the version nibble of the first byte decides between IPv4 and IPv6.</summary>
    Raw = 101,

    /// <summary>OpenBSD loopback: a 4-byte protocol family in network byte order.</summary>
    Loop = 108,

    /// <summary>Linux cooked capture, version 1 (16-byte header).</summary>
    LinuxCooked = 113,

    /// <summary>Raw IPv4.</summary>
    Ipv4 = 228,

    /// <summary>Raw IPv6.</summary>
    Ipv6 = 229,

    /// <summary>Linux cooked capture, version 2 (20-byte header).</summary>
    LinuxCooked2 = 276,
}
