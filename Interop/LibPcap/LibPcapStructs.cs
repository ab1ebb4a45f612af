using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary><c>struct bpf_insn</c>: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PcapInstruction
{
    internal ushort Code;
    internal byte Jt;
    internal byte Jf;
    internal uint K;
}

/// <summary><c>struct bpf_program</c>; the instructions belong to libpcap until <c>pcap_freecode</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PcapProgram
{
    internal uint Length;
    internal PcapInstruction* Instructions;
}

/// <summary><c>struct sock_fprog</c> (linux/filter.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SocketFilterProgram
{
    internal ushort Length;
    internal PcapInstruction* Instructions;
}

/// <summary><c>struct pcap_pkthdr</c> of 64-bit Linux: a timeval of two longs, then two lengths.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PcapPacketHeader
{
    /// <summary>Seconds since the epoch.</summary>
    internal long Seconds;

    /// <summary>Microseconds or nanoseconds, as the handle's precision says.</summary>
    internal long Fraction;

    internal uint CapturedLength;
    internal uint OriginalLength;
}

/// <summary><c>struct pcap_stat</c>: counters of 32 bits since activation, which wrap.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PcapCounters
{
    internal uint Received;
    internal uint Dropped;
    internal uint InterfaceDropped;
}

/// <summary><c>struct pcap_if</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PcapDevice
{
    internal PcapDevice* Next;
    internal byte* Name;
    internal byte* Description;
    internal PcapAddress* Addresses;
    internal uint Flags;
}

/// <summary><c>struct pcap_addr</c>; each pointer is a <c>struct sockaddr</c> or null.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PcapAddress
{
    internal PcapAddress* Next;
    internal byte* Address;
    internal byte* Netmask;
    internal byte* Broadcast;
    internal byte* Destination;
}
