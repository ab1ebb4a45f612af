using FsCheck.Fluent;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Filters;

public sealed class BpfCompilerTests
{
    private static readonly string[] EverywhereExpressions =
        ["ip", "ip6", "tcp port 80", "host 192.0.2.1", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "len > 60", "ip[0] / ip[1] = 2", "ip[ip[0]&0xf:2] = 80",
        "ip[1] << ip[2] = 0", "link[3] ^ 5 > 100", "udp[4:2] * 2 > 40", "not (ip[2:2] % 7 = 3 or icmp6)"];

    [Fact]
    public void The_three_machines_agree_on_random_packets()
    {
        int matched = 0;
        foreach ((LinkType linkType, string expression) in FilterCorpus.All)
        {
            var machines = new MachineAgreement(BpfInterpreterTests.Compile(expression, linkType).Program);
            var random = new Random(expression.Length + ((int)linkType * 7));
            for (int i = 0; i < 300; i++)
            {
                byte[] packet = FilterCorpus.Packet(random, linkType);
                matched += machines.Run(packet, packet.Length + (random.Next(2) * random.Next(1500))) != 0 ? 1 : 0;
            }
        }

        Assert.InRange(matched, 10_000, FilterCorpus.All.Count() * 300 * 9 / 10);
    }

    [Fact]
    public void The_three_machines_agree_on_every_link_type_that_libpcap_compiles_for()
    {
        int linkTypes = 0;
        var random = new Random(17);
        for (int number = 0; number < 300; number++)
        {
            var linkType = (LinkType)number;
            FilterListing[] compiled = [.. EverywhereExpressions.Select(expression => TryList(expression, linkType)).OfType<FilterListing>()];
            linkTypes += compiled.Length > 0 ? 1 : 0;
            foreach (FilterListing listing in compiled)
            {
                var machines = new MachineAgreement(listing.Program!);
                for (int i = 0; i < 60; i++)
                {
                    // Those that have no header here get the packet of another link type, with bytes of their own in front.
                    byte[] packet = [.. new byte[random.Next(3) * 4], .. FilterCorpus.Packet(random, i % 2 == 0 ? linkType : LinkType.Ethernet)];
                    _ = machines.Run(packet, packet.Length + random.Next(100));
                }
            }
        }

        Assert.InRange(linkTypes, 40, 300);
    }

