using System.Globalization;
using System.Text;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>Rules as the text that iptables-restore reads. Pure: names and owner are arguments.</summary>
internal static class FirewallScript
{
    internal const string Table = "mangle";
    internal const string ChainPrefix = "INTERCEPTOR-";

    /// <summary>A chain's name has at most 28 characters (XT_EXTENSION_MAXNAMELEN less what iptables keeps).</summary>
    internal const int MaxChainNameLength = 28;

    internal static string BuiltInChain(FirewallHook hook) => hook switch
    {
        FirewallHook.Prerouting => "PREROUTING",
        FirewallHook.Input => "INPUT",
        FirewallHook.Forward => "FORWARD",
        FirewallHook.Output => "OUTPUT",
        FirewallHook.Postrouting => "POSTROUTING",
        _ => throw new ArgumentOutOfRangeException(nameof(hook), hook, "There is no such hook."),
    };

    /// <summary>
    /// The text that makes one chain for each hook used, fills it, and puts a jump to it first in the built-in chain; empty where no rule is for
    /// <paramref name="ipVersion"/>. iptables-restore applies it whole or not at all.
    /// </summary>
    internal static string Install(IReadOnlyList<FirewallRule> rules, int ipVersion, FirewallNames names, FirewallOwner owner)
    {
        List<FirewallRule> mine = [.. rules.Where(rule => rule.Match.MatchesVersion(ipVersion))];
        if (mine.Count == 0)
        {
            return "";
        }

        FirewallHook[] hooks = [.. mine.Select(rule => rule.Hook).Distinct().Order()];
        var text = new StringBuilder($"*{Table}\n");
        foreach (FirewallHook hook in hooks)
        {
            text.Append(CultureInfo.InvariantCulture, $":{names.Chain(hook)} - [0:0]\n");
        }

        foreach (FirewallRule rule in mine.SelectMany(static rule => rule.Match.OnePerFlow().Select(match => rule with { Match = match })))
        {
            text.Append(CultureInfo.InvariantCulture, $"-A {names.Chain(rule.Hook)}");
            AppendMatch(text, rule.Match, ipVersion);
            text.Append(CultureInfo.InvariantCulture, $" -m comment --comment \"{owner}\"");
            AppendTarget(text, rule.Target);
            text.Append('\n');
        }

        foreach (FirewallHook hook in hooks)
        {
            text.Append(CultureInfo.InvariantCulture, $"-I {BuiltInChain(hook)} 1 -m comment --comment \"{owner}\" -j {names.Chain(hook)}\n");
        }

        return text.Append("COMMIT\n").ToString();
    }

    private static void AppendMatch(StringBuilder text, FirewallMatch match, int ipVersion)
    {
        if (match.Flow is { } flow)
        {
            int bits = ipVersion == 4 ? 32 : 128;
            text.Append(CultureInfo.InvariantCulture, $" -s {flow.Source.Address}/{bits} -d {flow.Destination.Address}/{bits} -p {flow.Protocol}");
            AppendPorts(text, flow);
        }

        if (match.ExceptMark is { } mark)
        {
            text.Append(CultureInfo.InvariantCulture, $" -m mark ! --mark 0x{mark:x}");
        }

        if (match.Bytecode is { } bytecode)
        {
            text.Append(CultureInfo.InvariantCulture, $" -m bpf --bytecode \"{Checked(bytecode)}\"");
        }
    }

    private static void AppendPorts(StringBuilder text, FlowKey flow)
    {
        const byte Tcp = 6;
        const byte Udp = 17;
        if (flow.Protocol is not (Tcp or Udp))
        {
            return;
        }

        text.Append(flow.Protocol == Tcp ? " -m tcp" : " -m udp");
        if (flow.Source.Port != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" --sport {flow.Source.Port}");
        }

        if (flow.Destination.Port != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" --dport {flow.Destination.Port}");
        }
    }

    private static void AppendTarget(StringBuilder text, FirewallTarget target)
    {
        if (target.Queue is not { } queue)
        {
            text.Append(" -j DROP");
            return;
        }

        text.Append(" -j NFQUEUE");
        if (target.QueueCount == 1)
        {
            text.Append(CultureInfo.InvariantCulture, $" --queue-num {queue}");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $" --queue-balance {queue}:{queue + target.QueueCount - 1}");
            text.Append(target.FanOut ? " --queue-cpu-fanout" : "");
        }

        if (target.Bypass)
        {
            text.Append(" --queue-bypass");
        }
    }

    // The text goes between quotes into a command line of iptables-restore: nothing but a program may stand there.
    private static string Checked(string bytecode) => bytecode.All(character => char.IsAsciiDigit(character) || character is ',' or ' ')
        ? bytecode
        : throw new ArgumentException($"'{bytecode}' is no BPF program as iptables takes it: numbers, commas and blanks.", nameof(bytecode));
}
