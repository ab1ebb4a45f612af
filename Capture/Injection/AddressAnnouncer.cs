using System.Buffers.Binary;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Injection;

/// <summary>
/// Tells the neighbours of an address that it is at this machine now, on each Ethernet interface that carries it: a gratuitous ARP request (sender and target are the address), or an
/// unsolicited neighbour advertisement with the override flag (RFC 4861 7.2.6) for IPv6. Neighbours that knew it elsewhere change their tables at once.
/// <para>Opening a socket for an interface takes the kernel milliseconds, sending does not. Threads: one at a time. It belongs to the network namespace of the opening thread.</para>
/// </summary>
public sealed class AddressAnnouncer : IDisposable
{
    private const byte NeighbourAdvertisement = 136;
    private const uint Override = 0x2000_0000;
    private const uint FromRouter = 0x8000_0000;
    private const int EthernetMinimum = 60;

    private readonly List<(LinkInjector Link, byte[] Frame)> _links = [];

    private AddressAnnouncer(IpAddress address) => Address = address;

    /// <summary>What is announced.</summary>
    public IpAddress Address { get; }

    /// <summary>The interfaces it is announced on; empty where no Ethernet interface carries the address.</summary>
    public IReadOnlyList<string> Interfaces => [.. _links.Select(static link => link.Link.InterfaceName)];

    /// <summary>Opens a socket on each interface of the calling thread's network namespace that carries the address.</summary>
    /// <exception cref="LinuxException">EPERM without CAP_NET_RAW.</exception>
    public static AddressAnnouncer Open(IpAddress address)
    {
        var announcer = new AddressAnnouncer(address);
        try
        {
            Span<byte> hardware = stackalloc byte[MacAddress.Length];
            Span<byte> bytes = stackalloc byte[address.Length];
            address.CopyTo(bytes);
            foreach ((_, string name) in LocalAddressReader.InterfacesOf(bytes))
            {
                if (LinuxInterfaces.TryGetEthernetAddress(name, hardware))
                {
                    announcer._links.Add((LinkInjector.Open(name), Build(address, MacAddress.FromBytes(hardware), IsRouter(name))));
                }
            }

            return announcer;
        }
        catch
        {
            announcer.Dispose();
            throw;
        }
    }

    /// <summary>Sends one announcement on each interface; returns how many were sent.</summary>
    /// <exception cref="LinuxException">An interface went down or away.</exception>
    public int Announce()
    {
        foreach ((LinkInjector link, byte[] frame) in _links)
        {
            link.Write(new CapturedPacket(frame, new PacketMetadata { LinkType = LinkType.Ethernet, OriginalLength = frame.Length }));
            link.Flush();
        }

        return (int)_links.Sum(static link => link.Link.Statistics.SentPackets);
    }

    /// <summary>Closes the sockets.</summary>
    public void Dispose() => _links.ForEach(static link => link.Link.Dispose());

    /// <summary>The frame that announces an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="hardware">Where it is.</param>
    /// <param name="isRouter">IPv6: whether the machine is a router, as who says no is taken out of the list of routers.</param>
    internal static byte[] Build(IpAddress address, MacAddress hardware, bool isRouter)
    {
        var packet = new PacketBuilder();
        if (address.IsIpv4)
        {
            return packet.Ethernet(hardware, MacAddress.Broadcast).Arp(1, hardware, address, default, address).PadTo(EthernetMinimum).ToArray();
        }

        Span<byte> allNodes = stackalloc byte[16];
        allNodes.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(allNodes, 0xFF02);
        allNodes[15] = 1;
        Span<byte> body = stackalloc byte[24];
        address.CopyTo(body);
        body[16] = 2;
        body[17] = 1;
        hardware.CopyTo(body[18..]);
        return packet.Ethernet(hardware, MacAddress.FromBits(0x3333_0000_0001))
            .Ipv6(address, IpAddress.FromIpv6(allNodes), hopLimit: 255)
            .Icmpv6(NeighbourAdvertisement, 0, Override | (isRouter ? FromRouter : 0))
            .Payload(body).ToArray();
    }

    private static bool IsRouter(string interfaceName)
    {
        try
        {
            return File.ReadAllText($"/proc/sys/net/ipv6/conf/{interfaceName}/forwarding").Trim() != "0";
        }
        catch (IOException)
        {
            // No IPv6 here, so nothing is announced by it.
            return false;
        }
    }
}
