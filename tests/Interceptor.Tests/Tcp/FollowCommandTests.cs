using System.Security.Cryptography;
using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

/// <summary><c>--follow</c> and <c>--extract</c> of <c>interceptor tcp</c> as a person or a script runs them.</summary>
public sealed class FollowCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("interceptor-follow-").FullName;

    private static string OwnCapture => Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Hexadecimal_has_the_place_in_each_sides_stream_and_the_order_of_time()
    {
        CliResult result = CliProcess.Run("tcp", OwnCapture, "--follow", "0", "--format", "hex");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("> 00000000  47 45 54 20 2f 70 61 67  65 2e 74 78 74 20 48 54  GET /page.txt HT", result.Lines[0]);
        Assert.Equal("> 00000050  2f 2a 0d 0a 0d 0a                                 /*....", result.Lines[5]);
        Assert.Equal("< 00000000  48 54 54 50 2f 31 2e 30  20 32 30 30 20 4f 4b 0d  HTTP/1.0 200 OK.", result.Lines[6]);
        byte[] all = [.. result.Lines.Where(line => line[0] == '<').SelectMany(line => Convert.FromHexString(line[12..60].Replace(" ", "", StringComparison.Ordinal)))];
        Assert.Equal(StreamOf("server"), all);
    }

    [Fact]
    public void Hexadecimal_marks_what_is_missing_and_counts_it()
    {
        CliResult result = CliProcess.Run("tcp", Shared("tcp-reassembly-gaps.pcap"), "--follow", "0", "--format", "hex");
        int gap = Array.IndexOf(result.Lines, "> 000006b2  [8 bytes are missing in the capture]");
        Assert.True(gap > 0, result.ToString());
        Assert.StartsWith("> 000006ba  ", result.Lines[gap + 1], StringComparison.Ordinal);
    }

    [Fact]
    public void Raw_bytes_of_both_sides_stand_in_the_order_of_time()
    {
        string file = Path.Combine(_folder, "both");
        CliResult result = CliProcess.Run("tcp", OwnCapture, "--follow", "0", "--format", "raw", "-o", file);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal([.. StreamOf("client"), .. StreamOf("server")], File.ReadAllBytes(file));
        Assert.Contains("60275 bytes of connection 0", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_gets_its_name_only_for_a_connection_that_is_there()
    {
        string file = Path.Combine(_folder, "stream");
        File.WriteAllText(file, "older");
        Assert.Equal(1, CliProcess.Run("tcp", OwnCapture, "--follow", "7", "-o", file).ExitCode);
        Assert.Equal("older", File.ReadAllText(file));
        CliResult json = CliProcess.Run("tcp", OwnCapture, "--json", "--follow", "0", "--side", "server", "-o", file);
        Assert.Equal(60189, JsonDocument.Parse(Assert.Single(json.Lines)).RootElement.GetProperty("bytes").GetInt32());
        Assert.Equal(StreamOf("server"), File.ReadAllBytes(file));
        Assert.Equal([file], Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("tcp-many-protocols.pcap")]
    [InlineData("tcp-port-reuse.pcap")]
    [InlineData("tcp-reassembly-gaps.pcap")]
    public void Each_extracted_file_has_the_hash_that_json_tells(string name)
    {
        CliResult result = CliProcess.Run("tcp", Shared(name), "--json", "--extract", Path.Combine(_folder, "out"));
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement[] lines = [.. result.Lines.Select(line => JsonDocument.Parse(line).RootElement)];
        var hashes = lines.Where(line => TypeOf(line) == "connection").ToDictionary(line => line.GetProperty("id").GetInt32());
        JsonElement[] files = [.. lines.Where(line => TypeOf(line) == "stream_file")];
        Assert.All(files, file =>
        {
            string direction = file.GetProperty("side").GetString() == "client" ? "client_to_server" : "server_to_client";
            JsonElement sent = hashes[file.GetProperty("id").GetInt32()].GetProperty(direction);
            Assert.Equal(sent.GetProperty("stream_sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file.GetProperty("file").GetString()!))));
        });
        int streams = hashes.Values.SelectMany(line => new[] { line.GetProperty("client_to_server"), line.GetProperty("server_to_client") })
            .Count(sent => sent.GetProperty("stream_bytes").GetInt64() > 0);
        Assert.True(streams > 0);
        Assert.Equal(streams, files.Length);
        Assert.Equal(streams, Directory.GetFileSystemEntries(Path.Combine(_folder, "out")).Length);
    }

    [Fact]
    public void Addresses_and_ports_that_come_again_have_a_number()
    {
        Assert.Equal(0, CliProcess.Run("tcp", Shared("tcp-port-reuse.pcap"), "--extract", _folder).ExitCode);
        const string Name = "175.175.181.174.27339-202.25.80.144.80";
        Assert.Equal([Name, $"{Name}c1", $"{Name}c2", $"{Name}c3"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_unknown_id_extracts_nothing()
    {
        Assert.Equal(1, CliProcess.Run("tcp", OwnCapture, "--extract", _folder, "--connection", "9").ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("text, raw, hex", "--follow", "0", "--format", "octal")]
    [InlineData("need --follow", "--format", "raw")]
    [InlineData("one of both", "--follow", "0", "--extract", "/nonexistent")]
    [InlineData("--json has its own", "--json", "--follow", "0", "--format", "hex")]
    public void A_mistake_is_told_as_one(string hint, params string[] arguments)
    {
        CliResult result = CliProcess.Run(["tcp", OwnCapture, .. arguments]);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains(hint, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("0", "")]
    [InlineData("1.373417", "")]
    [InlineData("5", "s after the last packet")]
    [InlineData("1700000000", "s after the last packet")]
    [InlineData("1000000000000000000", "s before the first packet")]
    public void An_instant_outside_the_capture_is_remarked(string instant, string remark)
    {
        CliResult result = CliProcess.Run("tcp", OwnCapture, "--at", instant, "--json");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains(remark, result.Error, StringComparison.Ordinal);
        Assert.Equal(remark.Length == 0, result.Error.Length == 0);
        Assert.True(JsonDocument.Parse(result.Lines[^1]).RootElement.TryGetProperty("at_ns", out _));
    }

    [Fact]
    public void One_connection_alone_is_shown_with_all_that_is_known_of_it()
    {
        CliResult result = CliProcess.Run("tcp", OwnCapture, "--connection", "0", "--at", "1.15");
        string[][] rows = [.. result.Lines.Select(line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
        Assert.Contains(rows, row => row is ["in flight bytes", "0", "13032"]);
        Assert.Contains(rows, row => row is ["window scale", "10", "10"]);
        Assert.Contains(rows, row => row is ["duplicate acks", "5", "0"]);
        Assert.Contains(rows, row => row is ["state", "ESTABLISHED", "ESTABLISHED"]);
    }

    private static byte[] StreamOf(string side)
    {
        CliResult result = CliProcess.Run("tcp", OwnCapture, "--json", "--follow", "0", "--side", side);
        return [.. result.Lines.Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty("data", out _)).SelectMany(line => line.GetProperty("data").GetBytesFromBase64())];
    }

    private static string? TypeOf(JsonElement line) => line.GetProperty("type").GetString();

    private static string Shared(string name) => Path.Combine(ProjectPaths.RequireSharedCaptures(), "good", name);
}
