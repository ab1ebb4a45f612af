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
    public static FirewallRules Install(FlowEndpoint local, FlowEndpoint peer, string id, NetworkNamespace? networkNamespace) =>
        SocketEndpoints.IsNoPeer(peer) ? InstallForListener(local, id, networkNamespace) : Install([(local, peer)], id, networkNamespace);

    /// <summary>Installs one lock for many connections and listening sockets, in as few rules as there can be.</summary>
    internal static IReadOnlyList<FirewallRules> InstallAll(IEnumerable<(FlowEndpoint Local, FlowEndpoint Peer)> sockets, string id, NetworkNamespace? networkNamespace)
    {
        var installed = new List<FirewallRules>();
        try
        {
            ILookup<bool, (FlowEndpoint Local, FlowEndpoint Peer)> kinds = sockets.ToLookup(static socket => SocketEndpoints.IsNoPeer(socket.Peer));
            if (kinds[false].Any())
            {
                installed.Add(Install([.. kinds[false]], id, networkNamespace));
            }

            foreach ((FlowEndpoint local, _) in kinds[true].Distinct())
            {
                installed.Add(InstallForListener(local, id, networkNamespace));
            }

            return installed;
        }
        catch
        {
            installed.ForEach(static rules => rules.Remove());
            throw;
        }
    }

    private static FirewallRules Install(IReadOnlyList<(FlowEndpoint Local, FlowEndpoint Peer)> connections, string id, NetworkNamespace? networkNamespace) =>
        FirewallRules.Install(SessionFlows.Rules(connections, FirewallTarget.Drop, FirewallTarget.Drop), new FirewallOptions { Namespace = networkNamespace, LockId = id });

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
        return image.Lock is { } sessionLock && Remove(sessionLock, networkNamespace);
    }

    /// <summary>
    /// Removes the lock of an image that stands in a directory: of one in a set only this connection's part, so that the peers of the others that are not restored go on waiting.
    /// </summary>
    internal static bool Remove(SessionImage image, string directory)
    {
        string parent = Path.Combine(directory, "..");
        if (image.Lock is null || !SessionSet.IsSet(parent) || SessionSet.Read(parent) is not { } set || set.Lock != image.Lock)
        {
            return Remove(image);
        }

        List<(FlowEndpoint, FlowEndpoint)> others = [];
        foreach (SessionSetMember member in set.Members)
        {
            if (member.Id != image.Id && SessionRestoreMark.ReadFrom(set.PathOf(member)) is null
                && FlowEndpoint.TryParse(member.Local, out FlowEndpoint local) && FlowEndpoint.TryParse(member.Peer, out FlowEndpoint peer))
            {
                others.Add((local, peer));
            }
        }

        string id = IdOf(image.Lock);
        return FirewallCleanup.ReplaceLock(id, () => InstallAll(others, id, networkNamespace: null));
    }

    /// <summary>Removes a lock; true if there was one.</summary>
    internal static bool Remove(SessionLock sessionLock, NetworkNamespace? networkNamespace = null) =>
        FirewallCleanup.RemoveLock(IdOf(sessionLock), networkNamespace).Removed.Count > 0;

    /// <summary>The id under which a lock is in the firewall: its image's, or its set's.</summary>
    /// <exception cref="CheckpointException">Its comment is none of a lock.</exception>
    internal static string IdOf(SessionLock sessionLock) => FirewallOwner.TryParse(sessionLock.Comment, out FirewallOwner owner) && owner.LockId is { } id
        ? id
        : throw new CheckpointException(
            "restore", $"'{sessionLock.Comment}' is not the comment of a lock.", "Nothing was changed.", CheckpointFailure.BadImage);
}
