using Interceptor.Interop;

namespace Interceptor.Capture.Injection;

/// <summary>
/// Sends IP packets with their own header through a raw socket: they are routed like this machine's own, to another machine or to a local
/// socket. Of an IPv4 header the kernel writes the length and the checksum, and the identification and source address where they are 0
/// (man 7 raw); the rest goes out as it is.
/// <para>Threads: one sender; <see cref="Statistics"/> may be read on any. It belongs to the network namespace of the opening thread.</para>
/// </summary>
public sealed class RawIpInjector : IDisposable
{
    private const int HeaderLengthV4 = 20;
    private const int HeaderLengthV6 = 40;
    private const int StallMilliseconds = 5000;

    private readonly FileDescriptor _socket;
    private readonly InjectionCounter _counter = new();

    private RawIpInjector(int ipVersion, uint mark, FileDescriptor socket)
    {
        IpVersion = ipVersion;
        Mark = mark;
        _socket = socket;
    }

    /// <summary>4 or 6.</summary>
    public int IpVersion { get; }

    /// <summary>The firewall mark of what is sent, by which our own rules let it pass; 0 for none.</summary>
    public uint Mark { get; }

    /// <summary>What became of the packets so far.</summary>
    public InjectionStatistics Statistics => _counter.Snapshot();

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    /// <param name="ipVersion">4 or 6.</param>
    /// <param name="mark">The firewall mark (SO_MARK); 0 for none.</param>
    /// <exception cref="LinuxException">EPERM without CAP_NET_RAW, or, for a mark, CAP_NET_ADMIN.</exception>
    public static RawIpInjector Open(int ipVersion, uint mark)
    {
        if (ipVersion is not (4 or 6))
        {
            throw new ArgumentOutOfRangeException(nameof(ipVersion), ipVersion, "IP has versions 4 and 6.");
        }

        return new(ipVersion, mark, PacketSocket.OpenRawIp(ipVersion, mark));
    }

    /// <summary>
    /// Sends one packet from its IP header on. False if it was not sent, with the reason in <see cref="Statistics"/>: it is no packet of this
    /// version, longer than the route takes, unroutable, or refused by the firewall. A full queue is waited for, at most five seconds.
    /// A link-local IPv6 destination needs its interface and can't be sent to.
    /// </summary>
    public bool Send(ReadOnlySpan<byte> ipPacket)
    {
        if (ipPacket.Length < (IpVersion == 4 ? HeaderLengthV4 : HeaderLengthV6) || ipPacket[0] >> 4 != IpVersion)
        {
            _counter.Failed(IpVersion == 4 ? "no IPv4 packet" : "no IPv6 packet");
            return false;
        }

        long start = Environment.TickCount64;
        int errno = PacketSocket.SendRawIp(_socket, IpVersion, ipPacket);
        while (errno is Errno.EAGAIN or Errno.ENOBUFS && Environment.TickCount64 - start < StallMilliseconds)
        {
            _counter.QueueWait(errno);
            if (PacketSocket.WaitWritable(_socket, milliseconds: 100) && errno == Errno.ENOBUFS)
            {
                PacketSocket.Rest(milliseconds: 1);
            }

            errno = PacketSocket.SendRawIp(_socket, IpVersion, ipPacket);
        }

        if (errno != 0)
        {
            _counter.Failed(errno);
            return false;
        }

        _counter.Sent(1, ipPacket.Length);
        return true;
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _socket.Dispose();
}
