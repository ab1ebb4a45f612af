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
    [InlineData(false, 0.995)]
    [InlineData(true, 0.99)]
    public void Our_lines_are_tcpdumps(bool verbose, double required)
    {
        KernelTest.RequireTool("tcpdump");
        string folder = Path.Combine(ProjectPaths.RequireSharedCaptures(), "good");
        var formatter = new PacketFormatter(new PacketFormatOptions { Verbose = verbose });
        var differences = new StringBuilder();
        int compared = 0;
        int equal = 0;
        foreach (string path in Directory.EnumerateFiles(folder).Where(file => file.Contains(".pcap", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            List<string> theirs = RunTcpdump(path, verbose);
            int index = 0;
            using CaptureFileReader reader = CaptureFile.OpenRead(path);
            while (index < theirs.Count && reader.TryRead(out CapturedPacket packet))
            {
                if (!Dissected.Contains(packet.Metadata.LinkType))
                {
                    break;
                }

                PacketView view = packet.Parse();
                string their = theirs[index++];
                if (IsBeyondUs(view, their) || (verbose && IsTunnel(view)))
                {
                    continue;
                }

                compared++;
                string ours = formatter.Summarize(view).ToString().Replace("\n    ", "", StringComparison.Ordinal);
                if (Agree(ours, their))
                {
                    equal++;
                }
                else if (differences.Length < 60_000)
                {
                    differences.Append(Path.GetFileName(path)).Append(' ').Append(index).Append("\n  theirs: ").Append(their).Append("\n  ours:   ").Append(ours).Append('\n');
                }
            }
        }

        output.WriteLine($"{equal} of {compared} lines agree ({100.0 * equal / compared:F3} %).");
        output.WriteLine(differences.ToString());
        Assert.True(compared > 100_000, $"only {compared} lines were compared");
        Assert.True(equal >= required * compared, $"{equal} of {compared} lines agree\n{differences}");
    }

    [Theory]
    [InlineData(false, false, HexDumpStyle.None)]
    [InlineData(true, false, HexDumpStyle.Hex)]
    [InlineData(false, true, HexDumpStyle.HexWithLink)]
    [InlineData(true, true, HexDumpStyle.HexAndText)]
    public void Our_own_packets_are_printed_character_for_character_as_tcpdump_does(bool verbose, bool linkHeader, HexDumpStyle hexDump)
    {
        KernelTest.RequireTool("tcpdump");
        List<string> options = ["-nn", "-S", "-t", .. verbose ? ["-v"] : Array.Empty<string>(), .. linkHeader ? ["-e"] : Array.Empty<string>()];
        options.AddRange(hexDump switch { HexDumpStyle.Hex => ["-x"], HexDumpStyle.HexWithLink => ["-xx"], HexDumpStyle.HexAndText => ["-X"], _ => Array.Empty<string>() });
        var formatter = new PacketFormatter(new PacketFormatOptions { Verbose = verbose, LinkHeader = linkHeader, HexDump = hexDump });
        var differences = new StringBuilder();
        foreach (Dissections.Sample sample in Dissections.All().Where(sample => !sample.IsMalformed && !IsPrintedOurWay(sample.Name, verbose, linkHeader)))
        {
            string path = Path.Combine(Path.GetTempPath(), $"interceptor-{Guid.NewGuid():N}.pcap");
            try
            {
                using (CaptureFileWriter writer = CaptureFile.Create(path))
                {
                    writer.Write(new CapturedPacket(
                        sample.Data, new PacketMetadata { LinkType = sample.LinkType, OriginalLength = sample.Data.Length, HasTimestamp = true }));
                }

                string ours = formatter.Format(PacketView.Parse(sample.Data, sample.LinkType)).ToString();
                string theirs = string.Join('\n', ReadTcpdump([.. options, "-r", path]));
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

    // tcpdump decodes DHCP, prints SLL2's interface by the name it has on this machine, does not know accurate ECN, verbose ICMPv6 in an order
    // of its own, and tunnels on lines of their own.
    private static bool IsPrintedOurWay(string name, bool verbose, bool linkHeader) =>
        name is "udp-in-two-tags" or "cooked2" or "tcp-every-flag" || (verbose && name.StartsWith("icmpv6", StringComparison.Ordinal))
        || ((verbose || linkHeader) && name is ("mpls" or "pppoe" or "gre-with-key"));

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

    private static List<string> RunTcpdump(string path, bool verbose)
    {
        var lines = new List<string>();
        foreach (string line in ReadTcpdump(["-nn", "-S", "-t", .. verbose ? ["-v"] : Array.Empty<string>(), "-r", path]))
        {
            // Four blanks continue the line of the IP header, a tab begins decoded text, anything else is a new packet.
            if (line.StartsWith("    ", StringComparison.Ordinal) && lines.Count > 0)
            {
                lines[^1] += line[4..];
            }
            else if (line.Length > 0 && line[0] != '\t')
            {
                lines.Add(line);
            }
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
