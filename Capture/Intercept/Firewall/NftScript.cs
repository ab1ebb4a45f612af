using System.Globalization;
using System.Text;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Rules as the text that <c>nft -f -</c> reads, and what <c>nft list</c> shows of them. Pure: names and owner are arguments. A table of our own, for both IP versions, with a
/// base chain for each hook that jumps to a chain with the rules; a base chain that has lost its jump takes nothing, and its counters stay.
/// </summary>
internal static class NftScript
{
    internal const string Family = "inet";
    internal const string TablePrefix = "interceptor-";
    internal const string LockPrefix = "interceptor-lock-";
    private const string TakingPrefix = "take-";
    private const string CommentOption = " comment ";

    /// <summary>The priority of iptables' mangle: behind connection tracking, before the addresses are translated.</summary>
    private const int Priority = -150;

    /// <summary>The text that makes the table; nft applies it whole or not at all.</summary>
    internal static string Install(IReadOnlyList<FirewallRule> rules, string table, FirewallOwner owner)
    {
        FirewallHook[] hooks = [.. rules.Select(rule => rule.Hook).Distinct().Order()];
        var text = new StringBuilder($"create table {Family} {table}\n");
        foreach (string hook in hooks.Select(FirewallHooks.NameOf))
        {
            text.Append(CultureInfo.InvariantCulture, $"create chain {Family} {table} {hook} {{ type filter hook {hook} priority {Priority}; policy accept; }}\n");
            text.Append(CultureInfo.InvariantCulture, $"create chain {Family} {table} {TakingPrefix}{hook}\n");
        }

        foreach (FirewallRule rule in rules)
        {
            text.Append(CultureInfo.InvariantCulture, $"add rule {Family} {table} {TakingPrefix}{FirewallHooks.NameOf(rule.Hook)}");
            AppendMatch(text, rule.Match);
            text.Append(" counter");
            AppendTarget(text, rule.Target);
            text.Append(CultureInfo.InvariantCulture, $"{CommentOption}\"{owner}\"\n");
        }

        foreach (string hook in hooks.Select(FirewallHooks.NameOf))
        {
            text.Append(CultureInfo.InvariantCulture, $"add rule {Family} {table} {hook} jump {TakingPrefix}{hook}{CommentOption}\"{owner}\"\n");
        }

        return text.ToString();
    }

    /// <summary>The text that takes the jumps away.</summary>
    internal static string Detach(IEnumerable<FirewallChain> chains) =>
        string.Concat(chains.Select(chain => $"flush chain {Family} {TableOf(chain)} {HookOf(chain)}\n"));

    /// <summary>The text that removes the tables of these chains. Deleting a base chain makes the kernel drop what any queue holds: see <see cref="Empty"/>.</summary>
    internal static string Remove(IEnumerable<FirewallChain> chains) =>
        string.Concat(chains.Select(TableOf).Distinct().Select(table => $"delete table {Family} {table}\n"));

    /// <summary>The text that leaves of these chains' tables only base chains without rules.</summary>
    internal static string Empty(IReadOnlyList<FirewallChain> chains)
    {
        IEnumerable<string> flushes = chains.Select(TableOf).Distinct().Select(table => $"flush table {Family} {table}\n");
        IEnumerable<string> deletions = chains.Where(chain => chain.Rules.Count > 0)
            .Select(chain => $"delete chain {Family} {TableOf(chain)} {TakingPrefix}{HookOf(chain)}\n");
        return string.Concat(flushes.Concat(deletions));
    }

    /// <summary>Our tables in the text of <c>nft list tables</c>.</summary>
    internal static IEnumerable<string> Tables(string listed) => listed.Split('\n')
        .Select(line => line.Trim().Split(' '))
        .Where(words => words is ["table", Family, _] && words[2].StartsWith(TablePrefix, StringComparison.Ordinal))
        .Select(words => words[2]);

    /// <summary>One chain for each hook in the text of <c>nft list table</c>.</summary>
    internal static List<FirewallChain> Parse(string listed, string table)
    {
        Dictionary<string, List<string>> chains = RulesByChain(listed);
        var found = new List<FirewallChain>();
        foreach (string hook in chains.Keys.Where(name => FirewallHooks.TryParse(name, out _)))
        {
            List<string> taking = chains.GetValueOrDefault(TakingPrefix + hook, []);
            List<string> jumps = [.. chains[hook].Where(rule => rule.Contains($"jump {TakingPrefix}", StringComparison.Ordinal))];
            FirewallOwner owner = taking.Concat(jumps).Select(rule => FirewallChain.OwnerIn(rule, CommentOption)).FirstOrDefault(owner => owner is not null)
                ?? OwnerFromName(table);
            found.Add(new FirewallChain(
                FirewallBackend.Nftables, 0, Family, $"{table}/{hook}", owner, [.. taking.Select(rule => (rule, PacketsOf(rule)))], jumps));
        }

        return found;
    }

