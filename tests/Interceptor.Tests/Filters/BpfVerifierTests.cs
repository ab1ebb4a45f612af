using FsCheck;
using FsCheck.Fluent;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Tests.Filters;

public sealed class BpfVerifierTests
{
    private static readonly BpfInstruction Return = new(0x06, 0, 0, 1);

    [Fact]
    public void Every_program_of_libpcap_is_valid()
    {
        foreach ((LinkType linkType, string expression) in FilterCorpus.All)
        {
            BpfProgram program = BpfInterpreterTests.Compile(expression, linkType).Program;
            Assert.True(BpfVerifier.Verify(program.Instructions.AsSpan()).IsValid);
        }
    }

    [Fact]
    public void Any_bits_get_an_answer_and_what_is_valid_runs_to_its_end()
    {
        int valid = 0;
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            BpfInstruction[] program = RandomProgram.Any(random);
            BpfVerification verification = BpfVerifier.Verify(program);
            Assert.NotEmpty(verification.Reason);
            Assert.InRange(verification.Index, 0, program.Length);
            if (verification.IsValid)
            {
                valid++;
                _ = BpfInterpreter.Run(new BpfProgram(program), new byte[random.Next(64)], 64);
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
        Assert.True(valid > 10, $"Only {valid} valid programs were drawn.");
    }

    [Fact]
    public void Each_fault_is_found_where_it_is()
    {
        AssertFault(BpfFault.Empty, 0);
        AssertFault(BpfFault.UnknownInstruction, 0, new(0x1FF, 0, 0, 0), Return);
        AssertFault(BpfFault.UnknownInstruction, 1, Return, new(0x17, 0, 0, 0), Return);
        AssertFault(BpfFault.JumpOutside, 0, new(0x05, 0, 0, 1), Return);
        AssertFault(BpfFault.JumpOutside, 0, new(0x05, 0, 0, 0xFFFF_FFFF), Return);
        AssertFault(BpfFault.JumpOutside, 1, Return, new(0x15, 0, 1, 0), Return);
        AssertFault(BpfFault.JumpOutside, 0, new(0x1D, 1, 0, 0), Return);
        AssertFault(BpfFault.ScratchIndex, 0, new(0x02, 0, 0, 16), Return);
        AssertFault(BpfFault.ScratchUnset, 0, new(0x60, 0, 0, 3), Return);
        AssertFault(BpfFault.DivisionByZero, 0, new(0x34, 0, 0, 0), Return);
        AssertFault(BpfFault.DivisionByZero, 0, new(0x94, 0, 0, 0), Return);
        AssertFault(BpfFault.ShiftTooFar, 0, new(0x64, 0, 0, 32), Return);
        AssertFault(BpfFault.UnknownAncillary, 0, new(0x20, 0, 0, 0xFFFF_F040), Return);
        AssertFault(BpfFault.UnknownAncillary, 0, new(0x20, 0, 0, 0xFFFF_F001), Return);
        AssertFault(BpfFault.NoReturn, 1, Return, new(0x07, 0, 0, 0));
        AssertFault(BpfFault.TooLong, 4096, [.. Enumerable.Repeat(Return, 4097)]);
    }

    [Fact]
    public void A_scratch_word_must_be_written_on_every_path_to_its_load()
    {
        BpfInstruction store = new(0x02, 0, 0, 3);
        BpfInstruction load = new(0x60, 0, 0, 3);
        BpfInstruction skipOne = new(0x15, 0, 1, 0);
        AssertFault(BpfFault.ScratchUnset, 2, skipOne, store, load, Return);
        AssertFault(BpfFault.None, 0, store, skipOne, Return, load, Return);
    }

    [Fact]
    public void A_loop_that_libpcap_makes_for_protochain_is_refused_in_words()
    {
        var exception = Assert.Throws<FilterSyntaxException>(() => PacketFilter.Compile("ip6 protochain 6", LinkType.Raw));
        Assert.Contains("jumps outside the program or backward", exception.Message, StringComparison.Ordinal);
    }

    private static void AssertFault(BpfFault fault, int index, params BpfInstruction[] program) =>
        Assert.Equal(new BpfVerification(fault, index), BpfVerifier.Verify(program));
}
