namespace Interceptor.Capture.Intercept;

/// <summary>
/// Rules of ours in the kernel's firewall: with iptables and ip6tables in table <c>mangle</c>, a chain of our own for each hook and one jump to it at the head of
/// the built-in chain; with nft in a table of our own. Foreign rules stay byte for byte as they are. All or nothing: a failure undoes what was done.
/// <para>Deleting a base chain makes the kernel drop every packet held in any queue of the namespace. So iptables' built-in chains are left in place, and those of our nft table,
/// too, where another queue is open: empty then (<see cref="Leftovers"/>), until <see cref="FirewallCleanup"/> finds no queue open. What our own queues hold is to be
/// released before the rules go.</para>
/// <para>Threads: one at a time. The rules live in the namespace of <see cref="FirewallOptions.Namespace"/>, or of the thread that installs, which then
/// should remove them, too. After SIGKILL they stay behind, and <see cref="FirewallCleanup"/> finds them.</para>
/// </summary>
public sealed class FirewallRules : IDisposable
{
    /// <summary>Flows of a match up to which iptables' list does: behind it, nft's sets are tried first. 1,000 rules cost each packet of the namespace 10 us at each hook.</summary>
    private const int MostListed = 16;

    private readonly IFirewallTool[] _tools;
    private readonly FirewallNames _names;
    private readonly HashSet<ushort> _queues;
    private readonly bool _isLock;
    private bool _removed;

    private FirewallRules(IFirewallTool[] tools, FirewallNames names, IReadOnlyList<FirewallRule> rules, FirewallOwner owner)
    {
        _tools = tools;
        _names = names;
        _queues = [.. rules.SelectMany(rule => rule.Target.Queues)];
        _isLock = owner.IsLock;
        Owner = owner;
    }

    /// <summary>Whom the rules' comment names.</summary>
    public FirewallOwner Owner { get; }

    /// <summary>The tool that was used; never <see cref="FirewallBackend.Automatic"/>.</summary>
    public FirewallBackend Backend { get; private init; }

    /// <summary>True if the kernel can't run the rules' programs, so that they take more: what comes must be looked at again.</summary>
    public bool TakesMore { get; private init; }

    /// <summary>The filter, or the part of it, that the kernel applies by the first rule, in nft's words where nft made it; null for none.</summary>
    public string? KernelFilter { get; private init; }

    /// <summary>Our chains, each with its jump, as <c>mangle/INPUT -> INTERCEPTOR-4242-x7k2qI</c>.</summary>
    public IReadOnlyList<string> Places { get; private init; } = [];

    /// <summary>Chains of which an empty rest stayed after <see cref="Remove"/>, because another queue was open.</summary>
    public IReadOnlyList<string> Leftovers { get; private set; } = [];

    /// <summary>True until <see cref="Remove"/> has succeeded.</summary>
    public bool AreInstalled => !_removed;

    /// <summary>Installs <paramref name="rules"/>, in their order within each hook.</summary>
    /// <exception cref="MissingToolException">The tool asked for is not installed.</exception>
    /// <exception cref="FirewallException">A command failed; nothing was left in place.</exception>
    /// <exception cref="FirewallUnavailableException">Neither iptables nor nft could do it; nothing was left in place.</exception>
    public static FirewallRules Install(IReadOnlyList<FirewallRule> rules, FirewallOptions? options = null)
    {
        options ??= new FirewallOptions();
        if (rules.Count == 0)
        {
            throw new ArgumentException("There is no rule to install.", nameof(rules));
        }

        if (options.Backend != FirewallBackend.Automatic)
        {
            return Install(rules, options, options.Backend);
        }

        if (rules.Any(static rule => rule.Match.Flows is { Count: > MostListed }) && new NftTool(options.Namespace).IsInstalled)
        {
            try
            {
                return Install(rules, options, FirewallBackend.Nftables);
            }
            catch (FirewallException exception) when (!exception.IsPermission)
            {
                // A kernel without sets of such keys: a rule for each does the same, and takes every packet's time.
            }
        }

        Exception failure;
        try
        {
            return Install(rules, options, FirewallBackend.System);
        }
        catch (IOException exception) when (exception is not FirewallException { IsPermission: true } && (options.MayTakeMore || !HavePrograms(rules)))
        {
            failure = exception;
        }

        try
        {
            return Install(rules, options, FirewallBackend.Nftables);
        }
        catch (IOException exception)
        {
            throw new FirewallUnavailableException(failure, exception);
        }
    }

    private static FirewallRules Install(IReadOnlyList<FirewallRule> rules, FirewallOptions options, FirewallBackend backend)
    {
        List<FirewallRule> coarser = [.. rules.Select(rule => rule with { Match = rule.Match.WithoutProgram() })];
        bool hasPrograms = HavePrograms(rules);
        if (backend == FirewallBackend.Nftables)
        {
            return hasPrograms && !options.MayTakeMore
                ? throw new FirewallException("nft", 1, "it can't run a filter's program, and the rules must not take more than the program matches")
                : InstallExactly(coarser, options, backend, takesMore: hasPrograms);
        }

        try
        {
            return InstallExactly(rules, options, backend, takesMore: false);
        }
        catch (FirewallException exception) when (hasPrograms && options.MayTakeMore && !exception.IsPermission && exception.CommandExitCode >= 0)
        {
            return InstallExactly(coarser, options, backend, takesMore: true);
        }
    }

