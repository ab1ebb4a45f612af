using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

/// <summary><c>interceptor tcp</c> as a person or a script runs it.</summary>
public sealed class TcpCommandTests
{
    private static readonly string[] DirectionKeys =
    [
        "packets", "payload_bytes", "stream_bytes", "missing_bytes", "stream_sha256", "retransmissions", "fast_retransmissions",
        "spurious_retransmissions", "out_of_order", "duplicate_acks", "zero_windows", "window_full", "keep_alives", "lost_segments",
        "window_updates", "zero_window_probes", "syn", "fin", "rst",
        "initial_sequence", "mss", "window_scale", "sack_permitted", "timestamps", "rtt_ms",
    ];

    private static readonly string[] SocketKeys =
    [
        "state", "snd_una", "snd_nxt", "snd_wnd", "rcv_nxt", "rcv_wnd", "write_queue_bytes", "in_flight_bytes", "out_of_order_bytes", "confidence",
    ];

    [Fact]
    public void Json_has_every_key_of_the_contract_and_ends_with_a_summary()
    {
        CliResult result = CliProcess.Run("tcp", "--json", Capture("tcp-psql-ooo.pcap"));
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument connection = JsonDocument.Parse(result.Lines[0]);
        JsonElement root = connection.RootElement;
        Assert.Equal("connection", root.GetProperty("type").GetString());
        foreach (string key in (string[])["id", "client", "server", "first_packet_ns", "last_packet_ns", "opened", "closed"])
        {
            Assert.True(root.TryGetProperty(key, out _), key);
        }

        foreach (string side in (string[])["client_to_server", "server_to_client"])
        {
            Assert.All(DirectionKeys, key => Assert.True(root.GetProperty(side).TryGetProperty(key, out _), $"{side}.{key}"));
        }

        foreach (string side in (string[])["client_socket", "server_socket"])
        {
            Assert.All(SocketKeys, key => Assert.True(root.GetProperty(side).TryGetProperty(key, out _), $"{side}.{key}"));
        }

        using JsonDocument summary = JsonDocument.Parse(result.Lines[^1]);
        Assert.Equal("summary", summary.RootElement.GetProperty("type").GetString());
        Assert.Equal(1, summary.RootElement.GetProperty("connections").GetInt32());
    }

    [Fact]
    public void Without_hashing_there_is_no_hash()
    {
        CliResult result = CliProcess.Run("tcp", "--json", "--no-hash", Capture("tcp-psql-ooo.pcap"));
        Assert.DoesNotContain("stream_sha256", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void One_sides_bytes_come_out_raw_and_complete()
    {
        string file = Capture("tcp-psql-ooo.pcap");
        using JsonDocument connection = JsonDocument.Parse(CliProcess.Run("tcp", "--json", file).Lines[0]);
        CliResult json = CliProcess.Run("tcp", "--json", "--follow", "0", "--side", "server", file);
        byte[] stream = [.. json.Lines.Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty("data", out _)).SelectMany(line => line.GetProperty("data").GetBytesFromBase64())];
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(stream));
        Assert.Equal(connection.RootElement.GetProperty("server_to_client").GetProperty("stream_sha256").GetString(), hash);
    }

    [Fact]
    public void Followed_text_is_marked_and_never_reaches_the_terminal_raw()
    {
        CliResult result = CliProcess.Run("tcp", "--follow", "0", Capture("tcp-psql-ooo.pcap"));
        Assert.Equal(0, result.ExitCode);
        Assert.All(result.Lines, line => Assert.True(line.StartsWith("> ", StringComparison.Ordinal) || line.StartsWith("< ", StringComparison.Ordinal), line));
        Assert.DoesNotContain(result.Output, c => char.IsControl(c) && c is not ('\n' or '\t'));
        Assert.Contains("\\x00", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_instant_shows_the_sockets_as_they_were()
    {
        string file = Capture("tcp-fin-retransmission.pcap");
        Assert.Contains("CLOSED", CliProcess.Run("tcp", file).Output, StringComparison.Ordinal);
        Assert.Contains("SYN-SENT", CliProcess.Run("tcp", "--at", "0", file).Output, StringComparison.Ordinal);
        Assert.Contains("SYN-SENT", CliProcess.Run("tcp", "--at", "1388720759360849000", file).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_filter_leaves_other_connections_out()
    {
        string file = Capture("tcp-port-reuse.pcap");
        CliResult none = CliProcess.Run("tcp", "--json", file, "port", "1");
        Assert.Equal(0, none.ExitCode);
        Assert.Contains("\"connections\":0", none.Output, StringComparison.Ordinal);
        Assert.Equal(2, CliProcess.Run("tcp", file, "port", "is", "wrong").ExitCode);
    }

    [Fact]
    public void An_unknown_id_is_a_failure_that_names_the_known_ones()
    {
        CliResult result = CliProcess.Run("tcp", "--connection", "99", Capture("tcp-port-reuse.pcap"));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("the ids are 0 to 3", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_still_shows_what_could_be_read()
    {
        byte[] whole = File.ReadAllBytes(Capture("tcp-psql-ooo.pcap"));
        CliResult result = CliProcess.Run(whole[..^10], ["tcp", "-"]);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("1 connection,", result.Output, StringComparison.Ordinal);
        Assert.NotEmpty(result.Error);
    }

    [Fact]
    public void A_download_with_losses_is_whole_and_its_repairs_are_counted()
    {
        CliResult result = CliProcess.Run("tcp", "--json", Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng"));
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument connection = JsonDocument.Parse(result.Lines[0]);
        JsonElement request = connection.RootElement.GetProperty("client_to_server");
        JsonElement answer = connection.RootElement.GetProperty("server_to_client");
        Assert.Equal(2, request.GetProperty("syn").GetInt32());
        Assert.Equal(1, request.GetProperty("retransmissions").GetInt32());
        Assert.Equal(0, answer.GetProperty("missing_bytes").GetInt32());
        Assert.Equal(2, answer.GetProperty("retransmissions").GetInt32());
        Assert.Equal(2, answer.GetProperty("fast_retransmissions").GetInt32());
        Assert.Equal(0, answer.GetProperty("out_of_order").GetInt32());

        CliResult stream = CliProcess.Run("tcp", "--follow", "0", "--side", "server", Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng"));
        string body = stream.Output[(stream.Output.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        const string Line = "all work and no play makes a dull packet\n";
        Assert.Equal(string.Concat(Enumerable.Repeat(Line, (60_000 / Line.Length) + 1))[..60_000], body);
    }

    private static string Capture(string name) => Path.Combine(ProjectPaths.RequireSharedCaptures(), "good", name);
}
