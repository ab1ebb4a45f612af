using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>The rules that take the packets of connections in both directions: the peers' at PREROUTING and the owner's at OUTPUT, but for what is sent in the place of either under our mark.</summary>
internal static class SessionFlows
{
    /// <summary>One rule in each direction for one connection, and for each IP version of many.</summary>
    internal static IReadOnlyList<FirewallRule> Rules(
        IReadOnlyList<(FlowEndpoint Local, FlowEndpoint Peer)> connections, FirewallTarget inbound, FirewallTarget outbound)
    {
        var rules = new List<FirewallRule>();
        foreach (IGrouping<int, (FlowEndpoint Local, FlowEndpoint Peer)> version in connections.GroupBy(static connection => connection.Local.Address.Version))
        {
            FlowKey[] fromPeer = [.. version.Select(static connection => new FlowKey(connection.Peer, connection.Local, (byte)IpProtocol.Tcp))];
            FlowKey[] fromOwner = [.. fromPeer.Select(static flow => flow.Reversed)];
            rules.Add(new FirewallRule(FirewallHook.Prerouting, Match(fromPeer) with { ExceptMark = FirewallMatch.OwnMark }, inbound));
            rules.Add(new FirewallRule(FirewallHook.Output, Match(fromOwner) with { ExceptMark = FirewallMatch.OwnMark }, outbound));
        }

        return rules;
    }

    private static FirewallMatch Match(FlowKey[] flows) => flows is [var only] ? new FirewallMatch { Flow = only } : new FirewallMatch { Flows = flows };
}
