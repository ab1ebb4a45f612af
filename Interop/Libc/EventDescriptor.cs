using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>An eventfd that wakes a thread out of a poll. Any thread signals; the polling thread clears.</summary>
internal sealed unsafe class EventDescriptor : IDisposable
{
    internal EventDescriptor()
    {
        Descriptor = Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        if (Descriptor.IsInvalid)
        {
            throw LinuxException.FromLastError("eventfd", "");
        }
    }

    internal FileDescriptor Descriptor { get; }

    /// <summary>Makes the descriptor readable until <see cref="Clear"/>.</summary>
    internal void Signal()
    {
        ulong one = 1;
        while (Libc.write(Descriptor, &one, sizeof(ulong)) < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR)
        {
        }
    }

    /// <summary>Takes back every signal given so far.</summary>
    internal void Clear()
    {
        ulong count;
        while (Libc.read(Descriptor, &count, sizeof(ulong)) < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR)
        {
        }
    }

    public void Dispose() => Descriptor.Dispose();
}
