namespace Interceptor.Interop;

/// <summary>
/// Follows one interface by its index: tells that something changed, and what it is like now. Belongs to the namespace of the opening thread.
/// <para>Threads: <see cref="Drain"/> is one thread's, <see cref="Query"/> any one's at a time.</para>
/// </summary>
internal sealed unsafe class LinkWatch : IDisposable
{
    private const int NETLINK_ROUTE = 0;
    private const uint RTMGRP_LINK = 1;

    private readonly RouteNetlink _netlink;
    private readonly int _index;

    private LinkWatch(RouteNetlink netlink, FileDescriptor events, int index)
    {
        _netlink = netlink;
        Events = events;
        _index = index;
    }

    /// <summary>Readable when some interface of the namespace changed.</summary>
    internal FileDescriptor Events { get; }

    internal static LinkWatch Open(int index)
    {
        FileDescriptor events = Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, NETLINK_ROUTE);
        if (events.IsInvalid)
        {
            throw LinuxException.FromLastError("socket(NETLINK_ROUTE)", "");
        }

        try
        {
            // struct sockaddr_nl: family, padding, port (the kernel chooses), groups.
            uint* address = stackalloc uint[3];
            address[0] = Libc.AF_NETLINK;
            address[1] = 0;
            address[2] = RTMGRP_LINK;
            return Libc.bind(events, address, 3 * sizeof(uint)) == 0
                ? new LinkWatch(RouteNetlink.Open(), events, index)
                : throw LinuxException.FromLastError("bind(RTMGRP_LINK)", "");
        }
        catch
        {
            events.Dispose();
            throw;
        }
    }

    /// <summary>Takes the waiting notices away, unread: whoever was woken asks for the state.</summary>
    internal void Drain()
    {
        // An overrun (ENOBUFS) is a notice too; only EAGAIN says that there is no other.
        const int Length = 4096;
        byte* notice = stackalloc byte[Length];
        while (Libc.recv(Events, notice, Length, Libc.MSG_DONTWAIT) >= 0 || System.Runtime.InteropServices.Marshal.GetLastPInvokeError() is Errno.ENOBUFS or Errno.EINTR)
        {
        }
    }

    /// <summary>The interface now; null where it was deleted or moved to another namespace.</summary>
    internal LinkStatus? Query() => _netlink.TryGetStatus(_index);

    public void Dispose()
    {
        Events.Dispose();
        _netlink.Dispose();
    }
}
