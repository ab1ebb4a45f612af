using System.Runtime.InteropServices;
using System.Text;

namespace Interceptor.Interop;

internal sealed unsafe partial class RouteNetlink
{
    private const ushort IFLA_STATS64 = 23;

    /// <summary>What the kernel knows of the interface with this index now; null where it is gone from this namespace.</summary>
    internal LinkStatus? TryGetStatus(int index)
    {
        byte[] answer;
        try
        {
            answer = GetLink(index, null, $"interface {index}");
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENODEV)
        {
            return null;
        }

        ReadOnlySpan<byte> link = answer.AsSpan(RouteMessage.HeaderLength);
        uint flags = MemoryMarshal.Read<uint>(link[8..]);
        ReadOnlySpan<byte> attributes = link[LinkHeaderLength..];
        ReadOnlySpan<byte> kind = FindAttribute(FindAttribute(attributes, IFLA_LINKINFO), IFLA_INFO_KIND);
        return new LinkStatus(
            Encoding.UTF8.GetString(FindAttribute(attributes, IFLA_IFNAME).TrimEnd((byte)0)),
            (flags & IFF_UP) != 0,
            Encoding.UTF8.GetString(kind.TrimEnd((byte)0)),
            CountersOf(FindAttribute(attributes, IFLA_STATS64)));
    }

    /// <summary><c>struct rtnl_link_stats64</c>: counters of 64 bits, the order of linux/if_link.h.</summary>
    private static LinkCounters CountersOf(ReadOnlySpan<byte> statistics)
    {
        const int RxPackets = 0, TxPackets = 1, RxDropped = 6, RxFifoErrors = 14, RxMissedErrors = 15;
        ReadOnlySpan<long> counters = MemoryMarshal.Cast<byte, long>(statistics);
        return counters.Length <= RxMissedErrors
            ? default
            : new LinkCounters(counters[RxPackets], counters[TxPackets], counters[RxDropped] + counters[RxFifoErrors] + counters[RxMissedErrors]);
    }
}
