using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Waits for many descriptors at once, and for an instant of the monotonic clock, with epoll and a timerfd. Level-triggered: an event that is not served comes
/// again. Any thread may make one; one at a time uses it.
/// </summary>
internal sealed unsafe class EventPoll : IDisposable
{
    internal const uint Readable = (uint)Libc.POLLIN;
    internal const uint Writable = (uint)Libc.POLLOUT;
    internal const uint Failed = (uint)Libc.POLLERR;
    internal const uint HungUp = (uint)Libc.POLLHUP;

    // Two events are kept from the caller: the timer's is this.
    private const ulong TimerKey = ulong.MaxValue;
    private const int Capacity = 256;

    // struct epoll_event is packed on x86-64, and only there.
    private static readonly int KeyOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventLength = KeyOffset + sizeof(ulong);

    private readonly FileDescriptor _poll;
    private readonly FileDescriptor _timer;
    private readonly byte[] _events = new byte[Capacity * EventLength];
    private long _armed = -1;

    internal EventPoll()
    {
        _poll = Libc.epoll_create1(Libc.EPOLL_CLOEXEC);
        if (_poll.IsInvalid)
        {
            throw LinuxException.FromLastError("epoll_create1", "");
        }

        _timer = Libc.timerfd_create(Libc.CLOCK_MONOTONIC, Libc.TFD_NONBLOCK | Libc.TFD_CLOEXEC);
        if (_timer.IsInvalid)
        {
            throw LinuxException.FromLastError("timerfd_create", "");
        }

        Add(_timer, Readable, TimerKey);
    }

    /// <summary>Size of the kernel's structure on this machine, for the test of layouts.</summary>
    internal static int NativeEventLength => EventLength;

    /// <summary>Watches a descriptor; <paramref name="key"/> comes back with its events.</summary>
    internal void Add(FileDescriptor fd, uint events, ulong key) => Control(Libc.EPOLL_CTL_ADD, fd, events, key);

    /// <summary>Watches it for other events; errors and hang-ups always come.</summary>
    internal void Change(FileDescriptor fd, uint events, ulong key) => Control(Libc.EPOLL_CTL_MOD, fd, events, key);

    /// <summary>Watches it no more.</summary>
    internal void Remove(FileDescriptor fd) => Control(Libc.EPOLL_CTL_DEL, fd, 0, 0);

    /// <summary>
    /// Returns when there are events, or at <paramref name="deadline"/> (ns of the monotonic clock; <see cref="long.MaxValue"/> for never), or when a signal came.
    /// </summary>
    /// <returns>How many events there are to <see cref="Get"/>; the timer's own is not among the ones that matter (<see cref="Get"/> tells it by events 0).</returns>
    internal int Wait(long deadline)
    {
        Arm(deadline);
        int count;
        fixed (byte* events = _events)
        {
            count = Libc.epoll_wait(_poll, events, Capacity, -1);
        }

        return count >= 0 ? count
            : Marshal.GetLastPInvokeError() == Errno.EINTR ? 0
            : throw LinuxException.FromLastError("epoll_wait", "");
    }

    /// <summary>One of the events of the last <see cref="Wait"/>; of the timer: no events.</summary>
    internal (ulong Key, uint Events) Get(int index)
    {
        ReadOnlySpan<byte> entry = _events.AsSpan(index * EventLength, EventLength);
        ulong key = MemoryMarshal.Read<ulong>(entry[KeyOffset..]);
        if (key != TimerKey)
        {
            return (key, MemoryMarshal.Read<uint>(entry));
        }

        // What has gone off is disarmed; its count is read so that it is no event any more.
        ulong expirations;
        _ = Libc.read(_timer, &expirations, sizeof(ulong));
        _armed = -1;
        return (key, 0);
    }

    public void Dispose()
    {
        _poll.Dispose();
        _timer.Dispose();
    }

    private void Arm(long deadline)
    {
        if (deadline == _armed)
        {
            return;
        }

        _armed = deadline;

        // An instant of 0 disarms; one that has passed goes off at once.
        long instant = deadline == long.MaxValue ? 0 : Math.Max(deadline, 1);
        var value = new Libc.itimerspec { it_value = new TimeSpecification { Seconds = instant / 1_000_000_000, Nanoseconds = instant % 1_000_000_000 } };
        if (Libc.timerfd_settime(_timer, Libc.TFD_TIMER_ABSTIME, &value, null) != 0)
        {
            throw LinuxException.FromLastError("timerfd_settime", "");
        }
    }

    private void Control(int operation, FileDescriptor fd, uint events, ulong key)
    {
        byte* change = stackalloc byte[16];
        *(uint*)change = events;
        *(ulong*)(change + KeyOffset) = key;
        if (Libc.epoll_ctl(_poll, operation, fd.Number, change) != 0)
        {
            throw LinuxException.FromLastError("epoll_ctl", $"descriptor {fd.Number}");
        }
    }
}
