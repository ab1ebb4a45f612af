using System.Net;

namespace Interceptor.Interop;

/// <summary>One interface as libpcap lists it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What libpcap says of it, or null.</param>
/// <param name="Flags">PCAP_IF_ bits.</param>
/// <param name="Addresses">IPv4 and IPv6 addresses; IPv6 without its scope.</param>
internal sealed record LibPcapDevice(string Name, string? Description, uint Flags, IReadOnlyList<IPAddress> Addresses);

/// <summary>libpcap's list of interfaces, copied out of its memory.</summary>
internal static unsafe class LibPcapDevices
{
    private const int MaxAddresses = 4096;

    internal static List<LibPcapDevice> FindAll()
    {
        LibPcap.Require();
        byte* message = stackalloc byte[LibPcap.PCAP_ERRBUF_SIZE];
        message[0] = 0;
        PcapDevice* first;
        if (LibPcap.pcap_findalldevs(&first, message) != 0)
        {
            throw new LinuxException(Errno.EIO, "pcap_findalldevs", "", LibPcapHandle.Text(message));
        }

        var devices = new List<LibPcapDevice>();
        for (PcapDevice* at = first; at is not null; at = at->Next)
        {
            string? description = at->Description is null ? null : LibPcapHandle.Text(at->Description);
            devices.Add(new LibPcapDevice(LibPcapHandle.Text(at->Name), description, at->Flags, AddressesOf(at)));
        }

        LibPcap.pcap_freealldevs(first);
        return devices;
    }

    private static List<IPAddress> AddressesOf(PcapDevice* device)
    {
        var addresses = new List<IPAddress>();
        for (PcapAddress* at = device->Addresses; at is not null && addresses.Count < MaxAddresses; at = at->Next)
        {
            if (at->Address is null)
            {
                continue;
            }

            // sockaddr_in: family, port, address at 4. sockaddr_in6: family, port, flow label, address at 8.
            ushort family = BitConverter.ToUInt16(new ReadOnlySpan<byte>(at->Address, 2));
            if (family == Libc.AF_INET)
            {
                addresses.Add(new IPAddress(new ReadOnlySpan<byte>(at->Address + 4, 4)));
            }
            else if (family == Libc.AF_INET6)
            {
                addresses.Add(new IPAddress(new ReadOnlySpan<byte>(at->Address + 8, 16)));
            }
        }

        return addresses;
    }
}
