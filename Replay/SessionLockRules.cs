using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// The lock of a connection that exists only as an image: rules that drop its packets in both directions, so that nobody answers the peer with a reset.
/// They carry the image's id in their comment and outlive this process on purpose; the restore removes them.
/// </summary>
public static class SessionLockRules
{
    /// <summary>SYN without ACK, RST or FIN; the flags of IPv6 behind its fixed header.</summary>
    private const string Ipv4Syn = "(ip and tcp[13] & 0x17 = 2)";

    private const string Ipv6Syn = "(ip6 and ip6[6] = 6 and ip6[53] & 0x17 = 2)";

    /// <summary>What session.json says of the lock.</summary>
    public static SessionLock For(SessionImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new SessionLock(FirewallOwner.Lock(image.Id).ToString(), "drop");
    }

    /// <summary>Installs the lock of an image.</summary>
    /// <exception cref="IOException">The firewall could not be changed; nothing was left in place.</exception>
    public static FirewallRules Install(SessionImage image, NetworkNamespace networkNamespace)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Install(image.Snapshot.Local, image.Snapshot.Peer, image.Id, networkNamespace);
    }

    /// <summary>Installs a lock under an id of the caller's choice, as before the image exists.</summary>
    public static FirewallRules Install(FlowEndpoint local, FlowEndpoint peer, string id, NetworkNamespace? networkNamespace)
    {
        const byte Tcp = (byte)IpProtocol.Tcp;
        if (SocketEndpoints.IsNoPeer(peer))
        {
            return InstallForListener(local, id, networkNamespace);
        }

        return FirewallRules.Install(
            [
                new FirewallRule(FirewallHook.Prerouting, new FirewallMatch { Flow = new FlowKey(peer, local, Tcp), ExceptMark = FirewallMatch.OwnMark }, FirewallTarget.Drop),
                new FirewallRule(FirewallHook.Output, new FirewallMatch { Flow = new FlowKey(local, peer, Tcp) }, FirewallTarget.Drop),
            ],
            new FirewallOptions { Namespace = networkNamespace, LockId = id });
    }

    /// <summary>Drops who calls, so that he calls again, and nothing of the connections on the same port that there are already.</summary>
    private static FirewallRules InstallForListener(FlowEndpoint local, string id, NetworkNamespace? networkNamespace)
    {
        string address = local.Address == SocketEndpoints.NoPeer(local).Address ? "" : $" and dst host {local.Address}";
        string syn = local.Address.IsIpv4 || address.Length > 0
            ? local.Address.IsIpv4 ? Ipv4Syn : Ipv6Syn
            : $"({Ipv4Syn} or {Ipv6Syn})";
        PacketFilter filter = PacketFilter.Compile($"tcp dst port {local.Port} and {syn}{address}", LinkType.Raw);
        _ = FirewallMatch.TryFromFilter(filter, out FirewallMatch match);
        return FirewallRules.Install(
            [new FirewallRule(FirewallHook.Prerouting, match with { ExceptMark = FirewallMatch.OwnMark }, FirewallTarget.Drop)],
            new FirewallOptions { Namespace = networkNamespace, LockId = id });
    }

    /// <summary>Removes an image's lock from the calling thread's network namespace, or the given one; true if there was one.</summary>
    public static bool Remove(SessionImage image, NetworkNamespace? networkNamespace = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        return image.Lock is not null && FirewallCleanup.RemoveLock(image.Id, networkNamespace).Removed.Count > 0;
    }
}
