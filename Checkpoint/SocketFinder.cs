using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>
/// Finds which descriptor of a process is a given TCP connection, by duplicating its sockets one after another and asking each for its addresses:
/// that works whatever network namespace a socket belongs to, which /proc/PID/net does not. Changes nothing. Any thread.
/// </summary>
public static class SocketFinder
{
    private const string Step = "find";
    private const int MostListed = 32;

    /// <summary>The connection's descriptor in the process.</summary>
    /// <exception cref="CheckpointException">
    /// No such process or connection (the message lists those there are), the process's descriptors may not be read, or another process has the
    /// same socket open, which would go on using it.
    /// </exception>
    public static SocketOwner Find(int pid, FlowEndpoint local, FlowEndpoint peer)
    {
        IReadOnlyList<SocketOwner> sockets = List(pid);
        foreach (SocketOwner socket in sockets)
        {
            if (socket.Local == local && socket.Peer == peer)
            {
                RefuseOtherOwners(socket);
                return socket;
            }
        }

        string present = sockets.Count == 0
            ? "It has no TCP connections at all."
            : $"Its TCP connections are: {string.Join(", ", sockets.Take(MostListed).Select(socket => $"{socket.Local}-{socket.Peer}"))}.";
        throw new CheckpointException(
            Step, $"process {pid} has no TCP connection {local}-{peer}. {present}", CheckpointException.NothingChanged, CheckpointFailure.NotFound);
    }

    /// <summary>Every connected TCP socket that the process has open.</summary>
    /// <exception cref="CheckpointException">No such process, or its descriptors may not be read.</exception>
    public static IReadOnlyList<SocketOwner> List(int pid) => Explaining(pid, () =>
    {
        using var process = ProcessDescriptor.Open(pid);
        var sockets = new List<SocketOwner>();
        foreach ((long inode, int descriptor) in ReadDescriptors(pid).OrderBy(pair => pair.Value))
        {
            if (TryReadConnection(process, descriptor, out FlowEndpoint local, out FlowEndpoint peer))
            {
                sockets.Add(new SocketOwner(pid, descriptor, inode, local, peer));
            }
        }

        return sockets;
    });

    /// <summary>Every socket that the process has open, of any kind: its inode, and the lowest descriptor for it.</summary>
    /// <exception cref="CheckpointException">No such process, or its descriptors may not be read.</exception>
    internal static Dictionary<long, int> ReadSockets(int pid) => Explaining(pid, () => ReadDescriptors(pid));

    private static T Explaining<T>(int pid, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ESRCH or Errno.EINVAL)
        {
            throw new CheckpointException(
                Step, $"there is no process {pid}.", CheckpointException.NothingChanged, CheckpointFailure.NotFound, exception);
        }
        catch (LinuxException exception) when (exception.IsPermission)
        {
            throw new CheckpointException(
                Step, $"the descriptors of process {pid} may not be read. Run as root, or with CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH and CAP_NET_ADMIN.",
                CheckpointException.NothingChanged, cause: exception);
        }
    }

    /// <summary>False for what is no connected TCP socket, or has been closed since the listing.</summary>
    private static bool TryReadConnection(ProcessDescriptor process, int descriptor, out FlowEndpoint local, out FlowEndpoint peer)
    {
        local = default;
        peer = default;
        string subject = $"descriptor {descriptor} of process {process.Pid}";
        try
        {
            using FileDescriptor fd = process.Duplicate(descriptor);
            Span<byte> address = stackalloc byte[NativeSocket.MaxAddressLength];
            return NativeSocket.GetInt(fd, Libc.SOL_SOCKET, Libc.SO_TYPE, "getsockopt(SO_TYPE)", subject) == Libc.SOCK_STREAM
                && SocketAddress.TryRead(address[..NativeSocket.GetLocalAddress(fd, address, subject)], out local)
                && SocketAddress.TryRead(address[..NativeSocket.GetPeerAddress(fd, address, subject)], out peer);
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENOTCONN or Errno.EBADF or Errno.EINVAL)
        {
            return false;
        }
    }

    /// <summary>Socket inode to descriptor; of several descriptors for one socket, the lowest.</summary>
    private static Dictionary<long, int> ReadDescriptors(int pid)
    {
        using var reader = new ProcessSockets();
        var sockets = new List<ProcessSocket>();
        int errno = reader.TryListSockets(pid, sockets);
        if (errno != 0)
        {
            throw new LinuxException(errno == Errno.ENOENT ? Errno.ESRCH : errno, "read", $"the descriptors of process {pid}");
        }

        var descriptors = new Dictionary<long, int>();
        foreach (ProcessSocket socket in sockets)
        {
            if (!descriptors.TryGetValue(socket.Inode, out int other) || socket.Descriptor < other)
            {
                descriptors[socket.Inode] = socket.Descriptor;
            }
        }

        return descriptors;
    }

    private static void RefuseOtherOwners(SocketOwner socket)
    {
        using var reader = new ProcessSockets();
        var processes = new List<int>();
        reader.ListProcesses(processes);
        var others = new List<int>();
        var sockets = new List<ProcessSocket>();
        foreach (int other in processes)
        {
            // One that ended since, or is not ours to see, has nothing here.
            sockets.Clear();
            reader.TryListSockets(other, sockets);
            if (other != socket.Pid && sockets.Exists(found => found.Inode == socket.Inode))
            {
                others.Add(other);
            }
        }

        if (others.Count > 0)
        {
            throw new CheckpointException(
                Step,
                $"the socket of {socket.Local}-{socket.Peer} is shared: besides process {socket.Pid}, also {string.Join(", ", others)} has it open "
                + "and would go on using it. End those processes or let them close it.",
                CheckpointException.NothingChanged, CheckpointFailure.Refused);
        }
    }
}
