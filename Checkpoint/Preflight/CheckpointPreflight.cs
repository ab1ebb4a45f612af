using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>Everything that would keep a connection from being checkpointed now, found without touching it. Any thread.</summary>
public static class CheckpointPreflight
{
    /// <summary>Looks. Empty where nothing stands in the way.</summary>
    /// <exception cref="CheckpointException">There is no such process or connection, or the process may not be looked at.</exception>
    public static IReadOnlyList<CheckpointObstacle> Inspect(int pid, FlowEndpoint local, FlowEndpoint peer)
    {
        var obstacles = new List<CheckpointObstacle>();
        SocketOwner owner;
        try
        {
            owner = SocketFinder.Find(pid, local, peer);
        }
        catch (CheckpointException exception) when (exception.Failure == CheckpointFailure.Refused)
        {
            // Several processes have it: the rest is asked for with this one.
            obstacles.Add(new CheckpointObstacle("shared", "several processes have it open and would go on using it", "End those processes but one, or let them close it."));
            owner = SocketFinder.List(pid, includeListening: true).First(socket => socket.Local == local && socket.Peer == peer);
        }

        string subject = $"connection {SocketEndpoints.NameOf(local, peer)}";
        try
        {
            using ProcessDescriptor process = ProcessDescriptor.Open(pid);
            using FileDescriptor fd = process.Duplicate(owner.Descriptor);
            if (SocketEligibility.InspectProtocol(fd, subject) is { } protocol)
            {
                obstacles.Add(protocol);
                return obstacles;
            }

            obstacles.AddRange(SocketEligibility.Inspect(fd, subject));
            using FileDescriptor descriptor = NativeSocket.OpenNamespace(fd, subject);
            using NetworkNamespace network = NetworkNamespace.Open($"/proc/self/fd/{descriptor.Number}");
            network.Run(() =>
            {
                if (SocketEligibility.IsSigned(local, peer))
                {
                    obstacles.Add(SocketEligibility.Md5);
                }

                if (RepairPermission.Inspect() is { } refused)
                {
                    obstacles.Add(refused);
                }
            });
        }
        catch (LinuxException exception) when (exception.IsPermission)
        {
            obstacles.Add(new CheckpointObstacle(
                "permission", exception.Message, "Run as root, or with CAP_SYS_PTRACE over the process and CAP_NET_ADMIN over its network namespace."));
        }

        return obstacles;
    }
}
