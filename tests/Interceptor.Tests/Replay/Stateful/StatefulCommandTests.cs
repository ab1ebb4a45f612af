using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;
using Interceptor.Tests.Files;

namespace Interceptor.Tests.Replay.Stateful;

/// <summary><c>interceptor replay --to</c> and <c>--as-server</c> where there is nothing to play, or nobody to play to.</summary>
public sealed class StatefulCommandTests : IDisposable
{
    private static readonly string Http = Path.Combine(ProjectPaths.OwnCaptures, "http-keep-alive.pcapng");
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("--to", "127.0.0.1", "-i", "lo")]
    [InlineData("--to", "127.0.0.1", "--as-server", "--listen", "80")]
    [InlineData("--to", "127.0.0.1", "--pps", "5")]
    [InlineData("--to", "127.0.0.1", "--loop", "2")]
    [InlineData("--to", "127.0.0.1", "-w", "out.pcap")]
    [InlineData("--to", "127.0.0.1", "--listen", "80")]
    [InlineData("--to", "127.0.0.1:99999")]
    [InlineData("--to", "127.0.0.1", "--mask", "(")]
    [InlineData("--to", "127.0.0.1", "--connections", "0")]
    [InlineData("--as-server")]
    [InlineData("--as-server", "--listen", "80", "--connections", "5")]
    [InlineData("--mask-dates", "--dry-run")]
    public void What_does_not_go_together_is_wrong_usage(params string[] options)
    {
        CliResult result = CliProcess.Run(["replay", Http, .. options]);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.StartsWith("interceptor: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rehearsal_lists_what_would_be_played()
    {
        CliResult result = CliProcess.Run("replay", Http, "--to", "127.0.0.1", "--dry-run");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("connection 0 (10.0.0.1:53084 > 10.0.0.2:8080): 261 bytes of the client, 4469 of the server", result.Lines[0]);
        Assert.Equal("Dry run: 4 connections would be played", result.Lines[^1]);
    }

    [Fact]
    public void An_empty_capture_and_one_without_tcp_are_bad_input()
    {
        string empty = Write("empty.pcap", 0);
        CliResult result = CliProcess.Run("replay", empty, "--to", "127.0.0.1");
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Contains("it holds no packet", result.Error, StringComparison.Ordinal);

        string other = Write("other.pcap", 3);
        result = CliProcess.Run("replay", other, "--to", "127.0.0.1", "--json");
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Contains("there is no TCP among its 3 packets", result.Error, StringComparison.Ordinal);
        Assert.Contains("\"type\":\"summary\"", result.Lines[^1], StringComparison.Ordinal);

        result = CliProcess.Run("replay", Http, "--to", "127.0.0.1", "udp");
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("matches the filter", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_capture_of_middles_only_lists_them_with_the_reason()
    {
        CliResult result = CliProcess.Run("replay", Http, "--to", "127.0.0.1", "tcp[tcpflags] & tcp-syn == 0");
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Equal(4, result.Lines.Length);
        Assert.All(result.Lines, static line => Assert.Contains("not played: its beginning is not in the capture", line, StringComparison.Ordinal));

        result = CliProcess.Run("replay", Http, "--to", "127.0.0.1", "--midstream", "--dry-run", "tcp[tcpflags] & tcp-syn == 0");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("Dry run: 4 connections would be played", result.Lines[^1]);
    }

    [Fact]
    public void A_truncated_capture_is_played_as_far_as_it_goes_and_is_bad_input()
    {
        byte[] whole = File.ReadAllBytes(Http);
        string path = _folder.File("cut.pcapng");
        File.WriteAllBytes(path, whole[..(whole.Length * 2 / 3)]);
        CliResult result = CliProcess.Run("replay", path, "--to", "127.0.0.1", "--dry-run");
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Contains("connections would be played", result.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_there_is_a_failure_and_tells_of_each_connection()
    {
        // Port 9 of a loopback address that nothing listens on.
        CliResult result = CliProcess.Run("replay", Http, "--to", "127.9.9.9:9", "--json", "--top-speed");
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Equal(4, result.Lines.Count(static line => line.Contains("\"kind\":\"refused\"", StringComparison.Ordinal)));
        Assert.Contains("\"connections\":4,\"matched\":0,\"diverged\":4,", result.Lines[^1], StringComparison.Ordinal);

        result = CliProcess.Run("replay", Http, "--as-server", "--listen", "127.9.9.9:45999", "--duration", "10ms", "--connection", "1");
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("no client came", result.Error, StringComparison.Ordinal);
        Assert.Contains("listening on 127.9.9.9:45999", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_that_there_is_not_is_told()
    {
        CliResult result = CliProcess.Run("replay", Http, "--to", "127.0.0.1", "--connection", "17");
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("no connection 17", result.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private string Write(string name, int packets)
    {
        string path = _folder.File(name);
        using CaptureFileWriter writer = CaptureFile.Create(path);
        byte[] frame = new byte[60];
        for (int i = 0; i < packets; i++)
        {
            writer.Write(new CapturedPacket(frame, new PacketMetadata
            {
                Timestamp = new CaptureTimestamp(1_700_000_000_000_000_000 + i),
                HasTimestamp = true,
                OriginalLength = frame.Length,
                LinkType = LinkType.Ethernet,
            }));
        }

        writer.Commit();
        return path;
    }
}
