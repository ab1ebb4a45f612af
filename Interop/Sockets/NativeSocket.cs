using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Socket calls on a <see cref="FileDescriptor"/>: EINTR is retried, an error number becomes a <see cref="LinuxException"/>, nothing else.
/// No <see cref="System.Net.Sockets.Socket"/> is put around a descriptor in repair: its constructor queries and changes it.
/// Addresses are sockaddr bytes as the kernel has them. Any thread; the namespace is the calling thread's.
/// </summary>
internal static unsafe class NativeSocket
{
    internal const int MaxAddressLength = 28;

    internal static FileDescriptor Create(int domain, int type, int protocol)
    {
        FileDescriptor fd = Libc.socket(domain, type | Libc.SOCK_CLOEXEC, protocol);
        return fd.IsInvalid ? throw LinuxException.FromLastError("socket", $"family {domain}, type {type}, protocol {protocol}") : fd;
    }

    internal static (FileDescriptor First, FileDescriptor Second) CreatePair(int type)
    {
        int* pair = stackalloc int[2];
        Check(Libc.socketpair(Libc.AF_UNIX, type | Libc.SOCK_CLOEXEC, 0, pair), "socketpair", "");
        return (new FileDescriptor(pair[0]), new FileDescriptor(pair[1]));
    }

    internal static void Bind(FileDescriptor fd, ReadOnlySpan<byte> address, string subject)
    {
        fixed (byte* pointer = address)
        {
            Check(Libc.bind(fd, pointer, (uint)address.Length), "bind", subject);
        }
    }

