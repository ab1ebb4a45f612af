using Interceptor.Testing;
using Interceptor.Tests.Files;

namespace Interceptor.Tests.Replay.Rewriting;

/// <summary>What Wireshark says of checksums and lengths before and after edits. bench/rewrite runs all edits over all shared captures.</summary>
public sealed class TsharkAgreementTests : IDisposable
{
    private static readonly string[] Fields =
    [
        "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status", "gre.checksum.status", "_ws.malformed",
    ];

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("ip4-fragments.pcap")]
    [InlineData("ip6-fragments.pcap")]
    [InlineData("link-eth-mix.pcap")]
    [InlineData("tun-geneve.pcap")]
    public void No_checksum_that_was_right_is_wrong_in_an_edited_capture(string file)
    {
        string capture = Path.Combine(ProjectPaths.RequireSharedCaptures(), "good", file);
        KernelTest.RequireTool("tshark");
        CliResult result = CliProcess.Run(
            "rewrite", capture, "-o", _folder.File("out.pcapng"), "--anonymise", "key", "--keep-unknown", "--port", "80=8080", "--ttl", "9", "--tos", "184", "--mss", "500");
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] before = Verdicts(capture);
        Assert.Contains(before, line => line.Contains('1', StringComparison.Ordinal));
        Assert.Equal(before, Verdicts(_folder.File("out.pcapng")));
    }

    public void Dispose() => _folder.Dispose();

    private static string[] Verdicts(string path)
    {
        string[] arguments =
        [
            "-n", "-r", path, "-T", "fields", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
            .. Fields.SelectMany(field => (string[])["-e", field]),
        ];
        ChildResult tshark = ChildProcess.Run(null, TimeSpan.FromSeconds(60), "tshark", arguments);
        Assert.True(tshark.ExitCode == 0, tshark.Error);
        return tshark.Output.Split('\n');
    }
}