    [Fact]
    public void The_three_machines_agree_on_any_valid_program()
    {
        int kept = 0;
        PropertyCheck.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            var machines = new MachineAgreement(RandomProgram.Valid(random));
            for (int i = 0; i < 8; i++)
            {
                byte[] packet = new byte[random.Next(80)];
                random.NextBytes(packet);
                kept += machines.Run(packet, packet.Length + random.Next(100)) != 0 ? 1 : 0;
            }
        }, count: 3000);
        Assert.InRange(kept, 1000, int.MaxValue);
    }

    [Fact]
    public void The_three_machines_agree_on_damaged_real_packets()
    {
        string folder = ProjectPaths.RequireSharedCaptures();
        Dictionary<(LinkType LinkType, string Expression), MachineAgreement?> known = [];
        var random = new Random(23);
        int ran = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*.pcap*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            foreach ((LinkType linkType, byte[] packet, int originalLength) in ReadSome(path))
            {
                for (int i = 0; i < 6; i++)
                {
                    string expression = FilterCorpus.Expressions[random.Next(FilterCorpus.Expressions.Length)];
                    if (!known.TryGetValue((linkType, expression), out MachineAgreement? machines))
                    {
                        machines = TryList(expression, linkType) is { } listing ? new MachineAgreement(listing.Program!) : null;
                        known.Add((linkType, expression), machines);
                    }

                    ran += machines is null ? 0 : 1;
                    _ = machines?.Run(Damage(random, packet), originalLength);
                }
            }
        }

        Assert.InRange(ran, 10_000, int.MaxValue);
    }

    [Fact]
    public void The_three_machines_agree_where_values_and_offsets_end()
    {
        uint[] edges = [0, 1, 3, 4, 5, 8, 9, 15, 31, 32, 33, 0x7FFF_FFFC, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_F000, 0xFFFF_F02C, 0xFFFF_FFFC, 0xFFFF_FFFF];
        ushort[] codes = [.. Enumerable.Range(0, 256).Select(static code => (ushort)code)];
        int ran = 0;
        foreach (ushort code in codes)
        {
            foreach (uint k in edges)
            {
                foreach (uint x in edges)
                {
                    // X and A, then the instruction, then an answer that holds A and X, or tells the branch.
                    BpfInstruction[] program =
                        [new(0x00, 0, 0, k), new(0x02, 0, 0, 1), new(0x01, 0, 0, x), new(code, 0, 1, k), new(0x0C, 0, 0, 0), new(0x44, 0, 0, 0x100), new(0x16, 0, 0, 0)];
                    if (BpfVerifier.Verify(program).IsValid)
                    {
                        _ = new MachineAgreement(new BpfProgram(program)).Run([1, 2, 3, 4, 0x85, 6, 7, 8], 8);
                        ran++;
                    }
                }
            }
        }

        Assert.InRange(ran, 1000, int.MaxValue);
    }

    [Fact]
    public void The_longest_program_compiles_and_runs_to_its_end()
    {
        var longest = new BpfInstruction[BpfVerifier.MaxInstructions];
        Array.Fill(longest, new BpfInstruction(0x04, 0, 0, 3));
        longest[^1] = new BpfInstruction(0x16, 0, 0, 0);
        Assert.Equal(3u * (BpfVerifier.MaxInstructions - 1), new MachineAgreement(new BpfProgram(longest)).Run([], 0));
    }

    [Fact]
    public void Machine_code_allocates_nothing()
    {
        BpfFunction function = BpfCompiler.Compile(PacketFilter.Compile("tcp port 80 and ip[8] < 65", LinkType.Ethernet).Program);
        byte[] packet = FilterCorpus.Packet(new Random(7), LinkType.Ethernet);
        _ = function(packet, packet.Length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            _ = function(packet, packet.Length);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_filter_used_often_goes_over_to_machine_code_and_answers_the_same()
    {
        PacketFilter filter = PacketFilter.Compile("tcp port 80", LinkType.Ethernet);
        byte[][] packets = [.. Enumerable.Range(0, 100).Select(static seed => FilterCorpus.Packet(new Random(seed), LinkType.Ethernet))];
        bool[] expected = [.. packets.Select(packet => filter.Matches(packet, packet.Length))];
        Assert.Contains(true, expected);
        Assert.Contains(false, expected);
        for (int i = packets.Length; i < PacketFilter.CompileAfter - 1; i++)
        {
            _ = filter.Matches(packets[i % packets.Length], 60);
        }

        Assert.False(filter.IsCompiled);
        _ = filter.Matches(packets[0], 60);
        Assert.True(SpinWait.SpinUntil(() => filter.IsCompiled, TimeSpan.FromSeconds(30)));
        _ = filter.Matches(packets[0], 60);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < packets.Length; i++)
        {
            if (filter.Matches(packets[i], packets[i].Length) != expected[i])
            {
                Assert.Fail($"Packet {i} has another answer now.");
            }
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static FilterListing? TryList(string expression, LinkType linkType)
    {
        try
        {
            return FilterExplanation.Of(expression, linkType).Listings[0];
        }
        catch (FilterSyntaxException)
        {
            return null;
        }
    }

    private static byte[] Damage(Random random, byte[] packet)
    {
        byte[] copy = packet[..(random.Next(3) == 0 ? random.Next(packet.Length + 1) : packet.Length)];
        for (int edits = copy.Length == 0 ? 0 : random.Next(4); edits > 0; edits--)
        {
            copy[random.Next(Math.Min(copy.Length, 80))] = (byte)random.Next(256);
        }

        return copy;
    }

    /// <summary>The first packets of a capture, sound or not.</summary>
    private static List<(LinkType LinkType, byte[] Packet, int OriginalLength)> ReadSome(string path)
    {
        List<(LinkType, byte[], int)> some = [];
        try
        {
            using CaptureFileReader reader = CaptureFile.OpenRead(path);
            while (some.Count < 20 && reader.TryRead(out CapturedPacket packet))
            {
                some.Add((packet.Metadata.LinkType, packet.Data.ToArray(), packet.Metadata.OriginalLength));
            }
        }
        catch (CaptureFileException)
        {
            // Its packets up to the damage serve as well.
        }

        return some;
    }
}
