using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// An owned Linux file descriptor, unless it is borrowed. Disposing closes it; the close happens once whatever thread disposes.
/// Wrappers take this type, so that the descriptor can't be closed and reused under a running system call.
/// </summary>
internal sealed class FileDescriptor : SafeHandle
{
    public FileDescriptor()
        : base(-1, ownsHandle: true)
    {
    }

    internal FileDescriptor(int fd)
        : this(fd, isOwned: true)
    {
    }

    private FileDescriptor(int fd, bool isOwned)
        : base(-1, isOwned) => SetHandle(fd);

    /// <summary>
    /// True where the call that should have given a descriptor failed. Only the low 32 bits count: the C function returns an int, the
    /// marshaller reads a whole register, and a plain -1 would arrive as 0xffffffff.
    /// </summary>
    public override bool IsInvalid => (int)handle < 0;

    /// <summary>The number, for messages and for passing to a child; the handle keeps owning it.</summary>
    internal int Number => (int)handle;

    /// <summary>A descriptor of somebody else, as standard output is: neither disposing nor the finalizer of a forgotten handle closes it.</summary>
    internal static FileDescriptor Borrow(int fd) => new(fd, isOwned: false);

    /// <summary>Gives the number away: this handle no longer closes it.</summary>
    internal int Detach()
    {
        int fd = (int)handle;
        SetHandleAsInvalid();
        return fd;
    }

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
