using System.Text;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>Makes the sockets that conversations are played on: ordinary ones of the kernel, which do not block. They belong to the calling thread's network namespace.</summary>
internal static class ConversationSockets
{
    private const int Backlog = 4096;

    /// <summary>
    /// Begins to connect, from the captured port and with the captured sequence number where that goes.
    /// </summary>
    /// <param name="script">The connection.</param>
    /// <param name="target">Where to.</param>
    /// <param name="repairs">Set the sequence number.</param>
    /// <param name="report">Counts what could not be had.</param>
    /// <param name="errno">0, or why it can't be opened.</param>
    internal static FileDescriptor? Connect(ConversationScript script, FlowEndpoint target, bool repairs, StatefulReplayReport report, out int errno)
    {
        FileDescriptor? fd = TryConnect(script, target, script.Client.Port, repairs, report, out errno);
        if (errno is Errno.EADDRNOTAVAIL or Errno.EADDRINUSE && repairs && TryFree(script.Client.Port, target))
        {
            fd?.Dispose();
            fd = TryConnect(script, target, script.Client.Port, repairs, report, out errno);
        }

        if (errno is Errno.EADDRNOTAVAIL or Errno.EADDRINUSE or Errno.EACCES)
        {
            // Somebody has the port, or the same connection was closed a moment ago.
            fd?.Dispose();
            fd = TryConnect(script, target, 0, repairs, report, out errno);
            report.OtherPorts += errno == 0 ? 1 : 0;
        }

        if (errno == 0)
        {
            return fd;
        }

        fd?.Dispose();
        return null;
    }

    // The same connection of an earlier replay keeps its ports for a minute after its end: nobody needs it any more.
    private static bool TryFree(ushort port, FlowEndpoint target)
    {
        bool isIpv6 = !target.Address.IsIpv4;
        Span<byte> bytes = stackalloc byte[NativeSocket.MaxAddressLength];
        try
        {
            // A datagram socket that is connected tells which address the route takes, and sends nothing.
            using FileDescriptor probe = NativeSocket.Create(isIpv6 ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_DGRAM, 0);
            NativeSocket.Connect(probe, bytes[..SocketAddress.Write(target, isIpv6, bytes)], "a route");
            IpAddress local = LocalOf(probe).Address;
            Span<byte> addresses = stackalloc byte[32];
            local.CopyTo(addresses);
            target.Address.CopyTo(addresses[16..]);
            using SocketDiagnostics diagnostics = SocketDiagnostics.Open();
            return diagnostics.TryEndTimeWait(addresses[..local.Length], port, addresses.Slice(16, target.Address.Length), target.Port);
        }
        catch (LinuxException)
        {
            return false;
        }
    }

    /// <summary>Listens on a port of an address; of all addresses (IPv6 too, where there is that) for null.</summary>
    /// <exception cref="LinuxException">It is taken, or no address of this machine.</exception>
    internal static FileDescriptor Listen(IpAddress? address, ushort port, string? interfaceName)
    {
        bool isIpv6 = address is not { IsIpv4: true };
        FileDescriptor? fd = null;
        string subject = $"{(address is { } it ? new FlowEndpoint(it, port).ToString() : $"port {port}")}";
        try
        {
            try
            {
                fd = NativeSocket.Create(isIpv6 ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK, Libc.IPPROTO_TCP);
            }
            catch (LinuxException) when (address is null)
            {
                isIpv6 = false;
                fd = NativeSocket.Create(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK, Libc.IPPROTO_TCP);
            }

            NativeSocket.SetInt(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1, "setsockopt(SO_REUSEADDR)", subject);
            if (isIpv6 && address is null)
            {
                NativeSocket.SetInt(fd, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, 0, "setsockopt(IPV6_V6ONLY)", subject);
            }

            if (interfaceName is not null)
            {
                int errno = NativeSocket.TrySet(fd, Libc.SOL_SOCKET, Libc.SO_BINDTODEVICE, Encoding.ASCII.GetBytes(interfaceName + "\0"));
                if (errno != 0)
                {
                    throw new LinuxException(errno, "setsockopt(SO_BINDTODEVICE)", interfaceName, "See: interceptor interfaces.");
                }
            }

            Span<byte> bytes = stackalloc byte[NativeSocket.MaxAddressLength];
            IpAddress any = isIpv6 ? IpAddress.FromIpv6(new byte[16]) : IpAddress.FromIpv4(0);
            int length = SocketAddress.Write(new FlowEndpoint(address ?? any, port), isIpv6, bytes);
            NativeSocket.Bind(fd, bytes[..length], subject);
            NativeSocket.Listen(fd, Backlog, subject);
            return fd;
        }
        catch
        {
            fd?.Dispose();
            throw;
        }
    }

