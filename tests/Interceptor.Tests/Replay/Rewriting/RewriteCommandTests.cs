using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Packets;
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

    [Fact]
    public void An_anonymised_capture_has_the_same_connections_with_other_addresses()
    {
        string capture = Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");
        string[] before = CliProcess.Run("--json", "tcp", capture).Lines;
        CliResult result = CliProcess.Run("rewrite", capture, "-o", _folder.File("out.pcapng"), "--anonymise", "key", "--repair");
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] after = CliProcess.Run("--json", "tcp", _folder.File("out.pcapng")).Lines;
        Assert.NotEmpty(before);
        Assert.DoesNotContain("192.0.2.", string.Concat(after), StringComparison.Ordinal);
        Assert.Equal(before.Select(WithoutAddresses), after.Select(WithoutAddresses));
    }

    [Fact]
    public void What_is_sent_again_can_be_edited_as_what_is_written()
    {
        string capture = Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");
        string[] edits = ["--address", "192.0.2.0/24=10.9.8.0/24", "--ttl", "9", "--repair"];
        CliResult replayed = CliProcess.Run(["--json", "replay", capture, "--dry-run", "-w", _folder.File("sent.pcapng"), .. edits, "host 192.0.2.1"]);
        Assert.True(replayed.ExitCode == 0, replayed.ToString());
        CliResult rewritten = CliProcess.Run(["--json", "rewrite", capture, "-o", _folder.File("written.pcapng"), .. edits]);
        Assert.True(rewritten.ExitCode == 0, rewritten.ToString());
        Assert.Equal(Packets("written.pcapng"), Packets("sent.pcapng"));
        Assert.All(Packets("sent.pcapng"), packet => Assert.Contains("0a090801", packet, StringComparison.Ordinal));
        JsonElement summary = JsonDocument.Parse(replayed.Lines[^1]).RootElement.GetProperty("edits");
        Assert.Equal(Packets("sent.pcapng").Count, summary.GetProperty("edited").GetInt32());
        Assert.Equal(0, summary.GetProperty("not_edited").GetInt32());
    }

    [Theory]
    [InlineData("as 10.0.0.0/8=", "--address", "10.0.0.0/8")]
    [InlineData("one family", "--address", "10.0.0.0/8=::/8")]
    [InlineData("as 02:", "--mac", "02:00=1")]
    [InlineData("as 80=8080", "--port", "80=80808")]
    [InlineData("0 to 4095", "--vlan-set", "4096")]
    [InlineData("a priority from 0 to 7", "--vlan-add", "5,9")]
    [InlineData("68 to 65535", "--mtu", "67")]
    [InlineData("+1 or -1", "--ttl", "256")]
    [InlineData("go with --anonymise", "--keep-unknown")]
    [InlineData("can't be read", "--anonymise", "@/nonexistent/key")]
    [InlineData("needs a key", "--anonymise", "")]
    public void A_mistaken_edit_is_wrong_usage(string hint, params string[] edit)
    {
        CliResult result = CliProcess.Run(["rewrite", Microseconds, "-o", _folder.File("out.pcap"), .. edit]);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains(hint, result.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static string WithoutAddresses(string line) => System.Text.RegularExpressions.Regex.Replace(line, "\"address\":\"[^\"]*\"", "");

    private List<string> Packets(string name)
    {
        using CaptureFileReader reader = CaptureFile.OpenRead(_folder.File(name));
        var packets = new List<string>();
        while (reader.TryRead(out CapturedPacket packet))
        {
            packets.Add(Convert.ToHexStringLower(packet.Data));
        }

        return packets;
    }
}
