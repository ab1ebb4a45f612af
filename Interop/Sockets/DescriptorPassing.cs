using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Sends an open descriptor over a Unix socket (SCM_RIGHTS) and receives one. One descriptor and one byte a message. Any thread.</summary>
internal static unsafe class DescriptorPassing
{
    /// <summary>sizeof(cmsghdr) + sizeof(int): what cmsg_len counts, without the padding behind it.</summary>
    private const int RightsLength = 20;

    /// <summary>Sends a duplicate of <paramref name="descriptor"/>; the caller still owns its own.</summary>
    internal static void Send(FileDescriptor socket, SafeHandle descriptor)
    {
        bool held = false;
        try
        {
            descriptor.DangerousAddRef(ref held);
            byte data = 0;
            var vector = new IoVector { Base = &data, Length = 1 };
            var control = new Libc.cmsg_one_fd
            {
                cmsg_len = RightsLength,
                cmsg_level = Libc.SOL_SOCKET,
                cmsg_type = Libc.SCM_RIGHTS,
                fd = (int)descriptor.DangerousGetHandle(),
            };
            var message = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = &control,
                ControlLength = (nuint)sizeof(Libc.cmsg_one_fd),
            };
            while (Libc.sendmsg(socket, &message, Libc.MSG_NOSIGNAL) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                {
                    throw LinuxException.FromLastError("sendmsg(SCM_RIGHTS)", "the Unix socket to the new owner");
                }
            }
        }
        finally
        {
            if (held)
            {
                descriptor.DangerousRelease();
            }
        }
    }

    /// <summary>Waits for a message and returns its descriptor (close-on-exec); null if the other end is closed or sent none.</summary>
    internal static FileDescriptor? Receive(FileDescriptor socket)
    {
        byte data = 0;
        var vector = new IoVector { Base = &data, Length = 1 };
        var control = default(Libc.cmsg_one_fd);
        var message = new MessageHeader
        {
            Vectors = &vector,
            VectorCount = 1,
            Control = &control,
            ControlLength = (nuint)sizeof(Libc.cmsg_one_fd),
        };
        nint count;
        while ((count = Libc.recvmsg(socket, &message, Libc.MSG_CMSG_CLOEXEC)) < 0)
        {
            if (Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw LinuxException.FromLastError("recvmsg(SCM_RIGHTS)", "the Unix socket from the old owner");
            }
        }

        bool hasDescriptor = count > 0 && control.cmsg_len >= RightsLength && control is { cmsg_level: Libc.SOL_SOCKET, cmsg_type: Libc.SCM_RIGHTS };
        return hasDescriptor ? new FileDescriptor(control.fd) : null;
    }
}