    /// <summary>The end of a listening socket, with the port that it got.</summary>
    internal static FlowEndpoint LocalOf(FileDescriptor fd)
    {
        Span<byte> bytes = stackalloc byte[NativeSocket.MaxAddressLength];
        int length = NativeSocket.GetLocalAddress(fd, bytes, "a listening socket");
        return SocketAddress.TryRead(bytes[..length], out FlowEndpoint end) ? end : default;
    }

    /// <summary>Who is at the other end; nobody known where it is gone already.</summary>
    internal static FlowEndpoint PeerOf(FileDescriptor fd)
    {
        Span<byte> bytes = stackalloc byte[NativeSocket.MaxAddressLength];
        try
        {
            int length = NativeSocket.GetPeerAddress(fd, bytes, "an accepted socket");
            return SocketAddress.TryRead(bytes[..length], out FlowEndpoint end) ? end : default;
        }
        catch (LinuxException)
        {
            return default;
        }
    }

    /// <summary>What is written leaves at once, in segments as it was written.</summary>
    internal static void SendAtOnce(FileDescriptor fd) => _ = NativeSocket.TrySet(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, BitConverter.GetBytes(1));

    /// <summary>Closes with a RST.</summary>
    internal static void Reset(FileDescriptor fd)
    {
        // struct linger { int l_onoff; int l_linger; }
        Span<byte> linger = stackalloc byte[8];
        linger.Clear();
        linger[0] = 1;
        _ = NativeSocket.TrySet(fd, Libc.SOL_SOCKET, Libc.SO_LINGER, linger);
        fd.Dispose();
    }

    private static FileDescriptor? TryConnect(ConversationScript script, FlowEndpoint target, ushort port, bool repairs, StatefulReplayReport report, out int errno)
    {
        bool isIpv6 = !target.Address.IsIpv4;
        FileDescriptor fd;
        try
        {
            fd = NativeSocket.Create(isIpv6 ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK, Libc.IPPROTO_TCP);
        }
        catch (LinuxException exception)
        {
            // As where there are no descriptors left: the other connections go on.
            errno = exception.Errno;
            return null;
        }

        SendAtOnce(fd);
        if (script.ClientSegmentSize is { } size)
        {
            // What the kernel does not take, as too small a size, stays its own choice.
            _ = NativeSocket.TrySet(fd, Libc.IPPROTO_TCP, Libc.TCP_MAXSEG, BitConverter.GetBytes((int)size));
        }

        // Leaving repair takes SO_REUSEADDR away, so it comes first.
        bool hasSequence = repairs && TrySetSequence(fd, script, report);
        Span<byte> bytes = stackalloc byte[NativeSocket.MaxAddressLength];
        if (port != 0)
        {
            _ = NativeSocket.TrySet(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, BitConverter.GetBytes(1));
            int length = SocketAddress.Write(new FlowEndpoint(isIpv6 ? IpAddress.FromIpv6(new byte[16]) : IpAddress.FromIpv4(0), port), isIpv6, bytes);
            errno = NativeSocket.TryBind(fd, bytes[..length]);
            if (errno != 0)
            {
                return fd;
            }
        }

        errno = NativeSocket.TryConnect(fd, bytes[..SocketAddress.Write(target, isIpv6, bytes)]);
        errno = errno == Errno.EINPROGRESS ? 0 : errno;
        report.CapturedSequences += hasSequence && errno == 0 ? 1 : 0;
        return fd;
    }

    // The kernel keeps a write_seq that is not 0 for the SYN (tcp_v4_connect, tcp_v6_connect).
    private static bool TrySetSequence(FileDescriptor fd, ConversationScript script, StatefulReplayReport report)
    {
        if (script.ClientInitialSequence is not { Value: not 0 } sequence || report.RepairFailure is not null)
        {
            return false;
        }

        int errno = Set(fd, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON);
        if (errno == 0)
        {
            errno = Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_SEND_QUEUE);
            errno = errno == 0 ? Set(fd, Libc.TCP_QUEUE_SEQ, (int)sequence.Value) : errno;
            _ = Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_NO_QUEUE);
            _ = Set(fd, Libc.TCP_REPAIR, Libc.TCP_REPAIR_OFF_NO_WP);
        }

        if (errno != 0)
        {
            report.RepairFailure = new LinuxException(errno, "setsockopt(TCP_REPAIR)", "a socket").Reason;
        }

        return errno == 0;
    }

    private static int Set(FileDescriptor fd, int name, int value) => NativeSocket.TrySet(fd, Libc.IPPROTO_TCP, name, BitConverter.GetBytes(value));
}
