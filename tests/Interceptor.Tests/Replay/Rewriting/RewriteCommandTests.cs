using System.Text.Json;
using Interceptor.Testing;
using Interceptor.Tests.Files;

namespace Interceptor.Tests.Replay.Rewriting;

/// <summary><c>interceptor rewrite</c>, run as a process.</summary>
public sealed class RewriteCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Microseconds => Path.Combine(ProjectPaths.OwnCaptures, "pcap-microseconds.pcap");

    [Fact]
    public void Without_edits_the_copy_is_that_of_read()
    {
        string[] captures = Directory.GetFiles(ProjectPaths.OwnCaptures, "*.pcapng");
        Assert.NotEmpty(captures);
        foreach (string capture in captures)
        {
            CliResult rewritten = CliProcess.Run("rewrite", capture, "-o", _folder.File("rewritten.pcapng"));
            Assert.True(rewritten.ExitCode == 0, $"{capture}: {rewritten}");
            Assert.Equal(0, CliProcess.Run("read", capture, "-w", _folder.File("read.pcapng")).ExitCode);
            Assert.Equal(File.ReadAllBytes(_folder.File("read.pcapng")), File.ReadAllBytes(_folder.File("rewritten.pcapng")));
        }
    }

    [Fact]
    public void The_filter_selects_what_is_written_and_the_summary_tells_the_rest()
    {
        CliResult result = CliProcess.Run("--json", "rewrite", Microseconds, "-o", _folder.File("out.pcap"), "tcp[tcpflags] & tcp-syn != 0");
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement summary = JsonDocument.Parse(result.Lines[^1]).RootElement;
        Assert.Equal("summary", summary.GetProperty("type").GetString());
        long read = summary.GetProperty("packets_read").GetInt64();
        long written = summary.GetProperty("packets_written").GetInt64();
        Assert.InRange(written, 1, read - 1);
        Assert.Equal(read - written, summary.GetProperty("not_matching").GetInt64());
        Assert.Equal(written, CliProcess.Run("read", _folder.File("out.pcap")).Lines.Length);
    }

    [Fact]
    public void A_capture_may_be_written_over_itself()
    {
        string file = _folder.File("self.pcap");
        File.Copy(Microseconds, file);
        CliResult before = CliProcess.Run("read", file);
        CliResult result = CliProcess.Run("rewrite", file, "-o", file);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(before.Output, CliProcess.Run("read", file).Output);
    }

    [Fact]
    public void A_filter_that_matches_nothing_is_no_success()
    {
        CliResult result = CliProcess.Run("rewrite", Microseconds, "-o", _folder.File("out.pcap"), "ip proto 253");
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("no packet was written", result.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
