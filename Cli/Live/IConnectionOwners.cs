using Interceptor.Packets;

namespace Interceptor.Cli.Live;

/// <summary>Knows whose sockets the ends of connections are. Called under the reading's lock: it answers at once, with what it has.</summary>
internal interface IConnectionOwners
{
    /// <summary>Whose the socket of an end is; null where it is not of this machine, or not known (yet).</summary>
    /// <param name="local">The end.</param>
    /// <param name="peer">The other end.</param>
    ConnectionOwner? Find(FlowEndpoint local, FlowEndpoint peer);
}
