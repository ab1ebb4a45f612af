using System.Globalization;
using System.Text;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// A <see cref="SideTable"/> as text that a person can read and edit: UTF-8, a first line with the version, then a rule in each line; the order of the lines
/// means nothing but to filters. What stands behind a # that begins a word is a comment.
/// </summary>
public static class SideFile
{
    /// <summary>The first line.</summary>
    public const string Header = "interceptor sides 1";

    private const string HeaderOfAnyVersion = "interceptor sides ";
    private const string Explanation = """
        # Which side of a two-sided replay each packet comes from: a client's leave by -i, a server's by -I.
        #   client 192.0.2.1          a host, or a network as 192.0.2.0/24
        #   server tcp 192.0.2.2:80   a host's TCP or UDP port
        #   client mac 02:00:5e:00:53:01
        #   client filter icmp        an expression of pcap-filter
        #   flow tcp 192.0.2.1:49152 > 192.0.2.2:80   one conversation, its client first
        #   default client            all the rest
        # Filters count first, in their order; then a flow, a port, the smallest network, a hardware address.
        # What is said of where a packet comes from goes before what is said of where it goes to.
        """;

    /// <summary>Reads a file.</summary>
    /// <exception cref="SideFileException">It can't be read, or a line makes no sense.</exception>
    public static SideTable Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            using var reader = new StreamReader(path, Encoding.UTF8);
            return Read(reader, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SideFileException(path, 0, $"the side file can't be read: {exception.Message}", exception);
        }
    }

    /// <summary>Reads text.</summary>
    /// <param name="reader">The text.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="SideFileException">A line makes no sense.</exception>
    public static SideTable Read(TextReader reader, string name)
    {
        ArgumentNullException.ThrowIfNull(reader);
        CheckHeader(reader, name);
        var table = new SideTable();
        for (int number = 2; reader.ReadLine() is { } line; number++)
        {
            string rule = WithoutComment(line);
            if (rule.Length > 0 && SideFileLine.Add(rule, table) is { } reason)
            {
                throw new SideFileException(name, number, reason);
            }
        }

        return table;
    }

    /// <summary>Writes what <see cref="Read(TextReader, string)"/> reads, hosts and addresses in their order.</summary>
    public static void Write(SideTable table, TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(writer);
        writer.NewLine = "\n";
        writer.WriteLine(Header);
        writer.WriteLine(Explanation);
        foreach ((LinkTypeFilter filter, PacketSide side) in table.Filters)
        {
            writer.WriteLine($"{NameOf(side)} filter {filter.Expression}");
        }

        foreach ((IpNetwork network, PacketSide side) in table.Networks
            .OrderBy(static rule => rule.Value).ThenBy(static rule => rule.Key.Address.Version).ThenBy(static rule => rule.Key.Address.Bits).ThenBy(static rule => rule.Key.PrefixLength))
        {
            writer.WriteLine($"{NameOf(side)} {network}");
        }

        foreach (((FlowEndpoint endpoint, byte protocol), PacketSide side) in table.Endpoints)
        {
            writer.WriteLine($"{NameOf(side)} {SideFileLine.NameOfProtocol(protocol)} {endpoint}");
        }

        foreach ((MacAddress address, PacketSide side) in table.Macs.OrderBy(static rule => rule.Value).ThenBy(static rule => rule.Key.Bits))
        {
            writer.WriteLine($"{NameOf(side)} mac {address}");
        }

        foreach (FlowKey flow in table.Flows)
        {
            writer.WriteLine(flow.Protocol is IpProtocol.Tcp or IpProtocol.Udp
                ? $"flow {SideFileLine.NameOfProtocol(flow.Protocol)} {flow.Source} > {flow.Destination}"
                : string.Create(CultureInfo.InvariantCulture, $"flow {flow.Protocol} {flow.Source.Address} > {flow.Destination.Address}"));
        }

        if (table.Fallback != PacketSide.Unknown)
        {
            writer.WriteLine($"default {NameOf(table.Fallback)}");
        }
    }

    /// <summary>Read by character: a file of another kind may have no line at all.</summary>
    private static void CheckHeader(TextReader reader, string name)
    {
        var first = new StringBuilder(Header.Length);
        int next = reader.Read();
        while (next is not (-1 or '\n') && first.Length <= Header.Length + 1)
        {
            first.Append((char)next);
            next = reader.Read();
        }

        string line = first.ToString().TrimEnd();
        if (line == Header)
        {
            return;
        }

        throw new SideFileException(name, 1, line.StartsWith(HeaderOfAnyVersion, StringComparison.Ordinal)
            ? $"'{line}' is a version that this program does not know: it reads '{Header}'"
            : $"this is no side file: its first line is not '{Header}'. To make one: interceptor replay CAPTURE --sides auto --dry-run --write-sides FILE");
    }

    private static string WithoutComment(string line)
    {
        int start = line.StartsWith('#') ? 0 : line.IndexOf(" #", StringComparison.Ordinal);
        start = start < 0 ? line.IndexOf("\t#", StringComparison.Ordinal) : start;
        return (start < 0 ? line : line[..start]).Trim();
    }

    private static string NameOf(PacketSide side) => side == PacketSide.Client ? "client" : "server";
}
