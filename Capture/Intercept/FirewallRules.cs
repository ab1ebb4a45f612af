using System.Security.Cryptography;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Rules of ours in the kernel's firewall (iptables and ip6tables, table <c>mangle</c>): a chain of our own for each hook, and one jump to it at the head of
/// the built-in chain. Foreign rules stay byte for byte as they are. All or nothing: a failure undoes what was done.
/// <para>The table and its built-in chains are left in place: deleting a base chain makes the kernel drop every packet held in any queue of the namespace.
/// Release what is held before the rules go, all the same: it is decided by then.</para>
/// <para>Threads: one at a time. The rules live in the namespace of <see cref="FirewallOptions.Namespace"/>, or of the thread that installs, which then
/// should remove them, too. After SIGKILL they stay behind, and <see cref="FirewallCleanup"/> finds them.</para>
/// </summary>
public sealed class FirewallRules : IDisposable
{
    private const string UniqueCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";
    private readonly FirewallTool[] _tools;
    private readonly HashSet<string> _chains;
    private readonly bool _isLock;
    private bool _removed;

    private FirewallRules(FirewallTool[] tools, HashSet<string> chains, FirewallOwner owner)
    {
        _tools = tools;
        _chains = chains;
        _isLock = owner.IsLock;
        Owner = owner;
    }

    /// <summary>Whom the rules' comment names.</summary>
    public FirewallOwner Owner { get; }

    /// <summary>Our chains, each with its jump, as <c>mangle/INPUT -> INTERCEPTOR-4242-x7k2qI</c>.</summary>
    public IReadOnlyList<string> Places { get; private init; } = [];

    /// <summary>Installs <paramref name="rules"/>, in their order within each hook.</summary>
    /// <exception cref="MissingToolException">iptables is not installed.</exception>
    /// <exception cref="FirewallException">A command failed; nothing was left in place.</exception>
    public static FirewallRules Install(IReadOnlyList<FirewallRule> rules, FirewallOptions? options = null)
    {
        options ??= new FirewallOptions();
        if (rules.Count == 0)
        {
            throw new ArgumentException("There is no rule to install.", nameof(rules));
        }

        FirewallOwner owner = options.LockId is { } id ? FirewallOwner.Lock(id) : FirewallOwner.Current;
        int pid = Environment.ProcessId;
        string unique = RandomNumberGenerator.GetString(UniqueCharacters, 5);
        var chains = rules.Select(rule => FirewallScript.ChainName(pid, unique, rule.Hook)).ToHashSet();
        var used = new List<FirewallTool>();
        try
        {
            foreach (int version in VersionsHere())
            {
                string script = FirewallScript.Install(rules, version, pid, unique, owner);
                if (script.Length > 0)
                {
                    var tool = new FirewallTool(options.Backend, version, options.Namespace);
                    try
                    {
                        tool.Restore(script);
                    }
                    catch (FirewallException exception) when (exception.CommandExitCode < 0)
                    {
                        // Ended by us for its slowness: it may have got as far as the kernel.
                        used.Add(tool);
                        throw;
                    }

                    used.Add(tool);
                }
            }
        }
        catch (Exception exception) when (exception is IOException)
        {
            Undo(used, chains, exception);
            throw;
        }

        IEnumerable<string> places = rules.Select(rule => rule.Hook).Distinct()
            .Select(hook => $"{FirewallScript.Table}/{FirewallScript.BuiltInChain(hook)} -> {FirewallScript.ChainName(pid, unique, hook)}");
        return new FirewallRules([.. used], chains, owner) { Places = [.. places] };
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

        foreach (FirewallTool tool in _tools)
        {
            List<FirewallChain> attached = [.. Ours(tool).Where(chain => chain.Jumps.Count > 0)];
            if (attached.Count > 0)
            {
                tool.Restore(FirewallChain.DetachScript(FirewallScript.Table, attached));
            }
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

        long packets = RemoveFrom(_tools, _chains);
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

    internal static long RemoveFrom(IEnumerable<FirewallTool> tools, HashSet<string> names)
    {
        long packets = 0;
        Exception? failure = null;
        foreach (FirewallTool tool in tools)
        {
            try
            {
                List<FirewallChain> chains = [.. FirewallChain.Parse(tool.Save(), tool.Backend, tool.IpVersion).Where(chain => names.Contains(chain.Name))];
                packets += chains.Sum(chain => chain.Rules.Sum(rule => rule.Packets));
                foreach (IGrouping<string, FirewallChain> table in chains.GroupBy(chain => chain.Table))
                {
                    tool.Restore(FirewallChain.RemovalScript(table.Key, [.. table]));
                }
            }
            catch (IOException exception)
            {
                failure ??= exception;
            }
        }

        return failure is null ? packets : throw new FirewallException("Removing our firewall rules", 1, failure.Message, failure);
    }

    private static void Undo(List<FirewallTool> used, HashSet<string> chains, Exception cause)
    {
        try
        {
            RemoveFrom(used, chains);
        }
        catch (FirewallException exception)
        {
            throw new FirewallException(
                "Installing firewall rules", 1, $"{cause.Message} And undoing what had been done failed: {exception.Message} Run: interceptor cleanup", cause);
        }
    }

    private IEnumerable<FirewallChain> Ours(FirewallTool tool) =>
        FirewallChain.Parse(tool.Save(), tool.Backend, tool.IpVersion).Where(chain => _chains.Contains(chain.Name));
}
