using FsCheck;
using FsCheck.Fluent;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Tests.Filters;

public sealed class BpfInterpreterTests
{
    [Fact]
    public void The_machine_agrees_with_libpcap_on_random_packets()
    {
        int matched = 0;
        int rejected = 0;
        foreach ((LinkType linkType, string expression) in FilterCorpus.All)
        {
            PacketFilter filter = Compile(expression, linkType);
            PcapInstruction[] native = Native(filter.Program);
            var random = new Random(expression.Length + ((int)linkType * 1000));
            for (int i = 0; i < 400; i++)
            {
                byte[] packet = FilterCorpus.Packet(random, linkType);
                int originalLength = packet.Length + (random.Next(2) * random.Next(1500));
                bool expected = LibPcapHandle.OfflineFilter(native, packet, originalLength) != 0;
                bool actual = filter.Matches(packet, originalLength);
                Assert.True(expected == actual, $"'{expression}' on {linkType}: libpcap {expected}, ours {actual}: {Convert.ToHexString(packet)} of {originalLength}");
                _ = actual ? matched++ : rejected++;
            }
        }

        Assert.InRange(matched, 10_000, int.MaxValue);
        Assert.InRange(rejected, 10_000, int.MaxValue);
    }

    [Fact]
    public void The_machine_agrees_with_libpcap_on_any_valid_program_and_never_throws()
    {
        int ran = 0;
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            BpfProgram program = RandomProgram.Valid(random);
            byte[] packet = new byte[random.Next(80)];
            random.NextBytes(packet);
            int originalLength = packet.Length + random.Next(100);
            uint actual = BpfInterpreter.Run(program, packet, originalLength);
            ran++;
            uint expected = unchecked((uint)LibPcapHandle.OfflineFilter(Native(program), packet, originalLength));
            return (expected == actual).Label($"expected {expected}, got {actual}\n{program}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
        Assert.True(ran >= 3000);
    }

    [Fact]
    public void Running_a_filter_allocates_nothing()
    {
        PacketFilter filter = PacketFilter.Compile("tcp port 80 and ip[8] < 65", LinkType.Ethernet);
        byte[] packet = FilterCorpus.Packet(new Random(7), LinkType.Ethernet);
        _ = filter.Matches(packet, packet.Length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            _ = filter.Matches(packet, packet.Length);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(0x20, 0u)]
    [InlineData(0x20, 1u)]
    [InlineData(0x28, 3u)]
    [InlineData(0x30, 4u)]
    [InlineData(0x30, 0x7FFF_FFFFu)]
    [InlineData(0x30, 0x8000_0000u)]
    [InlineData(0x20, 0xFFFF_F02Cu)]
    [InlineData(0xB1, 4u)]
    public void A_load_that_is_not_inside_the_captured_bytes_rejects(int code, uint offset)
    {
        var program = new BpfProgram(new BpfInstruction((ushort)code, 0, 0, offset), Return(1));
        byte[] packet = offset == 0 ? [1, 2, 3] : [1, 2, 3, 4];
        Assert.Equal(0u, BpfInterpreter.Run(program, packet, 1500));
    }

    [Fact]
    public void An_indirect_load_whose_offset_would_wrap_rejects()
    {
        var program = new BpfProgram(new(0x01, 0, 0, 0xFFFF_FFFF), new(0x50, 0, 0, 1), Return(1));
        Assert.Equal(0u, BpfInterpreter.Run(program, new byte[8], 8));
    }

    [Theory]
    [InlineData(0x3C)]
    [InlineData(0x9C)]
    public void A_division_by_a_register_that_is_zero_rejects(int code)
    {
        var program = new BpfProgram(new(0x00, 0, 0, 5), new((ushort)code, 0, 0, 0), Return(1));
        Assert.Equal(0u, BpfInterpreter.Run(program, [], 0));
    }

    [Fact]
    public void Length_in_a_filter_is_the_length_on_the_wire()
    {
        PacketFilter filter = PacketFilter.Compile("len = 1500", LinkType.Ethernet);
        Assert.True(filter.Matches(new byte[64], 1500));
        Assert.False(filter.Matches(new byte[64], 64));
    }

    /// <summary>As a file of that link type would be filtered: an expression that can't match there matches nothing.</summary>
    internal static PacketFilter Compile(string expression, LinkType linkType) => new LinkTypeFilter(expression).ForLinkType(linkType);

    internal static PcapInstruction[] Native(BpfProgram program) =>
        [.. program.Instructions.Select(static from => new PcapInstruction { Code = from.Code, Jt = from.Jt, Jf = from.Jf, K = from.K })];

    private static BpfInstruction Return(uint value) => new(0x06, 0, 0, value);
}
