using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Cli.Live;

/// <summary>The owners of this machine's sockets, as a watch knows them.</summary>
internal sealed class WatchedOwners(SocketOwnerWatch watch) : IConnectionOwners
{
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
