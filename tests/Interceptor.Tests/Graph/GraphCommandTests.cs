using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Interceptor.Testing;

namespace Interceptor.Tests.Graph;

/// <summary><c>interceptor tcp --graph</c> as a person or a script runs it.</summary>
public sealed class GraphCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("interceptor-graph-").FullName;

    private static string OwnCapture => Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");

    [Theory]
    [InlineData("tcp-sack-dsack-nasa.pcap")]
    [InlineData("tcp-retransmit-fast009.pcap")]
    public void Each_retransmission_that_json_counts_is_an_element_of_the_picture(string name)
    {
        string file = Path.Combine(ProjectPaths.RequireSharedCaptures(), "good", name);
        string picture = Path.Combine(_folder, "picture.svg");
        CliResult result = CliProcess.Run("tcp", "--json", file, "--graph", "0", "-o", picture);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("summary", JsonDocument.Parse(result.Lines[^1]).RootElement.GetProperty("type").GetString());
        JsonElement connection = JsonDocument.Parse(result.Lines[0]).RootElement;
        int counted = connection.GetProperty("client_to_server").GetProperty("retransmissions").GetInt32()
            + connection.GetProperty("server_to_client").GetProperty("retransmissions").GetInt32();
        Assert.True(counted > 0);
        Assert.Equal(counted, XDocument.Load(picture).Descendants().Count(IsRetransmission));
        Assert.Equal(counted, JsonDocument.Parse(result.Lines[1]).RootElement.GetProperty("retransmissions").GetInt32());
    }

    [Fact]
    public void The_picture_in_the_documentation_is_the_one_that_is_drawn()
    {
        string picture = Path.Combine(_folder, "picture.svg");
        Assert.Equal(0, CliProcess.Run("tcp", OwnCapture, "--graph", "0", "-o", picture).ExitCode);
        string text = File.ReadAllText(picture);
        GoldenFile.Verify(Path.Combine("..", "..", "docs", "time-sequence.svg"), text);
        Assert.Contains("192.0.2.1:58606 → 192.0.2.2:8080", text, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme:dark", text, StringComparison.Ordinal);
        Assert.DoesNotContain("href", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hostile_file_name_is_shown_and_does_nothing()
    {
        string hostile = Path.Combine(_folder, "<script>alert('1')<\u202e\u0007&\".pcapng");
        File.Copy(OwnCapture, hostile);
        string page = Path.Combine(_folder, "page.html");
        string picture = Path.Combine(_folder, "picture.svg");
        Assert.Equal(0, CliProcess.Run("tcp", hostile, "--graph", "0", "-o", page).ExitCode);
        Assert.Equal(0, CliProcess.Run("tcp", hostile, "--graph", "0", "-o", picture).ExitCode);
        string html = File.ReadAllText(page);
        Assert.DoesNotContain("<script>alert", html, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert", html, StringComparison.Ordinal);
        Assert.Contains("<script>alert('1')<\\xe2\\x80\\xae\\x07&\".pcapng", XDocument.Load(picture).Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_loads_nothing_and_its_numbers_are_those_of_the_csv()
    {
        string page = Path.Combine(_folder, "page.html");
        string csv = Path.Combine(_folder, "numbers.csv");
        Assert.Equal(0, CliProcess.Run("tcp", OwnCapture, "--graph", "0", "-o", page).ExitCode);
        Assert.Equal(0, CliProcess.Run("tcp", OwnCapture, "--graph", "0", "-o", csv).ExitCode);
        string html = File.ReadAllText(page);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
        Assert.DoesNotContain(" src=", html, StringComparison.Ordinal);
        const string Start = "<script type=\"application/json\" id=\"data\">";
        int start = html.IndexOf(Start, StringComparison.Ordinal) + Start.Length;
        using JsonDocument data = JsonDocument.Parse(html[start..html.IndexOf("</script>", start, StringComparison.Ordinal)]);
        int rows = data.RootElement.GetProperty("panels").EnumerateArray()
            .Sum(panel => ((string[])["segments", "sacks", "marks", "edges"]).Sum(key => panel.GetProperty(key).GetArrayLength()));
        Assert.Equal(File.ReadAllLines(csv).Length - 1, rows);
        Assert.All(data.RootElement.GetProperty("panels").EnumerateArray(),
            panel => Assert.Contains($"<g id=\"panel-{panel.GetProperty("id").GetString()}\">", html, StringComparison.Ordinal));
    }

    [Fact]
    public void An_unknown_id_leaves_the_older_file_as_it_was()
    {
        string picture = Path.Combine(_folder, "picture.svg");
        File.WriteAllText(picture, "older");
        CliResult result = CliProcess.Run("tcp", OwnCapture, "--graph", "7", "-o", picture);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("no connection has the id 7", result.Error, StringComparison.Ordinal);
        Assert.Equal("older", File.ReadAllText(picture));
        Assert.Single(Directory.GetFileSystemEntries(_folder));
        Assert.Equal(0, CliProcess.Run("tcp", OwnCapture, "--graph", "0", "-o", picture).ExitCode);
        Assert.StartsWith("<svg", File.ReadAllText(picture), StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData(2, ".svg, .html or .csv", "--graph", "0", "-o", "picture.png")]
    [InlineData(2, "go together", "--graph", "0")]
    [InlineData(2, "go together", "-o", "picture.svg")]
    [InlineData(2, "--follow", "--graph", "0", "-o", "picture.svg", "--follow", "0")]
    [InlineData(1, "/nonexistent", "--graph", "0", "-o", "/nonexistent/picture.svg")]
    public void A_mistake_has_its_exit_code_and_a_message_that_helps(int exitCode, string hint, params string[] arguments)
    {
        CliResult result = CliProcess.Run(["tcp", OwnCapture, .. arguments]);
        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.Contains(hint, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void A_damaged_file_is_drawn_as_far_as_it_goes()
    {
        byte[] whole = File.ReadAllBytes(OwnCapture);
        string picture = Path.Combine(_folder, "picture.svg");
        CliResult result = CliProcess.Run(whole[..(whole.Length / 2)], ["tcp", "-", "--graph", "0", "-o", picture]);
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.NotEmpty(XDocument.Load(picture).Descendants());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static bool IsRetransmission(XElement element) =>
        string.Equals((string?)element.Attribute("class"), "retransmission", StringComparison.Ordinal)
        && element.Elements().Any(title => title.Value.StartsWith("packet ", false, CultureInfo.InvariantCulture));
}
