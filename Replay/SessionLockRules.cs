using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// The lock of a connection that exists only as an image: rules that drop its packets in both directions, so that nobody answers the peer with a reset.
/// They carry the image's id in their comment and outlive this process on purpose; the restore removes them.
/// </summary>
public static class SessionLockRules
{
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
        return FirewallRules.Install(
            [
                new FirewallRule(FirewallHook.Prerouting, new FirewallMatch { Flow = new FlowKey(peer, local, Tcp), ExceptMark = FirewallMatch.OwnMark }, FirewallTarget.Drop),
                new FirewallRule(FirewallHook.Output, new FirewallMatch { Flow = new FlowKey(local, peer, Tcp) }, FirewallTarget.Drop),
            ],
            new FirewallOptions { Namespace = networkNamespace, LockId = id });
    }

    /// <summary>Removes an image's lock from the calling thread's network namespace, or the given one; true if there was one.</summary>
    public static bool Remove(SessionImage image, NetworkNamespace? networkNamespace = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        return image.Lock is not null && FirewallCleanup.RemoveLock(image.Id, networkNamespace).Removed.Count > 0;
    }
}
