using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>Runs nft, for rules in a table of our own.</summary>
internal sealed class NftTool(NetworkNamespace? networkNamespace) : IFirewallTool
{
    private const string Tool = "nft";
    private const string Package = "nftables";

    public bool IsInstalled => FirewallCommand.Find(Tool) is not null;

    public bool Install(IReadOnlyList<FirewallRule> rules, FirewallNames names, FirewallOwner owner)
    {
        Apply(NftScript.Install(rules, names.Table(owner), owner));
        return true;
    }

    public IReadOnlyList<FirewallChain> ReadChains()
    {
        var chains = new List<FirewallChain>();
        foreach (string table in NftScript.Tables(Run("list", "tables")))
        {
            try
            {
                chains.AddRange(NftScript.Parse(Run("list", "table", NftScript.Family, table), table));
            }
            catch (FirewallException exception) when (exception.Message.Contains("No such file", StringComparison.Ordinal))
            {
                // Its process has removed it meanwhile.
            }
        }

        return chains;
    }

    public void Detach(IReadOnlyList<FirewallChain> chains)
    {
        if (chains.Any(chain => chain.Jumps.Count > 0))
        {
            Apply(NftScript.Detach(chains.Where(chain => chain.Jumps.Count > 0)));
        }
    }

    public IReadOnlyList<FirewallChain> Remove(IReadOnlyList<FirewallChain> chains, IReadOnlySet<ushort> ownQueues)
    {
        IReadOnlyList<ushort>? open = networkNamespace is null ? KernelQueueFile.OpenQueues() : networkNamespace.Run(KernelQueueFile.OpenQueues);
        bool isAlone = open is not null && open.All(ownQueues.Contains);
        Apply(isAlone ? NftScript.Remove(chains) : NftScript.Empty(chains));
        return isAlone ? [] : chains;
    }

    /// <summary>Lets nft and the kernel look at a script without applying it.</summary>
    internal void Check(string script) => FirewallCommand.Run(Tool, Package, ["-c", "-f", "-"], script, networkNamespace);

    private void Apply(string script) => FirewallCommand.Run(Tool, Package, ["-f", "-"], script, networkNamespace);

    private string Run(params string[] arguments) => FirewallCommand.Run(Tool, Package, arguments, null, networkNamespace);
}
