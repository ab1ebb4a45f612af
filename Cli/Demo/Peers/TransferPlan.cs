using System.CommandLine;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>What both ends of the demo's connection know before they start.</summary>
/// <param name="Bytes">Bytes in each direction.</param>
/// <param name="Seed">Decides what the bytes are.</param>
/// <param name="Rate">How fast an end reads at most, in bytes a second: the reader is what is slow, so that all queues are full.</param>
internal sealed record TransferPlan(long Bytes, ulong Seed, long Rate)
{
    private static readonly Option<long> BytesOption = new("--bytes") { Required = true };
    private static readonly Option<ulong> SeedOption = new("--seed") { Required = true };
    private static readonly Option<long> RateOption = new("--rate") { Required = true };

    /// <summary>From the client to the server.</summary>
    internal PatternStream Upload => new(Seed);

    /// <summary>From the server to the client.</summary>
    internal PatternStream Download => new(~Seed);

    /// <summary>
    /// How far an end's sending may be ahead of its receiving. Keeps the two directions together, so that both are in full flow when the
    /// connection is moved. The ends can't wait for each other: with all that is in flight delivered, only one can be ahead.
    /// </summary>
    internal long Lead => Math.Max(Bytes / 8, 1);

    internal static void AddTo(Command command)
    {
        command.Options.Add(BytesOption);
        command.Options.Add(SeedOption);
        command.Options.Add(RateOption);
    }

    internal static TransferPlan From(ParseResult parsed) =>
        new(parsed.GetValue(BytesOption), parsed.GetValue(SeedOption), parsed.GetValue(RateOption));

    internal string[] ToArguments() => [BytesOption.Name, $"{Bytes}", SeedOption.Name, $"{Seed}", RateOption.Name, $"{Rate}"];
}
