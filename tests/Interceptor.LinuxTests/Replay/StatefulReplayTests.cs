using System.Diagnostics;
using System.Text.Json;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.LinuxTests.Intercept;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>Conversations of the captures played between two hosts to real servers, and as the server to real clients.</summary>
public sealed class StatefulReplayTests
{
    private const string Port = "8080";
    private static readonly string Http = Path.Combine(ProjectPaths.OwnCaptures, "http-keep-alive.pcapng");
    private static readonly string Redis = Path.Combine(ProjectPaths.OwnCaptures, "redis-session.pcapng.gz");

    // The server tells the version of its Python, which is not the capture's everywhere.
    private static readonly string[] Masks = ["--mask-dates", "--mask", @"(?m)^Server: ([^\r]*)"];

    [Fact]
    public void A_real_web_server_answers_as_it_did_and_the_sequence_numbers_are_the_captures()
    {
        KernelTest.RequireTool("tcpdump");
        using NetworkLab lab = NetworkLab.Create();
        using EndedProcess server = StartHttp(lab);
        using var capture = new EndedProcess(ChildProcess.Start(
            lab.Server, "tcpdump", "-i", NetworkLab.ServerInterface, "-n", "-S", "-l", "--immediate-mode", "-c", "4", "tcp[tcpflags] == tcp-syn"));
        Process tcpdump = capture.Process;
        AwaitLine(tcpdump.StandardError, "listening on");
        CliResult result = Play(lab, Http, [.. Masks]);
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement summary = Summary(result);
        Assert.Equal((4, 4, 0), (Number(summary, "connections"), Number(summary, "matched"), Number(summary, "diverged")));
        Assert.Equal(4, Number(summary, "captured_sequences"));
        string[] seen = [.. Enumerable.Range(0, 4).Select(_ => tcpdump.StandardOutput.ReadLine()!)];
        Assert.True(tcpdump.WaitForExit(TimeSpan.FromSeconds(20)));
        foreach (JsonElement connection in CliProcess.Run("tcp", Http, "--json", "--no-hash").Lines.Select(Parse).Where(static line => line.GetProperty("type").GetString() == "connection"))
        {
            long sequence = connection.GetProperty("client_to_server").GetProperty("initial_sequence").GetInt64();
            int port = connection.GetProperty("client").GetProperty("port").GetInt32();
            Assert.Single(seen, line => line.Contains($"{NetworkLab.ClientAddress}.{port} > ", StringComparison.Ordinal) && line.Contains($"seq {sequence},", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void One_changed_byte_of_the_server_is_one_difference_with_its_offset_and_packet()
    {
        using NetworkLab lab = NetworkLab.Create();
        using EndedProcess server = StartHttp(lab, "/sized/4000", "1234");
        CliResult result = Play(lab, Http, [.. Masks, "--top-speed"]);
        Assert.True(result.ExitCode == 5, result.ToString());
        JsonElement divergence = Assert.Single(result.Lines.Select(Parse), static line => line.GetProperty("type").GetString() == "divergence");
        CliResult stream = CliProcess.Run("tcp", Http, "--follow", "2", "--side", "server", "--format", "raw");
        int body = stream.Output.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        Assert.Equal((2, "changed", body + 1234, 1), (Number(divergence, "connection"), divergence.GetProperty("kind").GetString(), Number(divergence, "offset"), Number(divergence, "seen_length")));
        Assert.Equal(stream.Output[body + 1234].ToString(), divergence.GetProperty("expected").GetString());
        Assert.Equal(((char)(stream.Output[body + 1234] ^ 1)).ToString(), divergence.GetProperty("seen").GetString());
        Assert.Equal((3, 1), (Number(Summary(result), "matched"), Number(Summary(result), "diverged")));

        // The packet carries that byte: it is one of the server's, of this connection.
        JsonElement packet = CliProcess.Run("read", Http, "--json", "-c", "60").Lines.Select(Parse).Where(static line => line.GetProperty("type").GetString() == "packet").Single(line => line.GetProperty("number").GetInt32() == Number(divergence, "packet"));
        Assert.StartsWith("IP 10.0.0.2.8080 > 10.0.0.1.53094: ", packet.GetProperty("summary").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Packets_lost_on_the_way_are_the_kernels_business()
    {
        using NetworkLab lab = NetworkLab.Create();
        using EndedProcess server = StartHttp(lab);
        using var stop = new CancellationTokenSource();
        using var lossy = new RunningSession(lab.Server, new InterceptOptions
        {
            Hooks = [FirewallHook.Input, FirewallHook.Output],
            Filter = PacketFilter.Compile("tcp", LinkType.Raw),
            Impairments = new ImpairmentOptions { Loss = 0.1, Seed = 4 },
        }, stop.Token);
        CliResult result = Play(lab, Http, [.. Masks, "--top-speed"]);
        stop.Cancel();
        InterceptSummary summary = lossy.Finish();
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(4, Number(Summary(result), "matched"));
        Assert.True(summary.Dropped > 0, $"{summary.Dropped} of {summary.Received} packets were lost.");
    }

    [Fact]
    public void A_real_redis_server_answers_as_it_did()
    {
        KernelTest.RequireTool("redis-server");
        using NetworkLab lab = NetworkLab.Create();
        using var server = new EndedProcess(ChildProcess.Start(
            lab.Server, "redis-server", "--port", "6379", "--bind", NetworkLab.ServerAddress, "--save", "", "--protected-mode", "no", "--dir", Path.GetTempPath()));
        AwaitLine(server.Process.StandardOutput, "Ready to accept connections");
        CliResult result = Play(lab, Redis, "--mask-answers", "COMMAND");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal((1, 1), (Number(Summary(result), "connections"), Number(Summary(result), "matched")));
    }

    [Fact]
    public void As_a_server_it_satisfies_curl()
    {
        KernelTest.RequireTool("curl");
        using NetworkLab lab = NetworkLab.Create();
        using var served = new EndedProcess(lab.Server.Run(() => Process.Start(CliProcess.StartInfo(
            "replay", Http, "--as-server", "--listen", NetworkLab.ServerAddress, "--json", "--connection", "0", "--connection", "2", "--mask", @"(?m)^(?:Host|User-Agent): ([^\r]*)")))!);
        Process replay = served.Process;
        AwaitLine(replay.StandardError, "listening on");
        string root = $"http://{NetworkLab.ServerAddress}:{Port}";

        // The other way round than captured: each gets its own by what it asks.
        ChildResult third = ChildProcess.Run(lab.Client, "curl", "-sS", "--fail", $"{root}/sized/4000", $"{root}/sized/1");
        ChildResult first = ChildProcess.Run(lab.Client, "curl", "-sS", "--fail", $"{root}/sized/1000", $"{root}/chunked/3000", $"{root}/sized/20");
        Assert.Equal((0, 4001, 0, 4020), (third.ExitCode, third.Output.Length, first.ExitCode, first.Output.Length));
        string output = replay.StandardOutput.ReadToEnd();
        Assert.True(replay.WaitForExit(TimeSpan.FromSeconds(20)));
        Assert.True(replay.ExitCode == 0, output);
        Assert.Contains("\"connections\":2,\"matched\":2,\"diverged\":0,", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_privilege_it_plays_with_other_sequence_numbers_and_says_so()
    {
        KernelTest.RequireTool("setpriv");
        using NetworkLab lab = NetworkLab.Create();
        using EndedProcess server = StartHttp(lab);
        CliResult result = lab.Client.Run(() => CliProcess.RunWithoutPrivileges(["replay", Http, "--to", NetworkLab.ServerAddress, "--json", "--top-speed", .. Masks]));
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal((4, 0), (Number(Summary(result), "matched"), Number(Summary(result), "captured_sequences")));
        Assert.Single(result.Error.Split('\n'), static line => line.Contains("CAP_NET_ADMIN", StringComparison.Ordinal));
    }

    [Fact]
    public void Played_again_at_once_it_has_the_same_ports_again()
    {
        using NetworkLab lab = NetworkLab.Create();
        using EndedProcess server = StartHttp(lab);
        for (int round = 0; round < 2; round++)
        {
            CliResult result = Play(lab, Http, [.. Masks, "--top-speed"]);
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Equal((4, 0, 4), (Number(Summary(result), "matched"), Number(Summary(result), "other_ports"), Number(Summary(result), "captured_sequences")));
        }
    }

    private static CliResult Play(NetworkLab lab, string path, params string[] options) =>
        lab.Client.Run(() => CliProcess.Run(["replay", path, "--to", NetworkLab.ServerAddress, "--json", .. options]));

    private static EndedProcess StartHttp(NetworkLab lab, params string[] change)
    {
        KernelTest.RequireTool("python3");
        var server = new EndedProcess(ChildProcess.Start(lab.Server, "python3", [Path.Combine(ProjectPaths.Root, "bench", "http_answers.py"), NetworkLab.ServerAddress, Port, .. change]));
        AwaitLine(server.Process.StandardOutput, "listening");
        return server;
    }

    private static void AwaitLine(StreamReader reader, string words)
    {
        string? line;
        do
        {
            line = reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)).GetAwaiter().GetResult();
            Assert.NotNull(line);
        }
        while (!line.Contains(words, StringComparison.Ordinal));
    }

    private static JsonElement Parse(string line) => JsonDocument.Parse(line).RootElement;

    private static JsonElement Summary(CliResult result) => Parse(result.Lines[^1]);

    private static int Number(JsonElement element, string key) => element.GetProperty(key).GetInt32();

    /// <summary>A process that ends with the test, however that ends.</summary>
    private sealed class EndedProcess(Process process) : IDisposable
    {
        internal Process Process => process;

        public void Dispose()
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
    }
}
