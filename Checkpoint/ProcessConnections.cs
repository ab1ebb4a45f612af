using Interceptor.Interop;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>
/// All TCP connections and listening sockets of one process that can be checkpointed, each duplicated and nothing changed yet; and what the process has besides, with the reason. Everything that takes a look at the whole machine
/// (who shares a socket, whose segments are signed) is asked once for all.
/// <para>Threads: one at a time. Disposing resumes every connection that is paused and gives the duplicates back.</para>
/// </summary>
public sealed class ProcessConnections : IDisposable
{
    private readonly ProcessDescriptor _process;
    private readonly ProcessTasks _tasks;
    private bool _isOwnerTaken;

    private ProcessConnections(ProcessDescriptor process)
    {
        _process = process;
        _tasks = FrozenProcess.OpenTasks(process);
    }

    /// <summary>The sockets, in the order of their descriptors in the process.</summary>
    public IReadOnlyList<PausedSocket> Sockets => SocketList;

    /// <summary>What can't be checkpointed.</summary>
    public IReadOnlyList<SessionLeftOut> Ineligible => IneligibleList;

    /// <summary>The process.</summary>
    internal int Pid => _process.Pid;

    /// <summary>Its pidfd, for a guard that duplicates it, until it was stopped.</summary>
    internal int OwnerDescriptorNumber => _process.DescriptorNumber;

    private List<PausedSocket> SocketList { get; } = [];

    private List<SessionLeftOut> IneligibleList { get; } = [];

    /// <summary>Finds and duplicates them.</summary>
    /// <exception cref="CheckpointException">No such process, its descriptors may not be read, or it has no TCP connection at all.</exception>
    public static ProcessConnections Attach(int pid)
    {
        IReadOnlyList<SocketOwner> owners = SocketFinder.List(pid, includeListening: true);
        if (owners.Count == 0)
        {
            throw new CheckpointException(
                "find", $"process {pid} has no TCP connection and no listening socket.", CheckpointException.NothingChanged, CheckpointFailure.NotFound);
        }

        var connections = new ProcessConnections(ProcessDescriptor.Open(pid));
        try
        {
            // Before there are duplicates of ours: they would look like another owner's.
            Dictionary<long, SessionOverview> sessions = connections.LookAtAll(owners[0]);
            foreach (SocketOwner owner in owners)
            {
                connections.TryAttach(owner, sessions.GetValueOrDefault(owner.Inode));
            }

            return connections;
        }
        catch
        {
            connections.Dispose();
            throw;
        }
    }

    /// <summary>Enters the network namespace of the connections. The caller disposes it.</summary>
    public NetworkNamespace OpenNamespace() => SocketList[0].OpenNamespace();

    /// <summary>Leaves one out: it goes on.</summary>
    public void LeaveOut(PausedSocket socket, string reason)
    {
        ArgumentNullException.ThrowIfNull(socket);
        IneligibleList.Add(new SessionLeftOut(socket.Owner.Local.ToString(), socket.Owner.Peer.ToString(), "", reason));
        SocketList.Remove(socket);
        socket.Dispose();
    }

    /// <summary>Stops the process. The caller owns the result.</summary>
    /// <exception cref="LinuxException">It has ended, or is not ours to stop.</exception>
    /// <exception cref="CheckpointException">It did not stop; it goes on.</exception>
    public FrozenProcess StopOwner()
    {
        _isOwnerTaken = true;
        return FrozenProcess.Stop(_process, _tasks);
    }

    /// <summary>Resumes what is paused, and gives the duplicates back.</summary>
    public void Dispose()
    {
        SocketList.ForEach(static socket => socket.Dispose());
        if (!_isOwnerTaken)
        {
            _process.Dispose();
            _tasks.Dispose();
        }
    }

    private void TryAttach(SocketOwner owner, SessionOverview? session)
    {
        if (session?.Obstacles.FirstOrDefault(static obstacle => !obstacle.IsLoss) is { } obstacle)
        {
            string reason = obstacle.Remedy.Length == 0 ? obstacle.Reason : $"{obstacle.Reason}. {obstacle.Remedy}";
            IneligibleList.Add(new SessionLeftOut(owner.Local.ToString(), owner.Peer.ToString(), session.State.ToRfcName(), reason));
            return;
        }

        try
        {
            var socket = PausedSocket.Attach(_process.Duplicate(owner.Descriptor), owner, preparesBuffers: false);
            if (SocketList.Count == 0 || socket.IsBeside(SocketList[0]))
            {
                SocketList.Add(socket);
                return;
            }

            socket.Dispose();
            IneligibleList.Add(new SessionLeftOut(owner.Local.ToString(), owner.Peer.ToString(), "", "it belongs to another network namespace than the first: checkpoint it by itself"));
        }
        catch (CheckpointException exception) when (exception.Failure == CheckpointFailure.Refused)
        {
            IneligibleList.Add(new SessionLeftOut(owner.Local.ToString(), owner.Peer.ToString(), "", exception.Message));
        }
        catch (Exception exception) when (exception is CheckpointException { Failure: CheckpointFailure.NotFound } or LinuxException { Errno: Errno.EBADF or Errno.ENOTCONN })
        {
            // Closed since the listing: it is no connection of the process any more.
        }
    }

    /// <summary>What no single socket tells, others that share it and signatures. By inode.</summary>
    private Dictionary<long, SessionOverview> LookAtAll(SocketOwner first)
    {
        using FileDescriptor duplicate = _process.Duplicate(first.Descriptor);
        using FileDescriptor descriptor = NativeSocket.OpenNamespace(duplicate, first.ToString());
        using NetworkNamespace network = NetworkNamespace.Open($"/proc/self/fd/{descriptor.Number}");
        duplicate.Dispose();
        Dictionary<long, SessionOverview> sessions = network.Run(static () => SessionCatalog.Read(pid: null, includeOthers: true))
            .Where(session => session.Holders.Any(holder => holder.Pid == first.Pid)).ToDictionary(static session => session.Inode);
        return sessions;
    }
}
