using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Cli.Live;

/// <summary>This machine's sockets: their owners as a watch knows them, their windows as the kernel says when it is asked. Its two parts stay the caller's.</summary>
internal sealed class WatchedOwners(SocketOwnerWatch watch, SocketWindowReader windows) : IConnectionOwners
{
    public SocketWindows? FindWindows(FlowEndpoint local, FlowEndpoint peer) =>
        watch.Table.IsLocal(local.Address) && windows.TryFind(in local, in peer, out SocketWindows found) ? found : null;

    public ConnectionOwner? Find(FlowEndpoint local, FlowEndpoint peer)
    {
        if (!watch.Table.TryFind(in local, in peer, IpProtocol.Tcp, out SocketOwnerInfo? owner))
        {
            return null;
        }

        return owner.Process is { } process
            ? new ConnectionOwner(process.Name, process.Pid, owner.Processes.Length - 1, owner.Uid)
            : new ConnectionOwner("", 0, 0, owner.Uid);
    }
}
