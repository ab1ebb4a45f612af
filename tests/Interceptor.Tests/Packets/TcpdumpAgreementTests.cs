using System.Diagnostics;
using System.Text;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Packets;

/// <summary>Our lines beside those of the tcpdump that is installed, over the shared captures.</summary>
public class TcpdumpAgreementTests(ITestOutputHelper output)
{
    // Links that are carried through and not dissected; what tcpdump says of them is not ours to match.
    private static readonly HashSet<LinkType> Dissected =
    [
        LinkType.Null, LinkType.Ethernet, LinkType.RawBsd, LinkType.RawOpenBsd, LinkType.Raw, LinkType.Loop, LinkType.LinuxCooked, LinkType.Ipv4, LinkType.Ipv6,
    ];

    [Theory]
    [InlineData("-t")]
    [InlineData("-tS")]
    [InlineData("-tq")]
    [InlineData("-tv")]
    [InlineData("-tvv")]
    public void Our_lines_are_tcpdumps(string letters)
    {
        KernelTest.RequireTool("tcpdump");
        string folder = Path.Combine(ProjectPaths.RequireSharedCaptures(), "good");
        PacketFormatOptions format = FormatOf(letters);
        var counts = new SortedDictionary<string, (int Equal, int Compared)>(StringComparer.Ordinal);
        var differences = new StringBuilder();
        foreach (string path in Directory.EnumerateFiles(folder).Where(file => file.Contains(".pcap", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            Compare(path, letters, format, counts, differences);
        }

        foreach ((string protocol, (int same, int all)) in counts)
        {
            output.WriteLine($"{protocol,-24} {same,7} of {all,7} lines agree ({100.0 * same / all:F3} %)");
        }

        output.WriteLine(differences.ToString());
        // Known differences are in docs/notation.md; what is compared without any is required without any.
        (int Equal, int Compared) Sum(string protocol) => counts.Where(each => each.Key.EndsWith(protocol, StringComparison.Ordinal))
            .Aggregate((0, 0), (sum, each) => (sum.Item1 + each.Value.Equal, sum.Item2 + each.Value.Compared));
        (int tcp, int allTcp) = Sum(" Tcp");
        Assert.True(allTcp > 140_000, $"only {allTcp} lines of TCP were compared");
        Assert.True(tcp == allTcp, $"{tcp} of {allTcp} lines of TCP agree\n{differences}");
        foreach (string protocol in (string[])[" Arp", " Udp", " Icmp", " Ipv6Fragment"])
        {
            (int equal, int compared) = Sum(protocol);
            Assert.True(compared > 0 && equal >= 0.94 * compared, $"{equal} of {compared} lines of{protocol} agree\n{differences}");
        }
    }

    [Theory]
    [InlineData("-t")]
    [InlineData("-tvx")]
    [InlineData("-texx")]
    [InlineData("-tevvX")]
    [InlineData("-tSqXX")]
    [InlineData("-tqeA")]
    [InlineData("-tvvSAA")]
    public void Our_own_packets_are_printed_character_for_character_as_tcpdump_does(string letters)
    {
        KernelTest.RequireTool("tcpdump");
        PacketFormatOptions format = FormatOf(letters);
        var differences = new StringBuilder();
        foreach (Dissections.Sample sample in Dissections.All().Where(sample => !sample.IsMalformed && !IsPrintedOurWay(sample.Name, format)))
        {
            string path = Path.Combine(Path.GetTempPath(), $"interceptor-{Guid.NewGuid():N}.pcap");
            try
            {
                using (CaptureFileWriter writer = CaptureFile.Create(path))
                {
                    writer.Write(new CapturedPacket(
                        sample.Data, new PacketMetadata { LinkType = sample.LinkType, OriginalLength = sample.Data.Length, HasTimestamp = true }));
                }

                string ours = new PacketFormatter(format).Format(PacketView.Parse(sample.Data, sample.LinkType)).ToString();
                string theirs = string.Join('\n', ReadTcpdump(["-nn", letters, "-r", path]));
                if (ours.TrimEnd() != theirs.TrimEnd())
                {
                    differences.Append(sample.Name).Append("\ntheirs: ").Append(theirs).Append("\nours:   ").Append(ours).Append('\n');
                }
            }
            finally
            {
                File.Delete(path);
            }
        }

        Assert.True(differences.Length == 0, differences.ToString());
    }

    // tcpdump decodes DHCP, prints SLL2's interface by the name it has on this machine, does not know accurate ECN, the options of neighbour discovery, and tunnels on lines of their own.
    private static bool IsPrintedOurWay(string name, PacketFormatOptions format) =>
        name is "udp-in-two-tags" or "cooked2" or "tcp-every-flag" || (format.Verbosity > 0 && name is "icmpv6-neighbor-solicitation")
        || ((format.Verbosity > 0 || format.LinkHeader) && name is ("mpls" or "pppoe" or "gre-with-key"));

    /// <summary>Protocols that we name by number and tcpdump decodes: what remains is a line that both are meant to print.</summary>
    private static bool IsBeyondUs(in PacketView view, string theirs)
    {
        LayerKind kind = view.Innermost.Kind;
        bool isEnd = kind is LayerKind.Tcp or LayerKind.Udp or LayerKind.Icmp or LayerKind.Icmpv6 or LayerKind.Arp;
        bool isLaterFragment = theirs.Contains("ip-proto-", StringComparison.Ordinal) || theirs.EndsWith(')');
        return view.Fault == PacketFault.None && !isEnd && !isLaterFragment && !IsTunnel(view);
    }

    // Verbose, tcpdump breaks the line at each of these, which joins its lines wrongly here.
    private static bool IsTunnel(in PacketView view) => view.Innermost.Kind != LayerKind.Udp && Encapsulation.TryFindInner(view, out _);

    private static PacketFormatOptions FormatOf(string letters)
    {
        int Count(char letter) => letters.Count(each => each == letter);
        return new PacketFormatOptions
        {
            Verbosity = Count('v'),
            Quiet = Count('q') > 0,
            LinkHeader = Count('e') > 0,
            AbsoluteSequenceNumbers = Count('S') > 0,
            HexDump = (Count('X'), Count('x'), Count('A')) switch
            {
                (1, _, _) => HexDumpStyle.HexAndText,
                (2, _, _) => HexDumpStyle.HexAndTextWithLink,
                (_, 1, _) => HexDumpStyle.Hex,
                (_, 2, _) => HexDumpStyle.HexWithLink,
                (_, _, 1) => HexDumpStyle.Text,
                (_, _, 2) => HexDumpStyle.TextWithLink,
                _ => HexDumpStyle.None,
            },
        };
    }

    private static void Compare(
        string path, string letters, PacketFormatOptions format, SortedDictionary<string, (int Equal, int Compared)> counts, StringBuilder differences)
    {
        var formatter = new PacketFormatter(format);
        List<string> theirs = RunTcpdump(path, letters);
        int index = 0;
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        while (index < theirs.Count && reader.TryRead(out CapturedPacket packet) && Dissected.Contains(packet.Metadata.LinkType))
        {
            PacketView view = packet.Parse();
            string their = theirs[index++];
            string ours = Join(formatter.Summarize(view).ToString().Split('\n'))[0];
            if (IsBeyondUs(view, their) || (format.Verbosity > 0 && IsTunnel(view)))
            {
                continue;
            }

            bool agrees = Agree(ours, their);
            string protocol = KnownDifference(view, format) ?? ProtocolOf(view);
            (int equal, int compared) = counts.GetValueOrDefault(protocol);
            counts[protocol] = (equal + (agrees ? 1 : 0), compared + 1);
            if (!agrees && differences.Length < 60_000 && !protocol.StartsWith('('))
            {
                differences.Append(Path.GetFileName(path)).Append(' ').Append(index).Append("\n  theirs: ").Append(their).Append("\n  ours:   ").Append(ours).Append('\n');
            }
        }
    }

    /// <summary>What docs/notation.md says that we print otherwise, so that it is counted apart.</summary>
    private static string? KnownDifference(in PacketView view, PacketFormatOptions format)
    {
        if (!view.TryGetTcp(out TcpView tcp) || format.Quiet)
        {
            return null;
        }

        if ((tcp.Flags & TcpFlags.Ae) != 0)
        {
            return "(accurate ECN)";
        }

        foreach (TcpOption option in tcp.EnumerateOptions())
        {
            if ((int)option.Kind == 30)
            {
                return "(MPTCP)";
            }
        }

        return format.Verbosity > 0 && view.TryGetIpv6Fragment(out Ipv6FragmentView fragment) && fragment.IsAtomic ? "(atomic fragment)" : null;
    }

    private static string ProtocolOf(in PacketView view)
    {
        string link = view.LinkType == LinkType.Ethernet ? "Ethernet" : "other";
        string network = view.TryGetIpv4(out _) ? "IPv4" : view.TryGetIpv6(out _) ? "IPv6" : "";
        return $"{link} {network} {view.Innermost.Kind}";
    }

    /// <summary>Equal, but for what tcpdump adds after TCP's length and says in place of UDP's.</summary>
    private static bool Agree(string ours, string theirs)
    {
        if (theirs.StartsWith(ours, StringComparison.Ordinal))
        {
            return theirs.Length == ours.Length || theirs[ours.Length] is ':' or ' ';
        }

        int udp = ours.IndexOf("UDP, length ", StringComparison.Ordinal);
        int sum = ours.IndexOf("[udp sum ok]", StringComparison.Ordinal);
        int common = sum > 0 ? sum : udp;
        return udp > 0 && theirs.StartsWith(ours[..common].TrimEnd(), StringComparison.Ordinal);
    }

    private static List<string> RunTcpdump(string path, string letters) => Join(ReadTcpdump(["-nn", letters, "-r", path]));

    /// <summary>Four blanks continue the line of the IP header, a tab begins decoded text, VXLAN is followed by what is in it; anything else is a new packet.</summary>
    private static List<string> Join(IEnumerable<string> printed)
    {
        var lines = new List<string>();
        bool isInner = false;
        foreach (string line in printed)
        {
            if (isInner || (line.StartsWith("    ", StringComparison.Ordinal) && lines.Count > 0))
            {
                lines[^1] += line[4..];
            }
            else if (line.Length > 0 && line[0] != '\t')
            {
                lines.Add(line);
            }

            isInner = line.Contains(": VXLAN, flags", StringComparison.Ordinal) && !isInner;
        }

        return lines;
    }

    private static List<string> ReadTcpdump(string[] arguments)
    {
        var start = new ProcessStartInfo("tcpdump", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.Latin1 };
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var lines = new List<string>();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            lines.Add(line);
        }

        process.WaitForExit();
        return lines;
    }
}
