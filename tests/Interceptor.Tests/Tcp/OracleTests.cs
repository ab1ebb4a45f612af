using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

/// <summary>Every shared capture: connections, bytes, hashes and queues against tshark's figures.</summary>
public sealed class OracleTests(ITestOutputHelper output)
{
    // Where we differ, and why. A file that agrees may not stand here.
    private static readonly Dictionary<string, string> KnownDifferences = new()
    {
        ["tun-bigtcp-vxlan.pcap"] = "a BIG TCP packet without lengths in its headers, which tshark 4.0 does not look into and we do",
    };

    public static TheoryData<string> Files
    {
        get
        {
            string? root = ProjectPaths.SharedCapturesOrNull;
            return root is null ? ["(none)"] : [.. OracleComparison.Rows(Path.Combine(root, "good", "oracle", "files.tsv")).Select(row => row["file"])];
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Connections_bytes_and_hashes_agree_with_the_oracle(string file)
    {
        OracleComparison comparison = OracleComparison.Run(ProjectPaths.RequireSharedCaptures(), file);
        output.WriteLine($"{file}: {comparison.Streams} streams, {comparison.HashesCompared} hashes compared, {comparison.Differences.Count} differences");
        if (KnownDifferences.TryGetValue(file, out string? reason))
        {
            Assert.True(comparison.Differences.Count > 0, $"{file} agrees now; take it off the list of differences ({reason}).");
            return;
        }

        Assert.True(comparison.Differences.Count == 0, file + "\n" + string.Join('\n', comparison.Differences.Take(12)));
    }

    [Fact]
    public void Segments_that_contradict_each_other_are_flagged_in_the_one_capture_that_has_them()
    {
        string root = ProjectPaths.RequireSharedCaptures();
        IEnumerable<(string Name, long Conflicting)> flagged =
            from row in OracleComparison.Rows(Path.Combine(root, "good", "oracle", "files.tsv"))
            let conflicting = OracleComparison.Run(root, row["file"]).ConflictingBytes
            where conflicting > 0
            select (row["file"], conflicting);
        Assert.Equal([("tcp-reassembly-gaps.pcap", 151L)], flagged.ToArray());
    }
}