    private static string? KernelFilterOf(FirewallMatch match, FirewallBackend backend) =>
        backend != FirewallBackend.Nftables ? match.Bytecode is null ? null : match.Expression
        : NftFilter.Translate(match.Expression) is { Length: > 0 } matches ? matches.Trim()
        : null;

    private static bool HavePrograms(IReadOnlyList<FirewallRule> rules) => rules.Any(rule => rule.Match.Bytecode is not null);

    private static FirewallRules InstallExactly(IReadOnlyList<FirewallRule> rules, FirewallOptions options, FirewallBackend backend, bool takesMore)
    {
        FirewallOwner owner = options.LockId is { } id ? FirewallOwner.Lock(id) : FirewallOwner.Current;
        var names = FirewallNames.Next();
        IEnumerable<IFirewallTool> tools = backend == FirewallBackend.Nftables
            ? [new NftTool(options.Namespace)]
            : VersionsHere().Select(version => new FirewallTool(backend, version, options.Namespace));
        var used = new List<IFirewallTool>();
        try
        {
            foreach (IFirewallTool tool in tools)
            {
                try
                {
                    if (tool.Install(rules, names, owner))
                    {
                        used.Add(tool);
                    }
                }
                catch (FirewallException exception) when (exception.CommandExitCode < 0)
                {
                    // Ended by us for its slowness: it may have got as far as the kernel.
                    used.Add(tool);
                    throw;
                }
            }
        }
        catch (IOException exception)
        {
            Undo(used, names, exception);
            throw;
        }

        IEnumerable<FirewallHook> hooks = rules.Select(rule => rule.Hook).Distinct();
        IEnumerable<string> places = backend == FirewallBackend.Nftables
            ? hooks.Select(hook => NftScript.Place(names.Table(owner), hook))
            : hooks.Select(hook => $"{FirewallScript.Table}/{FirewallScript.BuiltInChain(hook)} -> {names.Chain(hook)}");
        return new FirewallRules([.. used], names, rules, owner)
        {
            Backend = backend,
            TakesMore = takesMore,
            KernelFilter = KernelFilterOf(rules[0].Match, backend),
            Places = [.. places],
        };
    }

    /// <summary>Packets that each rule has matched, over both IP versions, in the order of the rules; empty once removed.</summary>
    public IReadOnlyList<long> ReadCounters()
    {
        if (_removed)
        {
            return [];
        }

        var counters = new List<long>();
        foreach (FirewallChain chain in _tools.SelectMany(Ours))
        {
            counters.AddRange(chain.Rules.Select(rule => rule.Packets));
        }

        return counters;
    }

    /// <summary>
    /// Takes the jumps away: no further packet comes to the rules, whose counters stay readable. Jumps that someone else has removed already are no error.
    /// </summary>
    public void Detach()
    {
        if (_removed)
        {
            return;
        }

        foreach (IFirewallTool tool in _tools)
        {
            tool.Detach([.. Ours(tool)]);
        }
    }

    /// <summary>Removes the rules; what someone else has removed already is no error. Idempotent.</summary>
    /// <returns>Packets that the rules had matched altogether, as read just before.</returns>
    /// <exception cref="FirewallException">A command failed. The rest is still tried, and a later call tries again.</exception>
    public long Remove()
    {
        if (_removed)
        {
            return 0;
        }

        (long packets, Leftovers) = RemoveFrom(_tools, _names, _queues);
        _removed = true;
        return packets;
    }

    /// <summary>Removes the rules, unless they are a lock, which stays.</summary>
    public void Dispose()
    {
        if (!_isLock)
        {
            Remove();
        }
    }

    internal static IEnumerable<int> VersionsHere() => File.Exists("/proc/net/if_inet6") ? [4, 6] : [4];

    private static (long Packets, IReadOnlyList<string> Leftovers) RemoveFrom(IEnumerable<IFirewallTool> tools, FirewallNames names, HashSet<ushort> queues)
    {
        long packets = 0;
        var leftovers = new List<string>();
        Exception? failure = null;
        foreach (IFirewallTool tool in tools)
        {
            try
            {
                List<FirewallChain> chains = [.. tool.ReadChains().Where(chain => names.Has(chain.Name))];
                if (chains.Count > 0)
                {
                    leftovers.AddRange(tool.Remove(chains, queues).Select(chain => $"{chain.Table} {chain.Name}"));
                    packets += chains.Sum(chain => chain.Rules.Sum(rule => rule.Packets));
                }
            }
            catch (IOException exception)
            {
                failure ??= exception;
            }
        }

        return failure is null ? (packets, leftovers) : throw new FirewallException("Removing our firewall rules", 1, failure.Message, failure);
    }

    private static void Undo(List<IFirewallTool> used, FirewallNames names, Exception cause)
    {
        try
        {
            RemoveFrom(used, names, []);
        }
        catch (FirewallException exception)
        {
            throw new FirewallException(
                "Installing firewall rules", 1, $"{cause.Message} And undoing what had been done failed: {exception.Message} Run: interceptor cleanup", cause);
        }
    }

    private IEnumerable<FirewallChain> Ours(IFirewallTool tool) => tool.ReadChains().Where(chain => _names.Has(chain.Name));
}
