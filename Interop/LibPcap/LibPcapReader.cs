using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Takes packets out of an activated handle's ring in batches: one call into libpcap for many packets, none of them copied on the way.
/// <para>Ownership: the handle stays the caller's, who disposes it after this. Threads: one reads; any may wake it.</para>
/// </summary>
internal sealed unsafe class LibPcapReader : IDisposable
{
    private readonly LibPcapHandle _handle;
    private readonly ILibPcapReceiver _receiver;
    private readonly FileDescriptor _ring;
    private readonly EventDescriptor _wake = new();
    private GCHandle _self;
    private Exception? _failure;

    internal LibPcapReader(LibPcapHandle handle, ILibPcapReceiver receiver)
    {
        _handle = handle;
        _receiver = receiver;
        byte* message = stackalloc byte[LibPcap.PCAP_ERRBUF_SIZE];
        message[0] = 0;
        if (LibPcap.pcap_setnonblock(handle, 1, message) != 0)
        {
            _wake.Dispose();
            throw new LinuxException(Errno.EIO, "pcap_setnonblock", LibPcapHandle.Text(message));
        }

        _ring = FileDescriptor.Borrow(LibPcap.pcap_get_selectable_fd(handle));
        _self = GCHandle.Alloc(this);
    }

    /// <summary>
    /// Hands what is in the ring to the receiver, at most <paramref name="limit"/> packets, without waiting. Gives their number, 0 when there is none (or
    /// all were of the kind that libpcap skips), or PCAP_ERROR: see <see cref="LibPcapHandle.LastError"/>. An exception of the receiver comes out here.
    /// </summary>
    internal int Read(int limit)
    {
        int result = LibPcap.pcap_dispatch(_handle, limit, &Receive, (byte*)GCHandle.ToIntPtr(_self));
        if (_failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return result;
    }

    /// <summary>Waits until the ring has packets or an error, <paramref name="events"/> can be read, <see cref="Wake"/> is called, or the time is over.</summary>
    /// <param name="events">A further descriptor to wait for, or null.</param>
    /// <param name="timeoutMilliseconds">Negative waits for ever; a device that can't be waited for is looked at every 10 ms.</param>
    /// <returns>True if <paramref name="events"/> can be read.</returns>
    internal bool Wait(FileDescriptor? events, int timeoutMilliseconds)
    {
        const int LookAgain = 10;
        PollDescriptor* polled = stackalloc PollDescriptor[3];
        polled[0] = new PollDescriptor { Fd = _ring.Number, Events = Libc.POLLIN };
        polled[1] = new PollDescriptor { Fd = _wake.Descriptor.Number, Events = Libc.POLLIN };
        polled[2] = new PollDescriptor { Fd = events?.Number ?? -1, Events = Libc.POLLIN };
        int timeout = _ring.IsInvalid && (uint)timeoutMilliseconds > LookAgain ? LookAgain : timeoutMilliseconds;
        if (Libc.poll(polled, 3, timeout) < 0)
        {
            return Marshal.GetLastPInvokeError() == Errno.EINTR ? false : throw LinuxException.FromLastError("poll", "the capture's socket");
        }

        if (polled[1].Returned != 0)
        {
            _wake.Clear();
        }

        return polled[2].Returned != 0;
    }

    /// <summary>Makes the reading thread return from <see cref="Wait"/>, now or when it next waits. Any thread, before disposal.</summary>
    internal void Wake() => _wake.Signal();

    public void Dispose()
    {
        if (_self.IsAllocated)
        {
            _self.Free();
        }

        _wake.Dispose();
    }

    /// <summary>Called by libpcap: no exception may leave it.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Receive(byte* user, PcapPacketHeader* header, byte* data)
    {
        var reader = (LibPcapReader)GCHandle.FromIntPtr((nint)user).Target!;
        try
        {
            if (reader._failure is null)
            {
                reader._receiver.Receive(in *header, new ReadOnlySpan<byte>(data, checked((int)header->CapturedLength)));
            }
        }
#pragma warning disable CA1031 // Read throws it on the managed side.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            reader._failure = exception;
        }
    }
}
