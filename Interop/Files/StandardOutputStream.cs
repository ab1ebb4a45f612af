using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Standard output as a stream that says when its reader is gone. .NET's own swallows EPIPE, so that <c>interceptor read FILE | head</c>
/// would read to the end for nobody; a <see cref="FileStream"/> keeps an offset of its own, so that two programs sharing a file would overwrite
/// one another. Unbuffered; one writer. Disposing leaves the descriptor open: it is the process's.
/// </summary>
internal sealed unsafe class StandardOutputStream : WriteOnlyStream
{
    private readonly FileDescriptor _descriptor = FileDescriptor.Borrow(StandardDescriptor.Output);
    private readonly bool _isOpen = StandardDescriptor.IsInherited(StandardDescriptor.Output);

    /// <exception cref="LinuxException">EPIPE where the reader is gone, ENOSPC on a full disk, EBADF where the process was started without standard output.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!_isOpen && !buffer.IsEmpty)
        {
            throw new LinuxException(Errno.EBADF, "write", "standard output");
        }

        while (!buffer.IsEmpty)
        {
            nint written;
            fixed (byte* pointer = buffer)
            {
                written = Libc.write(_descriptor, pointer, (nuint)buffer.Length);
            }

            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            int errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EAGAIN)
            {
                AwaitRoom();
            }
            else if (errno != Errno.EINTR)
            {
                throw new LinuxException(errno, "write", "standard output");
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        _descriptor.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Whoever shares the terminal or pipe may have made it non-blocking.</summary>
    private static void AwaitRoom()
    {
        var descriptor = new PollDescriptor { Fd = 1, Events = Libc.POLLOUT };
        _ = Libc.poll(&descriptor, 1, -1);
    }
}
