using Microsoft.Win32.SafeHandles;

namespace Interceptor.Interop;

/// <summary>
/// An owned Linux file descriptor. Disposing closes it; the close happens once whatever thread disposes.
/// Wrappers take this type, so that the descriptor can't be closed and reused under a running system call.
/// </summary>
internal sealed class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    public FileDescriptor()
        : base(ownsHandle: true)
    {
    }

    internal FileDescriptor(int fd)
        : base(ownsHandle: true) => SetHandle(fd);

    /// <summary>The number, for messages and for passing to a child; the handle keeps owning it.</summary>
    internal int Number => (int)handle;

    /// <summary>Gives the number away: this handle no longer closes it.</summary>
    internal int Detach()
    {
        int fd = (int)handle;
        SetHandleAsInvalid();
        return fd;
    }

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
