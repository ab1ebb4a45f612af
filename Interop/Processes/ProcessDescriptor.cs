using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// A process by descriptor (pidfd): it can't come to mean another process that reuses the number. Readable once the process has ended.
/// Any thread.
/// </summary>
internal sealed class ProcessDescriptor : IDisposable
{
    private const string PtraceRemedy = "Taking a descriptor out of another process needs the right to trace it: run as root or with CAP_SYS_PTRACE.";
    private readonly FileDescriptor _fd;

    private ProcessDescriptor(FileDescriptor fd, int pid)
    {
        _fd = fd;
        Pid = pid;
    }

    internal int Pid { get; }

    /// <summary>The descriptor's number, for whoever duplicates it out of this process.</summary>
    internal int DescriptorNumber => _fd.Number;

    /// <summary>One that is open already, as another process's that was duplicated; takes ownership of <paramref name="fd"/>.</summary>
    internal static ProcessDescriptor FromDescriptor(FileDescriptor fd, int pid) => new(fd, pid);

    internal static ProcessDescriptor Open(int pid)
    {
        nint fd = Libc.syscall3(Libc.SYS_pidfd_open, pid, 0, 0);
        return fd < 0
            ? throw LinuxException.FromLastError("pidfd_open", $"process {pid}")
            : new ProcessDescriptor(new FileDescriptor((int)fd), pid);
    }

    /// <summary>A duplicate, in this process, of one of the other's descriptors: the same open file.</summary>
    internal FileDescriptor Duplicate(int descriptor)
    {
        bool held = false;
        try
        {
            _fd.DangerousAddRef(ref held);
            nint fd = Libc.syscall3(Libc.SYS_pidfd_getfd, _fd.Number, descriptor, 0);
            if (fd < 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                throw new LinuxException(errno, "pidfd_getfd", $"descriptor {descriptor} of process {Pid}", errno == Errno.EPERM ? PtraceRemedy : null);
            }

            return new FileDescriptor((int)fd);
        }
        finally
        {
            if (held)
            {
                _fd.DangerousRelease();
            }
        }
    }

    /// <summary>True once the process has ended; waits up to <paramref name="timeoutMilliseconds"/> for it.</summary>
    internal bool WaitForEnd(int timeoutMilliseconds) => NativeSocket.Poll(_fd, Libc.POLLIN, timeoutMilliseconds) != 0;

    /// <summary>Sends a signal to this process and no other, whoever has its number now; false if it has ended.</summary>
    internal bool Signal(int signal)
    {
        bool held = false;
        try
        {
            _fd.DangerousAddRef(ref held);
            if (Libc.syscall4(Libc.SYS_pidfd_send_signal, _fd.Number, signal, 0, 0) == 0)
            {
                return true;
            }

            int errno = Marshal.GetLastPInvokeError();
            return errno == Errno.ESRCH ? false : throw new LinuxException(errno, $"pidfd_send_signal({signal})", $"process {Pid}");
        }
        finally
        {
            if (held)
            {
                _fd.DangerousRelease();
            }
        }
    }

    public void Dispose() => _fd.Dispose();
}
