using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Cli.Live;

/// <summary>Knows the sockets of this machine that the ends of connections are. Called under the reading's lock: it answers at once.</summary>
internal interface IConnectionOwners
{
    /// <summary>Whose the socket of an end is; null where it is not of this machine, or not known (yet).</summary>
    /// <param name="local">The end.</param>
    /// <param name="peer">The other end.</param>
    ConnectionOwner? Find(FlowEndpoint local, FlowEndpoint peer);

    /// <summary>What the socket of an end agreed on with its peer; null where it is not of this machine, or gone.</summary>
    /// <param name="local">The end.</param>
    /// <param name="peer">The other end.</param>
    SocketWindows? FindWindows(FlowEndpoint local, FlowEndpoint peer);
}
