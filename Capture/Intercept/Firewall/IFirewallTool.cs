namespace Interceptor.Capture.Intercept;

/// <summary>One of the firewall's tools, as rules of ours need it.</summary>
internal interface IFirewallTool
{
    /// <summary>True if it is installed.</summary>
    bool IsInstalled { get; }

    /// <summary>Installs rules in chains of our own, whole or not at all; false where none of them is for this tool.</summary>
    /// <exception cref="FirewallException">It failed, and nothing was changed (a negative status: it was ended, and may have got as far as the kernel).</exception>
    bool Install(IReadOnlyList<FirewallRule> rules, FirewallNames names, FirewallOwner owner);

    /// <summary>The chains of ours that are there, whoever's they are.</summary>
    IReadOnlyList<FirewallChain> ReadChains();

    /// <summary>Lets no further packet come to these chains; their counters stay.</summary>
    void Detach(IReadOnlyList<FirewallChain> chains);

    /// <summary>Removes chains with the jumps that lead to them.</summary>
    /// <param name="chains">As they were read.</param>
    /// <param name="ownQueues">Queues whose packets are decided: what is held in others is not harmed.</param>
    /// <returns>Those of which an empty rest stays, so that no other queue loses what it holds.</returns>
    IReadOnlyList<FirewallChain> Remove(IReadOnlyList<FirewallChain> chains, IReadOnlySet<ushort> ownQueues);
}
