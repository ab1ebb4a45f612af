using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// The writing end of a FIFO. Opening it usually waits for a reader, in a call that nothing but a signal's death ends; here it does not. While this is held, opening it the usual way does not wait either.
/// </summary>
internal sealed class FifoWriter : IDisposable
{
    private readonly FileDescriptor _descriptor;

    private FifoWriter(FileDescriptor descriptor) => _descriptor = descriptor;

    /// <summary>Opens it; null where nobody has it open for reading.</summary>
    /// <exception cref="LinuxException">open failed for another reason.</exception>
    internal static FifoWriter? TryOpen(string path)
    {
        while (true)
        {
            FileDescriptor descriptor = Libc.open(path, Libc.O_WRONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
            if (!descriptor.IsInvalid)
            {
                return new FifoWriter(descriptor);
            }

            int errno = Marshal.GetLastPInvokeError();
            descriptor.Dispose();
            if (errno == Errno.ENXIO)
            {
                return null;
            }

            if (errno != Errno.EINTR)
            {
                throw new LinuxException(errno, "open", path);
            }
        }
    }

    public void Dispose() => _descriptor.Dispose();
}