    /// <summary>Where a hook's rules are, as people read it.</summary>
    internal static string Place(string table, FirewallHook hook) => $"{Family} {table}/{FirewallHooks.NameOf(hook)}";

    private static string TableOf(FirewallChain chain) => chain.Name.Split('/')[0];

    private static string HookOf(FirewallChain chain) => chain.Name[(chain.Name.IndexOf('/') + 1)..];

    private static Dictionary<string, List<string>> RulesByChain(string listed)
    {
        var chains = new Dictionary<string, List<string>>();
        List<string>? current = null;
        foreach (string line in listed.Split('\n').Select(line => line.Trim()))
        {
            string[] words = line.Split(' ');
            if (words is ["chain", _, "{"])
            {
                chains[words[1]] = current = [];
            }
            else if (line == "}")
            {
                current = null;
            }
            else if (line.Length > 0 && !line.StartsWith("type ", StringComparison.Ordinal))
            {
                current?.Add(line);
            }
        }

        return chains;
    }

    // ... counter packets 12 bytes 700 ...
    private static long PacketsOf(string rule)
    {
        const string Counter = "counter packets ";
        int at = rule.IndexOf(Counter, StringComparison.Ordinal);
        return at >= 0 && long.TryParse(rule[(at + Counter.Length)..].Split(' ')[0], NumberStyles.None, null, out long packets) ? packets : 0;
    }

    // What is left of a table has no rule with a comment.
    private static FirewallOwner OwnerFromName(string table)
    {
        int end = table.LastIndexOf('-');
        if (table.StartsWith(LockPrefix, StringComparison.Ordinal))
        {
            return new FirewallOwner(0, 0, end > LockPrefix.Length ? table[LockPrefix.Length..end] : "");
        }

        string[] words = table[TablePrefix.Length..].Split('-');
        return words.Length == 3 && int.TryParse(words[0], NumberStyles.None, null, out int pid) && ulong.TryParse(words[1], NumberStyles.None, null, out ulong start)
            ? new FirewallOwner(pid, start, null)
            : default;
    }

    private static void AppendMatch(StringBuilder text, FirewallMatch match)
    {
        if (match.Flow is { } flow)
        {
            string ip = flow.Source.Address.Version == 4 ? "ip" : "ip6";
            text.Append(CultureInfo.InvariantCulture, $" {ip} saddr {flow.Source.Address} {ip} daddr {flow.Destination.Address} meta l4proto {flow.Protocol}");
            AppendPorts(text, flow);
        }

        if (match.Flows is [var first, ..] flows)
        {
            string ip = first.Source.Address.Version == 4 ? "ip" : "ip6";
            IEnumerable<string> elements = flows.Select(static flow => $"{flow.Source.Address} . {flow.Source.Port} . {flow.Destination.Address} . {flow.Destination.Port}");
            text.Append(CultureInfo.InvariantCulture, $" {ip} saddr . tcp sport . {ip} daddr . tcp dport {{ {string.Join(", ", elements)} }}");
        }

        text.Append(NftFilter.Translate(match.Expression));
        if (match.ExceptMark is { } mark)
        {
            text.Append(CultureInfo.InvariantCulture, $" meta mark != 0x{mark:x8}");
        }
    }

    private static void AppendPorts(StringBuilder text, FlowKey flow)
    {
        if (flow.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp))
        {
            return;
        }

        string name = flow.Protocol == IpProtocol.Tcp ? "tcp" : "udp";
        if (flow.Source.Port != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" {name} sport {flow.Source.Port}");
        }

        if (flow.Destination.Port != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" {name} dport {flow.Destination.Port}");
        }
    }

    private static void AppendTarget(StringBuilder text, FirewallTarget target)
    {
        if (target.Queue is not { } queue)
        {
            text.Append(" drop");
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $" queue num {queue}");
        if (target.QueueCount > 1)
        {
            text.Append(CultureInfo.InvariantCulture, $"-{queue + target.QueueCount - 1}");
        }

        string[] flags = [.. (string[])(target.Bypass ? ["bypass"] : []), .. (string[])(target is { FanOut: true, QueueCount: > 1 } ? ["fanout"] : [])];
        text.Append(flags.Length > 0 ? " " + string.Join(',', flags) : "");
    }
}
