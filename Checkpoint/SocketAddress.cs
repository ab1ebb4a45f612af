using System.Buffers.Binary;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>sockaddr_in and sockaddr_in6 bytes to and from endpoints; a v4-mapped address is its IPv4 address on an IPv6 socket.</summary>
internal static class SocketAddress
{
    private const int Ipv4Length = 16;
    private const int Ipv6Length = 28;

    /// <summary>Writes the address as a socket of <paramref name="isIpv6Socket"/>'s family takes it and returns its length.</summary>
    internal static int Write(FlowEndpoint endpoint, bool isIpv6Socket, Span<byte> destination)
    {
        destination[..Ipv6Length].Clear();
        BitConverter.TryWriteBytes(destination, (ushort)(isIpv6Socket ? Libc.AF_INET6 : Libc.AF_INET));
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], endpoint.Port);
        if (!isIpv6Socket)
        {
            endpoint.Address.CopyTo(destination[4..]);
            return Ipv4Length;
        }

        if (endpoint.Address.IsIpv4)
        {
            destination[18] = 0xff;
            destination[19] = 0xff;
            endpoint.Address.CopyTo(destination[20..]);
        }
        else
        {
            endpoint.Address.CopyTo(destination[8..]);
        }

        return Ipv6Length;
    }

    /// <summary>False for a family that is neither IPv4 nor IPv6.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> address, out FlowEndpoint endpoint)
    {
        endpoint = default;
        int family = address.Length >= 2 ? BitConverter.ToUInt16(address) : Libc.AF_UNSPEC;
        if (family == Libc.AF_INET && address.Length >= Ipv4Length)
        {
            endpoint = new FlowEndpoint(IpAddress.FromBytes(address.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
            return true;
        }

        if (family == Libc.AF_INET6 && address.Length >= Ipv6Length)
        {
            endpoint = new FlowEndpoint(IpAddress.FromIpv6(address.Slice(8, 16)).Unmapped, BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
            return true;
        }

        return false;
    }
}
