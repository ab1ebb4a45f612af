using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Filters;

/// <summary>Every link type that has a name here, put to tcpdump and to libpcap.</summary>
public sealed partial class LinkTypeAgreementTests
{
    /// <summary>libpcap has two names for it, without and with <c>_WITHFCS</c>, and which one it says depends on its version.</summary>
    private const int Ieee802154 = 195;

    private static readonly string[] Expressions = ["ip", "tcp port 80", "ip6 and len > 100", "host 192.0.2.1 or udp[4:2] * 2 > 40"];

    private static IEnumerable<LinkType> Named => Enumerable.Range(0, 400).Select(static number => (LinkType)number)
        .Where(static linkType => !linkType.GetName().StartsWith("LINKTYPE_", StringComparison.Ordinal));

    /// <summary>libpcap on Linux does not know OpenBSD's number for raw IP, and we do.</summary>
    [Fact]
    public void Names_and_programs_are_those_of_tcpdump_for_a_file_of_that_link_type()
    {
        KernelTest.RequireTool("tcpdump");
        string path = Path.Combine(Directory.CreateTempSubdirectory("interceptor-link-types-").FullName, "empty.pcap");
        try
        {
            int compiled = 0;
            var otherNames = new List<string>();
            foreach (LinkType linkType in Named.Where(static each => each != LinkType.RawOpenBsd))
            {
                File.WriteAllBytes(path, EmptyCapture(linkType));
                if (NameIn(Tcpdump("-r", path).Error) is { } name && name != linkType.GetName() && (int)linkType != Ieee802154)
                {
                    otherNames.Add($"{(int)linkType} {linkType.GetName()}, tcpdump {name}");
                }

                ChildResult theirs = Tcpdump("-d", "-r", path, Expressions[1]);
                string? ours = TryCompile(Expressions[1], linkType)?.ToString();
                Assert.True(theirs.ExitCode == 0 == ours is not null, $"{linkType.GetName()}: ours '{ours}', tcpdump: {theirs}");
                Assert.True(ours is null || ours == TrimLines(theirs.Output), $"{linkType.GetName()}:\n{ours}\ntcpdump:\n{theirs.Output}");
                compiled += ours is null ? 0 : 1;
            }

            Assert.Empty(otherNames);
            Assert.InRange(compiled, 25, Named.Count());
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Fact]
    public void The_three_machines_agree_on_packets_that_are_led_through_the_program_of_every_named_link_type()
    {
        var random = new Random(31);
        int compiled = 0;
        int deep = 0;
        foreach (LinkType linkType in Named)
        {
            foreach (string expression in Expressions)
            {
                if (TryCompile(expression, linkType) is not { Length: > 1 } program)
                {
                    continue;
                }

                var machines = new MachineAgreement(program);
                int matched = 0;
                int rejected = 0;
                for (int i = 0; i < 300; i++)
                {
                    byte[] packet = Lead(random, program);
                    _ = machines.Run(packet, packet.Length + (random.Next(2) * random.Next(1500))) != 0 ? matched++ : rejected++;
                }

                Assert.True(rejected > 0, $"'{expression}' on {linkType.GetName()} matches anything:\n{program}");
                _ = matched > 0 ? compiled++ : deep++;
            }
        }

        // Of a few (802.11) the headers have computed lengths, and no packet gets to the end by these means.
        Assert.InRange(compiled, 4 * 20, int.MaxValue);
        Assert.InRange(deep, 0, compiled / 4);
    }

    /// <summary>Random bytes in which, on the way through the program, most comparisons with a constant are made true.</summary>
    private static byte[] Lead(Random random, BpfProgram program)
    {
        byte[] packet = new byte[random.Next(20) == 0 ? random.Next(100) : 200];
        random.NextBytes(packet);
        (int Offset, int Size) loaded = default;
        Span<byte> value = stackalloc byte[4];
        for (int at = 0, next; at < program.Length; at = next)
        {
            BpfInstruction instruction = program.Instructions[at];
            next = at + 1;
            switch (instruction.Code)
            {
                case 0x20 or 0x28 or 0x30 when instruction.K < 100:
                    loaded = ((int)instruction.K, instruction.Code == 0x20 ? 4 : instruction.Code == 0x28 ? 2 : 1);
                    break;
                case 0x48 or 0x50 when instruction.K < 100:
                    // Relative to a header whose length is four times a nibble: the usual one is 20 bytes long.
                    loaded = ((int)instruction.K + 20, instruction.Code == 0x48 ? 2 : 1);
                    break;
                case 0x15:
                    bool isTrue = random.Next(4) != 0 && loaded.Size > 0 && loaded.Offset + loaded.Size <= packet.Length;
                    if (isTrue)
                    {
                        BinaryPrimitives.WriteUInt32BigEndian(value, instruction.K);
                        value[^loaded.Size..].CopyTo(packet.AsSpan(loaded.Offset));
                    }

                    next += isTrue ? instruction.Jt : instruction.Jf;
                    break;
                case 0x45 when loaded.Size > 0 && loaded.Offset + loaded.Size <= packet.Length:
                    bool isSet = random.Next(2) == 0;
                    packet.AsSpan(loaded.Offset, loaded.Size).Fill((byte)(isSet ? 0xFF : 0));
                    next += isSet ? instruction.Jt : instruction.Jf;
                    break;
                case 0xB1 when instruction.K < packet.Length:
                    packet[(int)instruction.K] = 0x45;
                    break;
                case 0x06 or 0x16:
                    next = program.Length;
                    break;
                default:
                    break;
            }
        }

        return packet;
    }

    private static BpfProgram? TryCompile(string expression, LinkType linkType)
    {
        try
        {
            FilterListing listing = FilterExplanation.Of(expression, linkType).Listings[0];
            return listing.MatchesNothing ? null : listing.Program;
        }
        catch (FilterSyntaxException)
        {
            return null;
        }
    }

    private static byte[] EmptyCapture(LinkType linkType)
    {
        byte[] file = new byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(file, 0xA1B2C3D4);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(4), 2);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(6), 4);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(16), PacketFilter.DefaultSnapLength);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(20), (int)linkType);
        return file;
    }

    private static ChildResult Tcpdump(params string[] arguments) => ChildProcess.Run(null, TimeSpan.FromSeconds(30), "tcpdump", arguments);

    private static string TrimLines(string listing) => string.Join('\n', listing.Split('\n').Select(static line => line.TrimEnd()));

    /// <summary>What tcpdump calls it; null where it has a number only.</summary>
    private static string? NameIn(string heading)
    {
        Match match = LinkTypeWord().Match(heading);
        return match.Success && !int.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out _) ? match.Groups[1].Value : null;
    }

    [GeneratedRegex(@"link-type ([^ ,]+)")]
    private static partial Regex LinkTypeWord();
}
