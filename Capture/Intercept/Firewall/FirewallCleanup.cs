using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Finds rules of ours that a crash left behind, in both iptables backends and in nft's tables, for both IP versions, and removes those whose process is gone.
/// Idempotent. Works in the network namespace given, or in the calling thread's.
/// </summary>
public static class FirewallCleanup
{
    private static readonly HashSet<ushort> NoQueues = [];

    /// <summary>Removes leftovers; of an nft table an empty rest is kept while any queue is open in the namespace. Chains of a living process (same number and start time) are kept.</summary>
    /// <param name="includeLocks">Locks as well, which outlive their process on purpose.</param>
    /// <param name="networkNamespace">Where; null is the calling thread's namespace.</param>
    /// <exception cref="MissingToolException">Neither iptables nor nft is installed.</exception>
    /// <exception cref="FirewallException">Chains were found and could not be removed.</exception>
    public static FirewallCleanupReport Run(bool includeLocks, NetworkNamespace? networkNamespace = null) =>
        Run(_ => includeLocks, networkNamespace);

    /// <summary>As <see cref="Run(bool, NetworkNamespace?)"/>, with the locks whose ids are asked for.</summary>
    public static FirewallCleanupReport Run(Func<string, bool> includesLock, NetworkNamespace? networkNamespace = null)
    {
        ArgumentNullException.ThrowIfNull(includesLock);
        return Remove(chain => chain.Owner.LockId is { } id ? includesLock(id) : !chain.Owner.IsAlive, networkNamespace);
    }

    /// <summary>Removes what belongs to one process, alive or not. Rules that are not there are no error.</summary>
    public static FirewallCleanupReport RemoveOwner(FirewallOwner owner, NetworkNamespace? networkNamespace = null) =>
        Remove(chain => chain.Owner == owner, networkNamespace);

    /// <summary>Removes one lock. A lock that is not there is no error.</summary>
    public static FirewallCleanupReport RemoveLock(string lockId, NetworkNamespace? networkNamespace = null) =>
        RemoveOwner(FirewallOwner.Lock(lockId), networkNamespace);

    /// <summary>Puts other rules in the place of a lock's; in between, both are there. False, and nothing is done, where there is no such lock.</summary>
    /// <param name="lockId">The lock.</param>
    /// <param name="install">Installs the new ones under the same id; none at all removes the lock.</param>
    /// <param name="networkNamespace">Where; null is the calling thread's namespace.</param>
    /// <exception cref="IOException">The new rules could not be installed, and the old ones are there; or the old ones not be removed.</exception>
    public static bool ReplaceLock(string lockId, Action install, NetworkNamespace? networkNamespace = null)
    {
        ArgumentNullException.ThrowIfNull(install);
        var owner = FirewallOwner.Lock(lockId);
        var old = new HashSet<string>(StringComparer.Ordinal);
        Remove(chain => chain.Owner == owner && old.Add(chain.Name) && false, networkNamespace);
        if (old.Count == 0)
        {
            return false;
        }

        install();
        Remove(chain => chain.Owner == owner && old.Contains(chain.Name), networkNamespace);
        return true;
    }

    private static FirewallCleanupReport Remove(Func<FirewallChain, bool> isLeftover, NetworkNamespace? networkNamespace)
    {
        var removed = new List<FirewallChain>();
        var kept = new List<FirewallChain>();
        var unreadable = new List<string>();
        List<IFirewallTool> tools = Tools(networkNamespace);
        foreach (IFirewallTool tool in tools)
        {
            IReadOnlyList<FirewallChain> chains;
            try
            {
                chains = tool.ReadChains();
            }
            catch (FirewallException exception)
            {
                unreadable.Add(exception.Message);
                continue;
            }

            // Asked once for each: a process may end between two looks.
            ILookup<bool, FirewallChain> sorted = chains.ToLookup(isLeftover);
            IReadOnlyList<FirewallChain> left = sorted[true].Any() ? tool.Remove([.. sorted[true]], NoQueues) : [];
            removed.AddRange(sorted[true].Except(left));
            kept.AddRange(sorted[false].Concat(left));
        }

        return unreadable.Count == tools.Count
            ? throw new FirewallException("Reading the firewall's tables", 1, unreadable[0])
            : new FirewallCleanupReport(removed, kept, unreadable);
    }

    private static List<IFirewallTool> Tools(NetworkNamespace? networkNamespace)
    {
        var tools = new List<IFirewallTool>();
        foreach (int version in FirewallRules.VersionsHere())
        {
            var named = new List<IFirewallTool>
            {
                new FirewallTool(FirewallBackend.Legacy, version, networkNamespace),
                new FirewallTool(FirewallBackend.Nft, version, networkNamespace),
            };
            named.RemoveAll(tool => !tool.IsInstalled);
            tools.AddRange(named.Count > 0 ? named : [new FirewallTool(FirewallBackend.System, version, networkNamespace)]);
        }

        var nft = new NftTool(networkNamespace);
        tools.RemoveAll(tool => !tool.IsInstalled && nft.IsInstalled);
        if (nft.IsInstalled)
        {
            tools.Add(nft);
        }

        return tools;
    }
}
