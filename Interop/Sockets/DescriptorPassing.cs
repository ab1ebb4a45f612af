using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Sends an open descriptor over a Unix socket (SCM_RIGHTS) and receives one, beside at least one byte. Any thread.</summary>
internal static unsafe class DescriptorPassing
{
    /// <summary>sizeof(cmsghdr) + sizeof(int): what cmsg_len counts, without the padding behind it.</summary>
    private const int RightsLength = 20;

    /// <summary>Sends a duplicate of <paramref name="descriptor"/>, beside a zero byte; the caller still owns its own.</summary>
    internal static void Send(FileDescriptor socket, SafeHandle descriptor) => Send(socket, descriptor, [0]);

    /// <summary>Sends a duplicate of <paramref name="descriptor"/> beside <paramref name="data"/>, of which there must be some; the caller still owns its own. Returns how much of the data was sent.</summary>
    internal static int Send(FileDescriptor socket, SafeHandle descriptor, ReadOnlySpan<byte> data)
    {
        bool held = false;
        try
        {
            descriptor.DangerousAddRef(ref held);
            fixed (byte* bytes = data)
            {
                return Send(socket, (int)descriptor.DangerousGetHandle(), bytes, data.Length);
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

    private static int Send(FileDescriptor socket, int descriptor, byte* data, int length)
    {
        var vector = new IoVector { Base = data, Length = (nuint)length };
        var control = new Libc.cmsg_one_fd
        {
            cmsg_len = RightsLength,
            cmsg_level = Libc.SOL_SOCKET,
            cmsg_type = Libc.SCM_RIGHTS,
            fd = descriptor,
        };
        var message = new MessageHeader
        {
            Vectors = &vector,
            VectorCount = 1,
            Control = &control,
            ControlLength = (nuint)sizeof(Libc.cmsg_one_fd),
        };
        while (true)
        {
            nint count = Libc.sendmsg(socket, &message, Libc.MSG_NOSIGNAL);
            if (count >= 0)
            {
                return (int)count;
            }

            if (Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw LinuxException.FromLastError("sendmsg(SCM_RIGHTS)", "the Unix socket to the new owner");
            }
        }
    }

    /// <summary>Waits for a message and returns its descriptor (close-on-exec); null if the other end is closed or sent none.</summary>
    internal static FileDescriptor? Receive(FileDescriptor socket)
    {
        Span<byte> data = stackalloc byte[1];
        return Receive(socket, data, out _);
    }

    /// <summary>The same, with up to <paramref name="data"/>'s length of what came beside it; <paramref name="count"/> is 0 where the other end is closed.</summary>
    internal static FileDescriptor? Receive(FileDescriptor socket, Span<byte> data, out int count)
    {
        var control = default(Libc.cmsg_one_fd);
        fixed (byte* bytes = data)
        {
            var vector = new IoVector { Base = bytes, Length = (nuint)data.Length };
            var message = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = &control,
                ControlLength = (nuint)sizeof(Libc.cmsg_one_fd),
            };
            nint received;
            while ((received = Libc.recvmsg(socket, &message, Libc.MSG_CMSG_CLOEXEC)) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                {
                    throw LinuxException.FromLastError("recvmsg(SCM_RIGHTS)", "the Unix socket from the old owner");
                }
            }

            count = (int)received;
        }

        bool hasDescriptor = count > 0 && control.cmsg_len >= RightsLength && control is { cmsg_level: Libc.SOL_SOCKET, cmsg_type: Libc.SCM_RIGHTS };
        return hasDescriptor ? new FileDescriptor(control.fd) : null;
    }
}