    internal static void Connect(FileDescriptor fd, ReadOnlySpan<byte> address, string subject)
    {
        fixed (byte* pointer = address)
        {
            int result;
            do
            {
                result = Libc.connect(fd, pointer, (uint)address.Length);
            }
            while (result != 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
            Check(result, "connect", subject);
        }
    }

    /// <summary>Begins to connect; returns 0 where it is done, or the error number, which is EINPROGRESS where a socket that does not block goes on with it.</summary>
    internal static int TryConnect(FileDescriptor fd, ReadOnlySpan<byte> address)
    {
        fixed (byte* pointer = address)
        {
            return Libc.connect(fd, pointer, (uint)address.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>Binds and returns 0 or the error number.</summary>
    internal static int TryBind(FileDescriptor fd, ReadOnlySpan<byte> address)
    {
        fixed (byte* pointer = address)
        {
            return Libc.bind(fd, pointer, (uint)address.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>Takes a waiting connection, which does not block; null with the error number where there is none.</summary>
    internal static FileDescriptor? TryAccept(FileDescriptor fd, out int errno)
    {
        FileDescriptor accepted = Libc.accept4(fd, null, null, Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK);
        errno = accepted.IsInvalid ? Marshal.GetLastPInvokeError() : 0;
        return accepted.IsInvalid ? null : accepted;
    }

    /// <summary>Dissolves the association. A socket in repair does so without a packet.</summary>
    internal static void Disconnect(FileDescriptor fd, string subject)
    {
        Span<byte> address = stackalloc byte[16];
        address.Clear();
        fixed (byte* pointer = address)
        {
            Check(Libc.connect(fd, pointer, (uint)address.Length), "connect(AF_UNSPEC)", subject);
        }
    }

    internal static void Listen(FileDescriptor fd, int backlog, string subject) => Check(Libc.listen(fd, backlog), "listen", subject);

    internal static FileDescriptor Accept(FileDescriptor fd, string subject)
    {
        while (true)
        {
            FileDescriptor accepted = Libc.accept4(fd, null, null, Libc.SOCK_CLOEXEC);
            if (!accepted.IsInvalid)
            {
                return accepted;
            }

            if (Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw LinuxException.FromLastError("accept", subject);
            }
        }
    }

    /// <summary>The local address; returns how much of <paramref name="address"/> it fills.</summary>
    internal static int GetLocalAddress(FileDescriptor fd, Span<byte> address, string subject)
    {
        uint length = (uint)address.Length;
        fixed (byte* pointer = address)
        {
            Check(Libc.getsockname(fd, pointer, &length), "getsockname", subject);
        }

        return Math.Min((int)length, address.Length);
    }

    /// <summary>The peer's address; returns how much of <paramref name="address"/> it fills.</summary>
    internal static int GetPeerAddress(FileDescriptor fd, Span<byte> address, string subject)
    {
        uint length = (uint)address.Length;
        fixed (byte* pointer = address)
        {
            Check(Libc.getpeername(fd, pointer, &length), "getpeername", subject);
        }

        return Math.Min((int)length, address.Length);
    }

    internal static int GetInt(FileDescriptor fd, int level, int name, string operation, string subject)
    {
        int value;
        uint length = sizeof(int);
        Check(Libc.getsockopt(fd, level, name, (byte*)&value, &length), operation, subject);
        return value;
    }

    /// <summary>Reads an option that this kernel or this kind of socket may not have; false with the error number in <paramref name="errno"/>.</summary>
    internal static bool TryGet(FileDescriptor fd, int level, int name, Span<byte> value, out int length, out int errno)
    {
        uint size = (uint)value.Length;
        int result;
        fixed (byte* pointer = value)
        {
            result = Libc.getsockopt(fd, level, name, pointer, &size);
        }

        errno = result == 0 ? 0 : Marshal.GetLastPInvokeError();
        length = result == 0 ? (int)size : 0;
        return result == 0;
    }

    internal static T GetStruct<T>(FileDescriptor fd, int level, int name, string operation, string subject)
        where T : unmanaged
    {
        T value = default;
        uint length = (uint)sizeof(T);
        Check(Libc.getsockopt(fd, level, name, (byte*)&value, &length), operation, subject);
        return value;
    }

    internal static void SetInt(FileDescriptor fd, int level, int name, int value, string operation, string subject) =>
        Check(Libc.setsockopt(fd, level, name, (byte*)&value, sizeof(int)), operation, subject);

    internal static void SetStruct<T>(FileDescriptor fd, int level, int name, ReadOnlySpan<T> values, string operation, string subject)
        where T : unmanaged
    {
        fixed (T* pointer = values)
        {
            Check(Libc.setsockopt(fd, level, name, (byte*)pointer, (uint)(values.Length * sizeof(T))), operation, subject);
        }
    }

    /// <summary>Sets an option and returns 0 or the error number.</summary>
    internal static int TrySet(FileDescriptor fd, int level, int name, ReadOnlySpan<byte> value)
    {
        fixed (byte* pointer = value)
        {
            return Libc.setsockopt(fd, level, name, pointer, (uint)value.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>Reads an attached classic BPF program; false where it could not be read whole. Its length is told and asked in instructions.</summary>
    internal static bool TryGetFilter(FileDescriptor fd, Span<byte> instructions, int count)
    {
        uint length = (uint)count;
        fixed (byte* pointer = instructions)
        {
            return Libc.getsockopt(fd, Libc.SOL_SOCKET, Libc.SO_GET_FILTER, pointer, &length) == 0 && length == count;
        }
    }

    /// <summary>Attaches a classic BPF program and returns 0 or the error number.</summary>
    internal static int TrySetFilter(FileDescriptor fd, ReadOnlySpan<byte> instructions, int count)
    {
        fixed (byte* pointer = instructions)
        {
            var program = new SocketFilterProgram { Length = (ushort)count, Instructions = (PcapInstruction*)pointer };
            return Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_ATTACH_FILTER, (byte*)&program, (uint)sizeof(SocketFilterProgram)) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>fcntl with a number; -1 where it failed.</summary>
    internal static int TryControl(FileDescriptor fd, int command, int argument = 0) => Libc.fcntl(fd, command, argument);

    internal static int IoctlInt(FileDescriptor fd, nuint request, string operation, string subject)
    {
        int value = 0;
        Check(Libc.ioctl(fd, request, &value), operation, subject);
        return value;
    }

    /// <summary>The network namespace a socket belongs to.</summary>
    internal static FileDescriptor OpenNamespace(FileDescriptor fd, string subject)
    {
        int descriptor = Libc.ioctl(fd, Libc.SIOCGSKNS, null);
        return descriptor >= 0 ? new FileDescriptor(descriptor) : throw LinuxException.FromLastError("ioctl(SIOCGSKNS)", subject);
    }

    /// <summary>Returns the bytes received, or the error number negated.</summary>
    internal static int TryReceive(FileDescriptor fd, Span<byte> buffer, int flags)
    {
        fixed (byte* pointer = buffer)
        {
            while (true)
            {
                nint count = Libc.recv(fd, pointer, (nuint)buffer.Length, flags);
                int errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                if (errno != Errno.EINTR)
                {
                    return count < 0 ? -errno : (int)count;
                }
            }
        }
    }

    /// <summary>Returns the bytes taken, or the error number negated.</summary>
    internal static int TrySend(FileDescriptor fd, ReadOnlySpan<byte> data, int flags)
    {
        fixed (byte* pointer = data)
        {
            while (true)
            {
                nint count = Libc.send(fd, pointer, (nuint)data.Length, flags | Libc.MSG_NOSIGNAL);
                int errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                if (errno != Errno.EINTR)
                {
                    return count < 0 ? -errno : (int)count;
                }
            }
        }
    }

    /// <summary>Sends a FIN behind what is written; a connection that is gone already is no error.</summary>
    internal static void ShutdownSend(FileDescriptor fd)
    {
        if (Libc.shutdown(fd, Libc.SHUT_WR) != 0 && Marshal.GetLastPInvokeError() != Errno.ENOTCONN)
        {
            throw LinuxException.FromLastError("shutdown", $"descriptor {fd.Number}");
        }
    }

    /// <summary>The socket's pending error (SO_ERROR), which this takes away; 0 for none.</summary>
    internal static int TakeError(FileDescriptor fd) => GetInt(fd, Libc.SOL_SOCKET, Libc.SO_ERROR, "getsockopt(SO_ERROR)", $"descriptor {fd.Number}");

    /// <summary>Waits for <paramref name="events"/>; returns those that are there, 0 after <paramref name="timeoutMilliseconds"/> (-1 waits for ever).</summary>
    internal static short Poll(FileDescriptor fd, short events, int timeoutMilliseconds)
    {
        var descriptor = new PollDescriptor { Fd = fd.Number, Events = events };
        int result = Libc.poll(&descriptor, 1, timeoutMilliseconds);
        if (result < 0 && Marshal.GetLastPInvokeError() != Errno.EINTR)
        {
            throw LinuxException.FromLastError("poll", $"descriptor {fd.Number}");
        }

        return result > 0 ? descriptor.Returned : (short)0;
    }

    /// <summary>Waits until one of several descriptors has what is asked of it (a negative one is left out), at most <paramref name="timeoutMilliseconds"/> (-1: for ever).</summary>
    internal static void Poll(Span<PollDescriptor> descriptors, int timeoutMilliseconds)
    {
        fixed (PollDescriptor* pointer = descriptors)
        {
            if (Libc.poll(pointer, (nuint)descriptors.Length, timeoutMilliseconds) < 0 && Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw LinuxException.FromLastError("poll", $"{descriptors.Length} descriptors");
            }
        }
    }

    /// <summary>Another descriptor for the same socket.</summary>
    internal static FileDescriptor Duplicate(FileDescriptor fd, string subject)
    {
        int copy = Libc.fcntl(fd, Libc.F_DUPFD_CLOEXEC, 0);
        return copy >= 0 ? new FileDescriptor(copy) : throw LinuxException.FromLastError("fcntl(F_DUPFD)", subject);
    }

    internal static int GetFileFlags(FileDescriptor fd, string subject)
    {
        int flags = Libc.fcntl(fd, Libc.F_GETFL, 0);
        return flags < 0 ? throw LinuxException.FromLastError("fcntl(F_GETFL)", subject) : flags;
    }

    internal static void SetFileFlags(FileDescriptor fd, int flags, string subject) =>
        Check(Libc.fcntl(fd, Libc.F_SETFL, flags), "fcntl(F_SETFL)", subject);

    /// <summary>Brings an interface of the calling thread's namespace up.</summary>
    internal static void BringUp(string interfaceName)
    {
        using FileDescriptor fd = Create(Libc.AF_INET, Libc.SOCK_DGRAM, 0);
        var request = default(Libc.ifreq_flags);
        for (int i = 0; i < Math.Min(interfaceName.Length, 15); i++)
        {
            request.ifr_name[i] = (byte)interfaceName[i];
        }

        Check(Libc.ioctl(fd, Libc.SIOCGIFFLAGS, &request), "ioctl(SIOCGIFFLAGS)", interfaceName);
        request.ifr_flags |= Libc.IFF_UP;
        Check(Libc.ioctl(fd, Libc.SIOCSIFFLAGS, &request), "ioctl(SIOCSIFFLAGS)", interfaceName);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Check(int result, string operation, string subject)
    {
        if (result != 0)
        {
            throw LinuxException.FromLastError(operation, subject);
        }
    }
}
