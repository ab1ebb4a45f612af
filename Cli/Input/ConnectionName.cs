using Interceptor.Checkpoint;
using Interceptor.Packets;

namespace Interceptor.Cli.Input;

/// <summary>
/// A connection as people write it: <c>192.0.2.1:80-192.0.2.2:49152</c>, <c>[2001:db8::1]:80-[2001:db8::2]:49152</c>; a listening socket, which has no peer, <c>0.0.0.0:80-*</c>.
/// </summary>
internal static class ConnectionName
{
    internal static string Of(FlowEndpoint local, FlowEndpoint peer) => SocketEndpoints.NameOf(local, peer);

    internal static (FlowEndpoint Local, FlowEndpoint Peer) Parse(string text)
    {
        int dash = text.IndexOf('-');
        if (dash > 0 && text.AsSpan(dash + 1) is "*" && FlowEndpoint.TryParse(text.AsSpan(0, dash), out FlowEndpoint listening))
        {
            return (listening, SocketEndpoints.NoPeer(listening));
        }

        return dash > 0 && FlowEndpoint.TryParse(text.AsSpan(0, dash), out FlowEndpoint local)
            && FlowEndpoint.TryParse(text.AsSpan(dash + 1), out FlowEndpoint peer) && local.Address.Version == peer.Address.Version
            ? (local, peer)
            : throw new UsageException(
                $"'{text}' is not a connection LOCAL-PEER, as 192.0.2.1:80-192.0.2.2:49152 or [2001:db8::1]:80-[2001:db8::2]:49152 (LOCAL is the process's end).");
    }
}
