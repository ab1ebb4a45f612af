using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay.Sides;

namespace Interceptor.Cli.Replaying;

/// <summary>What <c>--sides</c> says: <c>auto</c>, a side file, networks, hardware addresses or a filter; told by its form, or by a word in front.</summary>
internal static class SideChoice
{
    /// <summary>The table; null for <c>auto</c>, which is learned from the packets.</summary>
    /// <exception cref="UsageException">It is none of them.</exception>
    /// <exception cref="SideFileException">The file can't be used.</exception>
    internal static SideTable? Read(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string rest = text[(colon + 1)..];
        return (colon < 0 ? text : text[..colon]) switch
        {
            "auto" when colon < 0 => null,
            "file" when colon > 0 => SideFile.Read(rest),
            "filter" when colon > 0 => ForFilter(rest, $"'{rest}' is no filter"),
            "cidr" when colon > 0 => ForNetworks(rest) ?? throw new UsageException($"--sides: '{rest}' is no list of networks, as 192.0.2.0/24,2001:db8::/32."),
            "mac" when colon > 0 => ForMacs(rest) ?? throw new UsageException($"--sides: '{rest}' is no list of hardware addresses, as 02:00:5e:00:53:01,02:00:5e:00:53:02."),
            _ when FileStatus.Of(text) is { IsDirectory: false } => SideFile.Read(text),
            _ => ForNetworks(text) ?? ForMacs(text) ?? ForFilter(text, $"'{text}' is not auto, no file, no list of networks or hardware addresses, and no filter"),
        };
    }

    private static SideTable? ForNetworks(string text)
    {
        var networks = new List<IpNetwork>();
        foreach (string each in text.Split(','))
        {
            // tcpprep writes IPv6 networks in brackets.
            string bare = each.Trim();
            bare = bare.StartsWith('[') && bare.EndsWith(']') ? bare[1..^1] : bare;
            if (!IpNetwork.TryParse(bare, out IpNetwork network))
            {
                return null;
            }

            networks.Add(network);
        }

        return SideTable.ForClientNetworks(networks);
    }

    private static SideTable? ForMacs(string text)
    {
        var addresses = new List<MacAddress>();
        foreach (string each in text.Split(','))
        {
            if (!MacAddress.TryParse(each.Trim(), out MacAddress address))
            {
                return null;
            }

            addresses.Add(address);
        }

        return SideTable.ForClientMacs(addresses);
    }

    private static SideTable ForFilter(string expression, string otherwise)
    {
        if (string.IsNullOrWhiteSpace(expression))
        {
            throw new UsageException("--sides: an empty filter would make every packet the client's: leave -I and --sides away.");
        }

        try
        {
            _ = PacketFilter.Compile(expression, LinkType.Ethernet);
        }
        catch (FilterSyntaxException exception)
        {
            throw new UsageException($"--sides: {otherwise} ({exception.Message}). file:, filter:, cidr: or mac: before it says which it is.");
        }

        return SideTable.ForFilter(expression);
    }
}
