using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Sockets that send whole packets. The senders return 0 or an error number and judge nothing: a failed packet is an ordinary event.
/// </summary>
internal static unsafe class PacketSocket
{
    private const int SO_MARK = 36;
    private const string Remedy = "Sending packets needs CAP_NET_RAW: run as root.";

    /// <summary>An AF_PACKET socket that sends on one interface and receives nothing.</summary>
    internal static FileDescriptor OpenLink(int interfaceIndex, string interfaceName, bool qdiscBypass)
    {
        string subject = $"interface {interfaceName}";
        FileDescriptor socket = Libc.socket(Libc.AF_PACKET, Libc.SOCK_RAW | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (socket.IsInvalid)
        {
            throw LinuxException.FromLastError("socket(AF_PACKET)", subject, Remedy);
        }

        var address = new LinkAddress { Family = Libc.AF_PACKET, InterfaceIndex = interfaceIndex };
        if (Libc.bind(socket, &address, (uint)sizeof(LinkAddress)) != 0)
        {
            using (socket)
            {
                throw LinuxException.FromLastError("bind(AF_PACKET)", subject);
            }
        }

        if (qdiscBypass)
        {
            Set(socket, Libc.SOL_PACKET, Libc.PACKET_QDISC_BYPASS, 1, "setsockopt(PACKET_QDISC_BYPASS)", subject, null);
        }

        return socket;
    }

    /// <summary>A raw IP socket whose packets bring their own IP header.</summary>
    internal static FileDescriptor OpenRawIp(int ipVersion, uint mark)
    {
        string subject = $"IPv{ipVersion}";
        int family = ipVersion == 4 ? Libc.AF_INET : Libc.AF_INET6;
        FileDescriptor socket = Libc.socket(family, Libc.SOCK_RAW | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, Libc.IPPROTO_RAW);
        if (socket.IsInvalid)
        {
            throw LinuxException.FromLastError("socket(SOCK_RAW)", subject, Remedy);
        }

        Set(socket, Libc.SOL_SOCKET, Libc.SO_BROADCAST, 1, "setsockopt(SO_BROADCAST)", subject, null);
        if (mark != 0)
        {
            Set(socket, Libc.SOL_SOCKET, SO_MARK, unchecked((int)mark), "setsockopt(SO_MARK)", subject, "A mark needs CAP_NET_ADMIN: run as root.");
        }

        return socket;
    }

    /// <summary>Sends one IP packet to the destination in its header, whose length the caller has checked: 0 or an error number.</summary>
    internal static int SendRawIp(FileDescriptor socket, int ipVersion, ReadOnlySpan<byte> packet)
    {
        const int DestinationV4 = 16;
        const int DestinationV6 = 24;
        nint sent;
        fixed (byte* data = packet)
        {
            if (ipVersion == 4)
            {
                var address = new InternetAddress { Family = Libc.AF_INET };
                packet.Slice(DestinationV4, 4).CopyTo(new Span<byte>(address.Address, 4));
                sent = Retrying(socket, data, (nuint)packet.Length, &address, (uint)sizeof(InternetAddress));
            }
            else
            {
                var address = new InternetAddressV6 { Family = Libc.AF_INET6 };
                packet.Slice(DestinationV6, 16).CopyTo(new Span<byte>(address.Address, 16));
                sent = Retrying(socket, data, (nuint)packet.Length, &address, (uint)sizeof(InternetAddressV6));
            }
        }

        return sent < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Waits until the socket takes more, at most <paramref name="milliseconds"/>; true if it does.</summary>
    internal static bool WaitWritable(FileDescriptor socket, int milliseconds)
    {
        var descriptor = new PollDescriptor { Fd = socket.Number, Events = Libc.POLLOUT };
        return Libc.poll(&descriptor, 1, milliseconds) > 0;
    }

    /// <summary>Rests the calling thread, for a device queue that tells nobody when it has room again.</summary>
    internal static void Rest(int milliseconds) => _ = Libc.poll(null, 0, milliseconds);

    private static nint Retrying(FileDescriptor socket, byte* data, nuint length, void* address, uint addressLength)
    {
        nint sent;
        do
        {
            sent = Libc.sendto(socket, data, length, 0, address, addressLength);
        }
        while (sent < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        return sent;
    }

    private static void Set(FileDescriptor socket, int level, int name, int value, string operation, string subject, string? remedy)
    {
        if (Libc.setsockopt(socket, level, name, &value, sizeof(int)) != 0)
        {
            using (socket)
            {
                throw LinuxException.FromLastError(operation, subject, remedy);
            }
        }
    }
}
