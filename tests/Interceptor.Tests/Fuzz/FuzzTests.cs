using System.Globalization;

namespace Interceptor.Tests.Fuzz;

/// <summary>
/// Damaged captures, some of them compressed, through the reader, the views, the filters and the tracker. INTERCEPTOR_FUZZ=N runs N executions, with a new seed each time
/// unless INTERCEPTOR_FUZZ_SEED gives one; INTERCEPTOR_FUZZ_INPUT=FILE executes one kept input.
/// </summary>
public sealed class FuzzTests
{
    private const long Short = 20_000;
    private const int ShortSeed = 1;

    [Fact]
    public void Mutated_captures_are_read_or_refused_within_bounds_of_time_and_memory()
    {
        if (Environment.GetEnvironmentVariable("INTERCEPTOR_FUZZ_INPUT") is { Length: > 0 } kept)
        {
            new FuzzTarget().Execute(File.ReadAllBytes(kept));
            return;
        }

        string? asked = Environment.GetEnvironmentVariable("INTERCEPTOR_FUZZ");
        long executions = asked is null ? Short : long.Parse(asked, CultureInfo.InvariantCulture);
        int seed = Environment.GetEnvironmentVariable("INTERCEPTOR_FUZZ_SEED") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : asked is null ? ShortSeed : Random.Shared.Next();
        Action<string> report = asked is null ? _ => { } : Console.Error.WriteLine;
        report(string.Create(CultureInfo.InvariantCulture, $"fuzzing with INTERCEPTOR_FUZZ_SEED={seed}"));

        var run = new FuzzRun(seed, executions);
        string? finding = run.Run(report);
        report(string.Create(CultureInfo.InvariantCulture,
            $"{run.Executions} executions, {run.Sound} of them without damage, {run.Packets} packets, at most {run.LargestAllocation} bytes allocated in one"));
        Assert.Null(finding);
        Assert.True(run.Packets > executions / 10 && run.Sound > 0, $"{run.Packets} packets in {executions} inputs: the mutations destroy too much.");
    }
}
