using System.Globalization;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>One rule of a side file.</summary>
internal static class SideFileLine
{
    private const string Known = "a line begins with client, server, flow or default";

    /// <summary>Puts the rule into the table. Null, or why it can't be: a clause with what to do.</summary>
    internal static string? Add(string line, SideTable table)
    {
        string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words[0] switch
        {
            "client" => AddSide(line, words, PacketSide.Client, table),
            "server" => AddSide(line, words, PacketSide.Server, table),
            "flow" => AddFlow(line, words, table),
            "default" => AddDefault(line, words, table),
            _ => $"'{line}' is no rule: {Known}",
        };
    }

    internal static string NameOfProtocol(byte protocol) => protocol switch
    {
        IpProtocol.Tcp => "tcp",
        IpProtocol.Udp => "udp",
        _ => protocol.ToString(CultureInfo.InvariantCulture),
    };

    private static string? AddSide(string line, string[] words, PacketSide side, SideTable table)
    {
        switch (words)
        {
            case [_, "filter", _, ..]:
                return AddFilter(string.Join(' ', words[2..]), side, table);
            case [_, "mac", var text]:
                return !MacAddress.TryParse(text, out MacAddress mac) ? $"'{text}' is no hardware address: write it as 02:00:5e:00:53:01"
                    : Judge(table.TryAdd(mac, side), line);
            case [_, "tcp" or "udp", var text]:
                byte protocol = words[1] == "tcp" ? IpProtocol.Tcp : IpProtocol.Udp;
                return !FlowEndpoint.TryParse(text, out FlowEndpoint endpoint) ? $"'{text}' is no address with a port: write it as 192.0.2.2:80 or [2001:db8::2]:80"
                    : Judge(table.TryAdd(in endpoint, protocol, side), line);
            case [_, var text]:
                return !IpNetwork.TryParse(text, out IpNetwork network)
                    ? $"'{text}' is no address or network: write it as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32; or mac, tcp, udp or filter with what belongs to it"
                    : Judge(table.TryAdd(network, side), line);
            default:
                return $"'{line}' is no rule: behind {words[0]} comes an address or network; or mac, tcp, udp or filter with what belongs to it";
        }
    }

    private static string? AddFilter(string expression, PacketSide side, SideTable table)
    {
        var filter = new LinkTypeFilter(expression);
        try
        {
            // An expression may make sense on another link type only; then its first packet tells.
            _ = filter.ForLinkType(LinkType.Ethernet);
        }
        catch (FilterSyntaxException exception) when (exception.Message.Contains("syntax error", StringComparison.Ordinal))
        {
            return $"{exception.Message}; correct the expression (man pcap-filter)";
        }
        catch (FilterSyntaxException)
        {
            // Asked again for the link type of the packets.
        }

        table.Add(filter, side);
        return null;
    }

    private static string? AddFlow(string line, string[] words, SideTable table)
    {
        if (words is not [_, var protocolText, var source, ">", var destination])
        {
            return $"'{line}' is no flow: write flow tcp 192.0.2.1:49152 > 192.0.2.2:80, the client first";
        }

        bool hasPorts = protocolText is "tcp" or "udp";
        byte protocol = protocolText == "tcp" ? IpProtocol.Tcp : IpProtocol.Udp;
        if (!hasPorts && (!byte.TryParse(protocolText, NumberStyles.None, CultureInfo.InvariantCulture, out protocol) || protocol is IpProtocol.Tcp or IpProtocol.Udp))
        {
            return $"'{protocolText}' is no protocol of a flow: write tcp, udp or the number of another IP protocol, as 47";
        }

        if (!TryParseEnd(source, hasPorts, out FlowEndpoint client) || !TryParseEnd(destination, hasPorts, out FlowEndpoint server) || client.Address.Version != server.Address.Version)
        {
            return hasPorts
                ? $"'{source} > {destination}' are no two addresses of one version with ports: write 192.0.2.1:49152 > 192.0.2.2:80 or [2001:db8::1]:49152 > [2001:db8::2]:80"
                : $"'{source} > {destination}' are no two addresses of one version: write 192.0.2.1 > 192.0.2.2";
        }

        return Judge(table.TryAdd(new FlowKey(client, server, protocol)), line);
    }

    private static bool TryParseEnd(string text, bool hasPort, out FlowEndpoint endpoint)
    {
        if (hasPort)
        {
            return FlowEndpoint.TryParse(text, out endpoint);
        }

        bool isAddress = IpAddress.TryParse(text, out IpAddress address);
        endpoint = new FlowEndpoint(address, 0);
        return isAddress;
    }

    private static string? AddDefault(string line, string[] words, SideTable table)
    {
        PacketSide side = words is [_, var name] ? name switch { "client" => PacketSide.Client, "server" => PacketSide.Server, _ => PacketSide.Unknown } : PacketSide.Unknown;
        return side == PacketSide.Unknown ? $"'{line}' is no default: write default client or default server" : Judge(table.TrySetFallback(side), line);
    }

    private static string? Judge(bool isAdded, string line) => isAdded ? null : $"'{line}' says the opposite of a line before it: take one of the two away";
}
