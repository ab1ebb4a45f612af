using System.Text.RegularExpressions;
using Interceptor.Packets;

namespace Interceptor.Filters;

/// <summary>
/// What a long filter has joined by <c>and</c>: a shorter filter that takes at least as much, for a kernel that can't run the whole one. Pure, but for compiling.
/// <para>pcap-filter gives <c>and</c> and <c>or</c> the same precedence, from left to right, and lets a part inherit qualifiers from what stands before it
/// (<c>tcp port 80 or 443</c>). So everything before an <c>and</c> means the same by itself, and what follows one does if it names its qualifiers.</para>
/// </summary>
public static partial class FilterConjunction
{
    private const int MaxTrials = 64;

    /// <summary>The most of a filter that fits; null where no part of it does, or none can be told apart.</summary>
    /// <param name="filter">The whole.</param>
    /// <param name="fits">What the kernel takes.</param>
    public static PacketFilter? Shorten(PacketFilter filter, Func<BpfProgram, bool> fits)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(fits);
        string text = WithoutParentheses(filter.Expression);
        PacketFilter? best = null;
        bool isWhole = true;
        int trials = 0;
        foreach ((int start, int end) in Parts(text))
        {
            string part = text[start..end].Trim();
            string? candidate = isWhole ? text[..end].Trim()
                : !StandsAlone(text, part) ? null
                : best is null ? part : $"{best.Expression} and {part}";
            if (candidate is null || trials++ == MaxTrials)
            {
                continue;
            }

            if (TryCompile(candidate, filter.LinkType) is { } shorter && fits(shorter.Program))
            {
                best = shorter;
            }
            else
            {
                isWhole = false;
            }
        }

        return best;
    }

    /// <summary>The parts joined by <c>and</c> that mean the same by themselves, as <c>tcp dst port 80</c>.</summary>
    public static IReadOnlyList<string> Terms(string expression)
    {
        ArgumentNullException.ThrowIfNull(expression);
        string text = WithoutParentheses(expression);
        return [.. Parts(text).Select(part => text[part.Start..part.End].Trim()).Where(part => StandsAlone(text, part))];
    }

    // The first part reaches from the start to the first "and" behind the last "or"; the others stand between "and"s.
    private static List<(int Start, int End)> Parts(string text)
    {
        var parts = new List<(int Start, int End)>();
        int start = 0;
        int depth = 0;
        string previous = "";
        foreach (Match token in Token().Matches(text))
        {
            depth += token.Value is "(" or "[" ? 1 : token.Value is ")" or "]" ? -1 : 0;

            // "src or dst port 80" is one qualifier.
            bool isOperator = depth == 0 && previous is not ("src" or "dst");
            if (isOperator && token.Value is "or" or "||")
            {
                parts.Clear();
                start = 0;
            }
            else if (isOperator && token.Value is "and" or "&&")
            {
                parts.Add((start, token.Index));
                start = token.Index + token.Length;
            }

            previous = token.Value;
        }

        parts.Add((start, text.Length));
        return parts;
    }

    // What follows these is looked for at another place in the packet.
    private static bool StandsAlone(string text, string part) => Alone().IsMatch(part) && !Encapsulation().IsMatch(text);

    private static string WithoutParentheses(string expression)
    {
        string text = expression.Trim();
        while (text.StartsWith('(') && ClosingOf(text) == text.Length - 1)
        {
            text = text[1..^1].Trim();
        }

        return text;
    }

    private static int ClosingOf(string text)
    {
        int depth = 0;
        for (int i = 0; i < text.Length; i++)
        {
            depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
            if (depth == 0)
            {
                return i;
            }
        }

        return -1;
    }

    private static PacketFilter? TryCompile(string expression, LinkType linkType)
    {
        try
        {
            return PacketFilter.Compile(expression, linkType);
        }
        catch (FilterSyntaxException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"&&|\|\||[()\[\]]|[^\s()\[\]&|]+|[&|]")]
    private static partial Regex Token();

    [GeneratedRegex(@"^((ip|ip6|tcp|udp|icmp|icmp6|sctp)(\s+(src|dst))?\s+)?((src|dst)\s+)?(host|net|port|portrange)\s+[^\s()!&|\[\]]+$|^(ip|ip6|tcp|udp|icmp|icmp6|sctp)$|^(less|greater)\s+[0-9]+$")]
    private static partial Regex Alone();

    [GeneratedRegex(@"\b(vlan|mpls|pppoed|pppoes|geneve|vxlan|llc)\b")]
    private static partial Regex Encapsulation();
}
