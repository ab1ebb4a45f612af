using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>Whether TCP_REPAIR may be used in the calling thread's network namespace: tried on a socket of our own.</summary>
internal static class RepairPermission
{
    /// <summary>What stands in the way; null for nothing.</summary>
    internal static CheckpointObstacle? Inspect()
    {
        using FileDescriptor fd = NativeSocket.Create(Libc.AF_INET, Libc.SOCK_STREAM, Libc.IPPROTO_TCP);
        int errno = NativeSocket.TrySet(fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, BitConverter.GetBytes(Libc.TCP_REPAIR_ON));
        return errno switch
        {
            0 => null,
            Errno.EPERM => new CheckpointObstacle("permission", "TCP sockets may not be repaired here (TCP_REPAIR: EPERM)", "Run as root: it needs CAP_NET_ADMIN over the network namespace."),
            _ => new CheckpointObstacle("kernel", $"this kernel can't repair TCP sockets (TCP_REPAIR: error {errno})", "It needs CONFIG_CHECKPOINT_RESTORE."),
        };
    }
}
