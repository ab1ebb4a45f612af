using System.Globalization;
using System.Text;

namespace Interceptor.Capture.Intercept;

/// <summary>One chain of ours as iptables-save or nft shows it.</summary>
/// <param name="Backend">The tool that showed it.</param>
/// <param name="IpVersion">4 or 6; 0 for both (nft).</param>
/// <param name="Table">The table it is in; for nft the family, <c>inet</c>.</param>
/// <param name="Name">Its name; for nft the table's and the chain's, <c>interceptor-4242-98765-x7k2q/output</c>.</param>
/// <param name="Owner">Whose it is.</param>
/// <param name="Rules">Its rules' texts with the packets each has matched.</param>
/// <param name="Jumps">The rules of other chains that lead to it; none where it was detached.</param>
public sealed record FirewallChain(
    FirewallBackend Backend,
    int IpVersion,
    string Table,
    string Name,
    FirewallOwner Owner,
    IReadOnlyList<(string Text, long Packets)> Rules,
    IReadOnlyList<string> Jumps)
{
    /// <summary>Finds our chains in the text of iptables-save -c.</summary>
    internal static List<FirewallChain> Parse(string saved, FirewallBackend backend, int ipVersion)
    {
        var chains = new List<FirewallChain>();
        foreach (string table in saved.Split("\n*").Select(part => part.TrimStart('*')))
        {
            string[] lines = table.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            string name = lines.FirstOrDefault(line => !line.StartsWith('#'))?.TrimStart('*') ?? "";
            foreach (string line in lines.Where(line => line.StartsWith(":" + FirewallScript.ChainPrefix, StringComparison.Ordinal)))
            {
                chains.Add(FromTable(lines, name, line[1..].Split(' ')[0], backend, ipVersion));
            }
        }

        return chains;
    }

    /// <summary>The text that removes the chains of one table: jumps first, so that traffic has left before a chain is emptied.</summary>
    internal static string RemovalScript(string table, IReadOnlyList<FirewallChain> chains)
    {
        StringBuilder text = Jumpless(table, chains);
        foreach (FirewallChain chain in chains)
        {
            text.Append(CultureInfo.InvariantCulture, $"-F {chain.Name}\n");
        }

        foreach (FirewallChain chain in chains)
        {
            text.Append(CultureInfo.InvariantCulture, $"-X {chain.Name}\n");
        }

        return text.Append("COMMIT\n").ToString();
    }

    /// <summary>The text that removes only the jumps.</summary>
    internal static string DetachScript(string table, IReadOnlyList<FirewallChain> chains) => Jumpless(table, chains).Append("COMMIT\n").ToString();

    private static StringBuilder Jumpless(string table, IReadOnlyList<FirewallChain> chains)
    {
        var text = new StringBuilder($"*{table}\n");
        foreach (string jump in chains.SelectMany(chain => chain.Jumps).Distinct())
        {
            text.Append(CultureInfo.InvariantCulture, $"-D{jump[2..]}\n");
        }

        return text;
    }

    private static FirewallChain FromTable(string[] lines, string table, string name, FirewallBackend backend, int ipVersion)
    {
        var rules = new List<(string Text, long Packets)>();
        var jumps = new List<string>();
        FirewallOwner? owner = null;
        foreach (string line in lines)
        {
            (string text, long packets) = SplitCounter(line);
            if (text.StartsWith($"-A {name} ", StringComparison.Ordinal))
            {
                rules.Add((text, packets));
                owner ??= OwnerIn(text);
            }
            else if (text.StartsWith("-A ", StringComparison.Ordinal) && IsJumpTo(text, name))
            {
                jumps.Add(text);
                owner ??= OwnerIn(text);
            }
        }

        return new FirewallChain(backend, ipVersion, table, name, owner ?? OwnerFromName(name), rules, jumps);
    }

    private static bool IsJumpTo(string text, string name) =>
        text.EndsWith($" -j {name}", StringComparison.Ordinal) || text.EndsWith($" -g {name}", StringComparison.Ordinal);

    // [12:3400] -A CHAIN ...
    private static (string Text, long Packets) SplitCounter(string line)
    {
        int colon = line.IndexOf(':');
        int end = line.IndexOf("] ", StringComparison.Ordinal);
        return line.StartsWith('[') && colon > 0 && end > colon && long.TryParse(line.AsSpan(1, colon - 1), NumberStyles.None, null, out long packets)
            ? (line[(end + 2)..], packets)
            : (line, 0);
    }

    /// <summary>Whom a rule's comment names; null for none of ours.</summary>
    /// <param name="text">The rule.</param>
    /// <param name="option">What stands before the comment.</param>
    internal static FirewallOwner? OwnerIn(string text, string option = "--comment ")
    {
        int at = text.IndexOf(option, StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        string rest = text[(at + option.Length)..];
        string comment = rest.StartsWith('"') ? rest[1..].Split('"')[0] : rest.Split(' ')[0];
        return FirewallOwner.TryParse(comment, out FirewallOwner owner) ? owner : null;
    }

    private static FirewallOwner OwnerFromName(string name)
    {
        string pid = name[FirewallScript.ChainPrefix.Length..].Split('-')[0];
        return new FirewallOwner(int.TryParse(pid, NumberStyles.None, null, out int number) ? number : 0, 0, null);
    }
}
