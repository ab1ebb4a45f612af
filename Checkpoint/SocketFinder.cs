using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

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
        IReadOnlyList<SocketOwner> sockets = List(pid, includeListening: SocketEndpoints.IsNoPeer(peer));
        foreach (SocketOwner socket in sockets)
        {
            if (socket.Local == local && socket.Peer == peer)
            {
                RefuseOtherOwners(socket);
                return socket;
            }
        }

        RefuseOwnerless($"/proc/{pid}/ns/net", local, peer);

        string present = sockets.Count == 0
            ? "It has no TCP connections at all."
            : $"Its TCP connections are: {string.Join(", ", sockets.Take(MostListed).Select(socket => SocketEndpoints.NameOf(socket.Local, socket.Peer)))}.";
        throw new CheckpointException(
            Step, $"process {pid} has no TCP connection {SocketEndpoints.NameOf(local, peer)}. {present}", CheckpointException.NothingChanged, CheckpointFailure.NotFound);
    }

    /// <summary>Every TCP socket with a peer that the process has open, one whose handshake is under way, too.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="includeListening">Also listening sockets, whose peer has port 0.</param>
    /// <exception cref="CheckpointException">No such process, or its descriptors may not be read.</exception>
    public static IReadOnlyList<SocketOwner> List(int pid, bool includeListening = false) => Explaining(pid, () =>
    {
        using var process = ProcessDescriptor.Open(pid);
        var sockets = new List<SocketOwner>();
        foreach ((long inode, int descriptor) in ReadDescriptors(pid).OrderBy(pair => pair.Value))
        {
            if (TryReadConnection(process, descriptor, out FlowEndpoint local, out FlowEndpoint peer) && (includeListening || !SocketEndpoints.IsNoPeer(peer)))
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

    /// <summary>False for what is no TCP socket with a peer or that listens, or has been closed since the listing.</summary>
    private static bool TryReadConnection(ProcessDescriptor process, int descriptor, out FlowEndpoint local, out FlowEndpoint peer)
    {
        local = default;
        peer = default;
        string subject = $"descriptor {descriptor} of process {process.Pid}";
        try
        {
            using FileDescriptor fd = process.Duplicate(descriptor);
            return SocketEndpoints.TryRead(fd, subject, out local, out peer);
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

    /// <summary>A connection that no process has, but the kernel: says so, and what to do.</summary>
    internal static void RefuseOwnerless(string namespacePath, FlowEndpoint local, FlowEndpoint peer)
    {
        TcpState state = TcpState.Unknown;
        try
        {
            using NetworkNamespace network = NetworkNamespace.Open(namespacePath);
            network.Run(() =>
            {
                using SocketDiagnostics diagnostics = SocketDiagnostics.Open();
                Span<byte> localAddress = stackalloc byte[local.Address.Length];
                Span<byte> peerAddress = stackalloc byte[localAddress.Length];
                local.Address.CopyTo(localAddress);
                peer.Address.CopyTo(peerAddress);
                if (peer.Port != 0)
                {
                    diagnostics.TryFind(
                        localAddress, local.Port, peerAddress, peer.Port,
                        (in SocketDiagnosticMessage socket) => state = socket.Inode == 0 ? SocketEligibility.StateOf(in socket) : TcpState.Unknown);
                }
            });
        }
        catch (LinuxException)
        {
            // Where it can't be looked, it is not there.
        }

        if (state != TcpState.Unknown)
        {
            CheckpointObstacle obstacle = SocketEligibility.OfState(state) ?? SocketEligibility.Ownerless;
            throw SocketEligibility.Refuse($"connection {local}-{peer}", obstacle);
        }
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
