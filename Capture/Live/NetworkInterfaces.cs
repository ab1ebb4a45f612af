using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>The interfaces one can capture on, in the calling thread's network namespace.</summary>
public static class NetworkInterfaces
{
    /// <summary>As libpcap lists them: those that are up first, then its own devices (<c>any</c>, ...). Needs no privileges.</summary>
    /// <exception cref="LinuxException">The kernel does not tell.</exception>
    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    public static IReadOnlyList<NetworkInterfaceInfo> List() => [.. LibPcapDevices.FindAll().Select(static device => new NetworkInterfaceInfo(
        device.Name,
        device.Description,
        [.. device.Addresses.Select(static address => IpAddress.FromBytes(address.GetAddressBytes()))],
        IsUp: (device.Flags & LibPcap.PCAP_IF_UP) != 0,
        IsRunning: (device.Flags & LibPcap.PCAP_IF_RUNNING) != 0,
        IsLoopback: (device.Flags & LibPcap.PCAP_IF_LOOPBACK) != 0,
        LinkTypeOf(device.Name)))];

    private static LinkType? LinkTypeOf(string name) => LinuxInterfaces.TryGetHardwareType(name, out ushort type) ? FromHardwareType(type) : null;

    /// <summary>What packets on an interface of this ARPHRD_ number begin with; null for kinds that are not sent or named here.</summary>
    internal static LinkType? FromHardwareType(ushort type) => type switch
    {
        Libc.ARPHRD_ETHER or Libc.ARPHRD_LOOPBACK => LinkType.Ethernet,
        Libc.ARPHRD_NONE or Libc.ARPHRD_RAWIP => LinkType.Raw,
        _ => null,
    };
}
