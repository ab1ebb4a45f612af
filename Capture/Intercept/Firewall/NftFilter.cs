using System.Globalization;
using System.Text.RegularExpressions;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>What of a filter nft can say without a program: protocol, and port and address of one side. It takes at least what the filter matches. Pure.</summary>
internal static partial class NftFilter
{
    /// <summary>The matches of a rule, each with a blank before it; empty where there is none.</summary>
    /// <param name="expression">The filter; null for none.</param>
    internal static string Translate(string? expression) =>
        expression is null ? "" : string.Concat(FilterConjunction.Terms(expression).Select(TranslateTerm).Distinct());

    private static string TranslateTerm(string term)
    {
        Match match = Simple().Match(term);
        if (!match.Success)
        {
            return "";
        }

        string protocol = match.Groups["protocol"].Value;
        string matches = protocol switch
        {
            "" => "",
            "ip" => " meta nfproto ipv4",
            "ip6" => " meta nfproto ipv6",
            "icmp6" => " meta l4proto ipv6-icmp",
            _ => $" meta l4proto {protocol}",
        };
        bool isSource = match.Groups["side"].Value == "src";
        string value = match.Groups["value"].Value;
        if (match.Groups["side"].Success && match.Groups["type"].Value == "port" && protocol is "tcp" or "udp"
            && ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            matches += string.Create(CultureInfo.InvariantCulture, $" {protocol} {(isSource ? "sport" : "dport")} {port}");
        }
        else if (match.Groups["side"].Success && match.Groups["type"].Value == "host" && IpAddress.TryParse(value, out IpAddress address))
        {
            string family = address.Version == 4 ? "ip" : "ip6";
            matches += $" {family} {(isSource ? "saddr" : "daddr")} {address}";
        }

        return matches;
    }

    [GeneratedRegex(@"^(?<protocol>ip|ip6|tcp|udp|icmp|icmp6|sctp)?\s*((?<side>src|dst)\s+)?((?<type>host|net|port|portrange)\s+(?<value>\S+))?$")]
    private static partial Regex Simple();
}
