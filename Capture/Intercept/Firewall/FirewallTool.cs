using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Runs iptables-restore and iptables-save, each once and never through a shell. The child inherits the network namespace of the thread that starts it.
/// </summary>
internal sealed class FirewallTool(FirewallBackend backend, int ipVersion, NetworkNamespace? networkNamespace) : IFirewallTool
{
    internal const string Package = "iptables";

    public bool IsInstalled => FirewallCommand.Find($"{Prefix}-save") is not null;

    private string Prefix => (ipVersion == 4 ? "iptables" : "ip6tables") + backend switch
    {
        FirewallBackend.Legacy => "-legacy",
        FirewallBackend.Nft => "-nft",
        _ => "",
    };

    public bool Install(IReadOnlyList<FirewallRule> rules, FirewallNames names, FirewallOwner owner)
    {
        string script = FirewallScript.Install(rules, ipVersion, names, owner);
        if (script.Length > 0)
        {
            Restore(script);
        }

        return script.Length > 0;
    }

    public IReadOnlyList<FirewallChain> ReadChains() => FirewallChain.Parse(Save(), backend, ipVersion);

    public void Detach(IReadOnlyList<FirewallChain> chains)
    {
        List<FirewallChain> attached = [.. chains.Where(chain => chain.Jumps.Count > 0)];
        if (attached.Count > 0)
        {
            Restore(FirewallChain.DetachScript(FirewallScript.Table, attached));
        }
    }

    public IReadOnlyList<FirewallChain> Remove(IReadOnlyList<FirewallChain> chains, IReadOnlySet<ushort> ownQueues)
    {
        foreach (IGrouping<string, FirewallChain> table in chains.GroupBy(chain => chain.Table))
        {
            Restore(FirewallChain.RemovalScript(table.Key, [.. table]));
        }

        // The built-in chains stay, as they do for everybody.
        return [];
    }

    /// <summary>Applies an iptables-restore text on top of what is there; one table of it is applied whole or not at all.</summary>
    internal void Restore(string rules) => Run($"{Prefix}-restore", ["-w", "--noflush"], rules);

    /// <summary>All tables that exist, with counters. Asking for a table by name would create it.</summary>
    private string Save() => Run($"{Prefix}-save", ["-c"], null);

    private string Run(string tool, string[] arguments, string? input)
    {
        string? lockFile = LockFile();
        try
        {
            return lockFile is null
                ? FirewallCommand.Run(tool, Package, arguments, input, networkNamespace)
                : FirewallCommand.Run(tool, Package, arguments, input, networkNamespace, ("XTABLES_LOCKFILE", lockFile));
        }
        finally
        {
            if (lockFile is not null)
            {
                File.Delete(lockFile);
            }
        }
    }

    /// <summary>
    /// A lock file of our own where /run can't be written (a user namespace): iptables-legacy insists on one. It then only keeps our own calls apart, and
    /// nobody else can change that namespace's tables but the same user.
    /// </summary>
    private string? LockFile()
    {
        if (backend == FirewallBackend.Nft)
        {
            return null;
        }

        const string Usual = "/run/xtables.lock";
        try
        {
            using FileStream probe = File.Open(Usual, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Path.Combine(Path.GetTempPath(), $"interceptor-xtables-{Libc.geteuid()}-{Environment.ProcessId}.lock");
        }
    }
}
