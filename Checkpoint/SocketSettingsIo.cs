using System.Runtime.InteropServices;
using System.Text;
using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>Reads <see cref="SocketSettings"/> from a socket and sets them on another.</summary>
internal static class SocketSettingsIo
{
    private const int MaxNameLength = 16;

    /// <summary>Reads everything. The socket must not be in repair, which falsifies SO_REUSEADDR.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="isIpv6Socket">Its family.</param>
    /// <param name="subject">The connection, for messages.</param>
    /// <param name="owner">Its process; 0 where that does not matter.</param>
    internal static SocketSettings Read(FileDescriptor fd, bool isIpv6Socket, string subject, int owner = 0)
    {
        var options = new Dictionary<string, int[]>(SocketOptionTable.All.Count);
        foreach (SocketOption option in SocketOptionTable.All)
        {
            if (option.AppliesTo(isIpv6Socket) && TryRead(fd, option) is { } value)
            {
                options.Add(option.Name, value);
            }
        }

        int flags = NativeSocket.GetFileFlags(fd, subject);
        int receiver = NativeSocket.TryControl(fd, Libc.F_GETOWN);
        return new SocketSettings
        {
            IsIpv6Socket = isIpv6Socket,
            ReceiveBuffer = NativeSocket.GetInt(fd, Libc.SOL_SOCKET, Libc.SO_RCVBUF, "getsockopt(SO_RCVBUF)", subject),
            SendBuffer = NativeSocket.GetInt(fd, Libc.SOL_SOCKET, Libc.SO_SNDBUF, "getsockopt(SO_SNDBUF)", subject),
            BufferLock = ReadOptionalInt(fd, Libc.SOL_SOCKET, Libc.SO_BUF_LOCK, 0),
            CongestionControl = ReadName(fd, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION),
            BoundDevice = ReadName(fd, Libc.SOL_SOCKET, Libc.SO_BINDTODEVICE),
            PeekOffset = ReadOptionalInt(fd, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, -1),
            NonBlocking = (flags & Libc.O_NONBLOCK) != 0,
            Filter = SocketFilter.Read(fd),
            Asynchronous = (flags & Libc.O_ASYNC) != 0,
            Signal = Math.Max(NativeSocket.TryControl(fd, Libc.F_GETSIG), 0),
            SignalReceiver = receiver,
            SignalsOwner = owner != 0 && receiver == owner,
            Options = options,
        };
    }

    /// <summary>Sets the saved options of one phase where the socket has another value; what the kernel refuses is added to <paramref name="warnings"/>.</summary>
    internal static void Apply(FileDescriptor fd, SocketSettings settings, OptionPhase phase, List<string> warnings)
    {
        foreach (SocketOption option in SocketOptionTable.All)
        {
            if (option.Phase != phase || !settings.Options.TryGetValue(option.Name, out int[]? wanted)
                || wanted.AsSpan().SequenceEqual(TryRead(fd, option)))
            {
                continue;
            }

            int errno = NativeSocket.TrySet(fd, option.Level, option.Number, MemoryMarshal.AsBytes(wanted.AsSpan()));
            if (errno != 0)
            {
                warnings.Add($"{option.Name} could not be set again: {Marshal.GetPInvokeErrorMessage(errno)}.");
            }
        }
    }

    /// <summary>What belongs to the open file rather than the socket: blocking, and who is told by a signal.</summary>
    internal static void ApplyFileState(FileDescriptor fd, SocketSettings settings, List<string> warnings, string subject)
    {
        const int Flags = Libc.O_NONBLOCK | Libc.O_ASYNC;
        int receiver = settings.SignalsOwner ? Environment.ProcessId : settings.SignalReceiver;
        if (settings.Signal != 0)
        {
            _ = NativeSocket.TryControl(fd, Libc.F_SETSIG, settings.Signal);
        }

        if (receiver != 0 && NativeSocket.TryControl(fd, Libc.F_SETOWN, receiver) != 0)
        {
            warnings.Add($"F_SETOWN: there is no process or group {receiver} any more that would get the socket's signals.");
        }

        int wanted = (settings.NonBlocking ? Libc.O_NONBLOCK : 0) | (settings.Asynchronous ? Libc.O_ASYNC : 0);
        NativeSocket.SetFileFlags(fd, (NativeSocket.GetFileFlags(fd, subject) & ~Flags) | wanted, subject);
    }

    /// <summary>The application's own filter on what the socket receives; late, as it may throw away what brings a socket into its state.</summary>
    internal static void ApplyFilter(FileDescriptor fd, SocketSettings settings, List<string> warnings)
    {
        int errno = settings.Filter.Length == 0 ? 0 : SocketFilter.Attach(fd, settings.Filter);
        if (errno != 0)
        {
            warnings.Add($"The socket's filter (SO_ATTACH_FILTER) could not be attached again: {Marshal.GetPInvokeErrorMessage(errno)}.");
        }
    }

    /// <summary>A name option (a device, an algorithm); empty where there is none.</summary>
    internal static string ReadName(FileDescriptor fd, int level, int number)
    {
        Span<byte> value = stackalloc byte[MaxNameLength];
        return NativeSocket.TryGet(fd, level, number, value, out int length, out _)
            ? Encoding.ASCII.GetString(value[..length]).TrimEnd('\0') : "";
    }

    internal static int ReadOptionalInt(FileDescriptor fd, int level, int number, int otherwise)
    {
        Span<byte> value = stackalloc byte[sizeof(int)];
        return NativeSocket.TryGet(fd, level, number, value, out int length, out _) && length == sizeof(int)
            ? BitConverter.ToInt32(value) : otherwise;
    }

    private static int[]? TryRead(FileDescriptor fd, SocketOption option)
    {
        var value = new int[option.Words];
        return NativeSocket.TryGet(fd, option.Level, option.Number, MemoryMarshal.AsBytes(value.AsSpan()), out int length, out _)
            && length == option.Words * sizeof(int) ? value : null;
    }
}
