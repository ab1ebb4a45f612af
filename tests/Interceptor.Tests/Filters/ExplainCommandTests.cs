using System.Globalization;
using System.Text;
using System.Text.Json;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Filters;

public sealed class ExplainCommandTests
{
    private static string OwnCapture => Path.Combine(ProjectPaths.OwnCaptures, "pcap-microseconds.pcap");

    [Fact]
    public void Explanations_stay_as_they_are()
    {
        string longFilter = string.Join(" or ", Enumerable.Range(1, 20).Select(static port => string.Create(CultureInfo.InvariantCulture, $"tcp port {port * 3}")));
        string[][] runs = [["tcp port 80"], ["ether host 02:00:00:00:00:01"], ["arp"], [longFilter], ["udp", OwnCapture], ["udp", "--json"]];
        var text = new StringBuilder();
        foreach (string[] run in runs)
        {
            CliResult result = CliProcess.Run(["read", "--explain", .. run]);
            Assert.True(result.ExitCode == 0, result.ToString());
            text.Append($"--- {string.Join(' ', run.Select(Path.GetFileName))}\n").Append(result.Output).Append('\n');
        }

        GoldenFile.Verify("filters/explain.txt", text.ToString());
    }

    [Fact]
    public void Json_has_a_program_for_each_link_type_and_a_summary()
    {
        CliResult result = CliProcess.Run("read", "--json", "--explain", "ip");
        Assert.Equal(["explain", "explain", "summary"], result.Lines.Select(static line => JsonDocument.Parse(line).RootElement.GetProperty("type").GetString()));
        JsonElement summary = JsonDocument.Parse(result.Lines[^1]).RootElement;
        Assert.Equal((true, 5, 64), (summary.GetProperty("xt_bpf").GetBoolean(), summary.GetProperty("xt_instructions").GetInt32(), summary.GetProperty("xt_instruction_limit").GetInt32()));
    }

    [Theory]
    [InlineData(2, "man pcap-filter", "--explain", "tcp prt 80")]
    [InlineData(2, "as one word", "--explain", "tcp", "port", "80")]
    [InlineData(2, "as one word", "--explain", "tcp", "-w", "/tmp/never")]
    [InlineData(4, "no such file", "--explain", "tcp", "/nonexistent/capture.pcap")]
    public void A_mistake_is_told(int code, string message, params string[] arguments)
    {
        CliResult result = CliProcess.Run(["read", .. arguments]);
        Assert.True(result.ExitCode == code, result.ToString());
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void A_cut_file_still_tells_its_link_type_and_exits_with_4()
    {
        CliResult result = CliProcess.Run("read", "--explain", "udp", Path.Combine(ProjectPaths.OwnCaptures, "pcap-ends-inside-a-packet.pcap"));
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("EN10MB: ", result.Output, StringComparison.Ordinal);
        Assert.Contains("the file ends inside", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_a_program_can_run_depends_on_what_it_asks_for()
    {
        var vlanTag = new BpfProgram(new(0x28, 0, 0, 0xFFFF_F02C), new(0x16, 0, 0, 0));
        var listing = new FilterListing(LinkType.Ethernet, vlanTag, null);
        Assert.Equal((true, false, false), (listing.RunsInKernelCapture, listing.RunsInUserSpace, listing.RunsInXt));
        Assert.True((listing with { LinkType = LinkType.Raw }).RunsInXt);
        FilterListing impossible = FilterExplanation.Of("ip6", LinkType.Ipv4).Listings[0];
        Assert.True(impossible is { MatchesNothing: true, RunsInUserSpace: true });
    }
}
