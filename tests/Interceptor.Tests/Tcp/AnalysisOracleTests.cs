using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

/// <summary>The document about our differences with tshark is held to the captures: no difference without its line, no line without its difference.</summary>
public sealed class AnalysisOracleTests(ITestOutputHelper output)
{
    private const double LeastAgreement = 0.95;

    private static readonly string[] Verdicts = ["Interceptor", "tshark", "both", "neither"];

    private static string Document => Path.Combine(ProjectPaths.Root, "docs", "tshark-differences.md");

    [Fact]
    public void The_classes_agree_with_tshark_in_95_percent_of_directions_and_each_difference_is_explained()
    {
        AnalysisComparison comparison = AnalysisComparison.Run(ProjectPaths.RequireSharedCaptures());
        output.WriteLine($"{comparison.Agreeing} of {comparison.Directions} directions agree in every class; {comparison.Flagged} have any, "
            + $"{comparison.Flagged - (comparison.Directions - comparison.Agreeing)} of them agree");
        foreach ((string flag, _) in AnalysisComparison.Flags)
        {
            output.WriteLine($"{flag}: {comparison.AgreeingOn(flag)} of {comparison.Directions}");
        }

        Assert.True(comparison.Agreeing >= LeastAgreement * comparison.Directions, $"only {comparison.Agreeing} of {comparison.Directions} directions agree");
        HashSet<string> explained = [.. ExplainedLines().Select(line => line.Difference)];
        HashSet<string> found = [.. comparison.Differences.Select(difference => difference.ToString())];
        string[] unexplained = [.. found.Except(explained).Order()];
        string[] stale = [.. explained.Except(found).Order()];
        Assert.True(unexplained.Length + stale.Length == 0,
            $"{Document}\nwithout a line:\n{string.Join('\n', unexplained)}\nlines without a difference:\n{string.Join('\n', stale)}");
    }

    [Fact]
    public void Each_line_says_who_is_right_and_under_which_heading_why()
    {
        (string Difference, string Verdict, string Heading)[] lines = [.. ExplainedLines()];
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Contains(line.Verdict, Verdicts));
        Assert.All(lines, line => Assert.NotEqual("", line.Heading));
        Assert.Equal(lines.Length, lines.Select(line => line.Difference).Distinct().Count());
    }

    // The lines of the tables: six cells that name the difference, who is right, why.
    private static IEnumerable<(string Difference, string Verdict, string Heading)> ExplainedLines()
    {
        string heading = "";
        foreach (string line in File.ReadLines(Document))
        {
            if (line.StartsWith("### ", StringComparison.Ordinal))
            {
                heading = line[4..];
            }

            string[] cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells.Length == 10 && cells[1].Contains(".pcap", StringComparison.Ordinal))
            {
                Assert.True(cells[8].Length > 0, $"{line}: it does not say why");
                yield return ($"| {string.Join(" | ", cells[1..7])} |", cells[7], heading);
            }
        }
    }
}
