using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>What a receive on a netlink socket found.</summary>
internal enum NetlinkReceiveResult
{
    /// <summary>Datagrams are in the buffer.</summary>
    Messages,

    /// <summary>Nothing is waiting.</summary>
    Empty,

    /// <summary>The kernel could not deliver some messages (ENOBUFS): a wake-up, not a count.</summary>
    Overrun,
}

/// <summary>
/// A netlink socket that never blocks in a receive; waiting is <see cref="Wait(EventDescriptor, long)"/>.
/// <para>Threads: one receives and waits; any may send (a send is one system call on the caller's buffer).</para>
/// </summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private readonly FileDescriptor _fd;
    private readonly string _subject;

    private NetlinkSocket(FileDescriptor fd, string subject)
    {
        _fd = fd;
        _subject = subject;
    }

    /// <summary>The descriptor's number, for whoever duplicates it out of this process.</summary>
    internal int DescriptorNumber => _fd.Number;

    /// <summary>The kernel's name for this socket in its replies and in /proc.</summary>
    internal uint PortId { get; private set; }

    /// <summary>Opens and binds a socket in the calling thread's network namespace.</summary>
    /// <param name="protocol">NETLINK_NETFILTER, ...</param>
    /// <param name="subject">What it is for, in messages.</param>
    internal static NetlinkSocket Open(int protocol, string subject)
    {
        FileDescriptor fd = Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, protocol);
        if (fd.IsInvalid)
        {
            throw LinuxException.FromLastError("socket(AF_NETLINK)", subject);
        }

        var address = new NetlinkAddress { Family = Libc.AF_NETLINK };
        uint length = (uint)sizeof(NetlinkAddress);
        if (Libc.bind(fd, &address, length) != 0 || Libc.getsockname(fd, &address, &length) != 0)
        {
            LinuxException failure = LinuxException.FromLastError("bind(AF_NETLINK)", subject);
            fd.Dispose();
            throw failure;
        }

        return new NetlinkSocket(fd, subject) { PortId = address.PortId };
    }

    /// <summary>A socket that is open already, as another process's that was duplicated; takes ownership of <paramref name="fd"/>.</summary>
    internal static NetlinkSocket FromDescriptor(FileDescriptor fd, string subject) => new(fd, subject);

    /// <summary>
    /// Asks for a receive buffer, beyond the system's limit where privileges allow (SO_RCVBUFFORCE), else up to the limit.
    /// Returns what the kernel then reports: it doubles the request for its own bookkeeping.
    /// </summary>
    internal int SetReceiveBuffer(int bytes)
    {
        if (Libc.setsockopt(_fd, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, &bytes, sizeof(int)) != 0 &&
            Libc.setsockopt(_fd, Libc.SOL_SOCKET, Libc.SO_RCVBUF, &bytes, sizeof(int)) != 0)
        {
            throw LinuxException.FromLastError("setsockopt(SO_RCVBUF)", _subject);
        }

        int got;
        uint length = sizeof(int);
        return Libc.getsockopt(_fd, Libc.SOL_SOCKET, Libc.SO_RCVBUF, &got, &length) == 0
            ? got
            : throw LinuxException.FromLastError("getsockopt(SO_RCVBUF)", _subject);
    }

    /// <summary>
    /// Lets only the kernel send to this socket: from now on another program's send to it fails with ECONNREFUSED (net/netlink/af_netlink.c, netlink_getsockbyportid). What
    /// one has sent already is thrown away; nothing of the kernel's, which has not been asked for anything yet.
    /// </summary>
    internal void ConnectToKernel()
    {
        var kernel = new NetlinkAddress { Family = Libc.AF_NETLINK };
        if (Libc.connect(_fd, &kernel, (uint)sizeof(NetlinkAddress)) != 0)
        {
            throw LinuxException.FromLastError("connect(AF_NETLINK)", _subject);
        }

        byte discarded;
        while (Libc.recv(_fd, &discarded, 1, Libc.MSG_DONTWAIT) >= 0 || Marshal.GetLastPInvokeError() is Errno.EINTR or Errno.ENOBUFS)
        {
        }
    }

    /// <summary>Switches a SOL_NETLINK option on; false where the kernel refuses it.</summary>
    internal bool TryEnable(int option)
    {
        int one = 1;
        return Libc.setsockopt(_fd, Libc.SOL_NETLINK, option, &one, sizeof(int)) == 0;
    }

    /// <summary>Sends one datagram (one or several netlink messages) to the kernel, which handles it before this returns.</summary>
    internal void Send(ReadOnlySpan<byte> datagram)
    {
        var kernel = new NetlinkAddress { Family = Libc.AF_NETLINK };
        fixed (byte* data = datagram)
        {
            while (true)
            {
                nint sent = Libc.sendto(_fd, data, (nuint)datagram.Length, 0, &kernel, (uint)sizeof(NetlinkAddress));
                if (sent == datagram.Length)
                {
                    return;
                }

                if (sent >= 0 || Marshal.GetLastPInvokeError() != Errno.EINTR)
                {
                    throw LinuxException.FromLastError("sendto(AF_NETLINK)", _subject);
                }
            }
        }
    }

    /// <summary>Takes what is waiting, up to the buffer's slots, in one system call; never blocks.</summary>
    internal NetlinkReceiveResult Receive(NetlinkReceiveBuffer buffer, out int count)
    {
        count = 0;
        while (true)
        {
            int got = Libc.recvmmsg(_fd, buffer.Headers, (uint)buffer.Slots, Libc.MSG_DONTWAIT, null);
            if (got > 0)
            {
                count = got;
                return NetlinkReceiveResult.Messages;
            }

            int errno = got == 0 ? Errno.EAGAIN : Marshal.GetLastPInvokeError();
            switch (errno)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    return NetlinkReceiveResult.Empty;
                case Errno.ENOBUFS:
                    return NetlinkReceiveResult.Overrun;
                default:
                    throw new LinuxException(errno, "recvmmsg(AF_NETLINK)", _subject);
            }
        }
    }

    /// <summary>
    /// Waits until the socket is readable (true), or until <paramref name="wake"/> was signalled or the time is over (false). A signal is cleared.
    /// </summary>
    /// <param name="wake">What another thread signals.</param>
    /// <param name="timeoutNanoseconds">Negative waits for ever; 0 only looks.</param>
    internal bool Wait(EventDescriptor wake, long timeoutNanoseconds)
    {
        PollDescriptor* polled = stackalloc PollDescriptor[2];
        polled[0] = new PollDescriptor { Fd = _fd.Number, Events = Libc.POLLIN };
        polled[1] = new PollDescriptor { Fd = wake.Descriptor.Number, Events = Libc.POLLIN };
        TimeSpecification timeout = default;
        if (timeoutNanoseconds > 0)
        {
            timeout.Seconds = Math.DivRem(timeoutNanoseconds, 1_000_000_000, out timeout.Nanoseconds);
        }

        int ready = Libc.ppoll(polled, 2, timeoutNanoseconds < 0 ? null : &timeout, null);
        if (ready < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            return errno == Errno.EINTR ? false : throw new LinuxException(errno, "ppoll", _subject);
        }

        if (polled[1].Returned != 0)
        {
            wake.Clear();
        }

        // POLLERR stands for ENOBUFS here: the receive that follows fetches and clears it.
        return polled[0].Returned != 0;
    }

    /// <summary>Waits until the socket is readable; false once the time is over.</summary>
    internal bool Wait(int timeoutMilliseconds) => NativeSocket.Poll(_fd, Libc.POLLIN, timeoutMilliseconds) != 0;

    public void Dispose() => _fd.Dispose();
}
