using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Tcp;

/// <summary><c>interceptor top</c> without a terminal, beside real sockets.</summary>
public sealed class TopCommandTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly NetworkLab _lab = NetworkLab.Create();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_peer_that_does_not_read_stalls_its_sender()
    {
        using Process process = Start("-c", "1000", "--json");
        await Listening(process);
        using Socket listener = Listen();
        using Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        client.Blocking = false;
        client.SendBufferSize = 4 << 20;
        client.Send(new byte[1 << 20], SocketFlags.None, out _);
        int port = ((IPEndPoint)client.LocalEndPoint!).Port;
        JsonElement row = await Find(process, each =>
            each.GetProperty("client").GetProperty("port").GetInt32() == port && each.GetProperty("client_to_server").GetProperty("limit").GetString() == "stalled"
            && each.GetProperty("client_process").ValueKind != JsonValueKind.Null);
        Assert.True(row.GetProperty("client_to_server").GetProperty("recent_limits_ms").GetProperty("stalled").GetDouble() > 0);
        Assert.True(row.GetProperty("payload_bytes").GetInt64() is > 0 and < 1 << 20);
        Assert.Equal(Environment.ProcessId, row.GetProperty("client_process").GetProperty("pid").GetInt32());
        Assert.Equal(JsonValueKind.Null, row.GetProperty("server_process").ValueKind);
        Assert.Equal(JsonValueKind.Null, row.GetProperty("server_to_client").GetProperty("limit").ValueKind);
        await Stop(process);
    }

    [Fact]
    public async Task Of_a_connection_that_is_older_than_it_the_limit_is_told_too()
    {
        using Socket listener = Listen();
        listener.ReceiveBufferSize = 4 << 20;
        using Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        client.NoDelay = true;
        int port = ((IPEndPoint)client.LocalEndPoint!).Port;
        using Process process = Start("-c", "1000", "--json");
        await Listening(process);

        using var end = new CancellationTokenSource();
        Task sending = Task.Run(() => Send(client, end.Token), TestContext.Current.CancellationToken);
        Task reading = Task.Run(() => Read(server, end.Token), TestContext.Current.CancellationToken);
        JsonElement row = await Find(process, each =>
        {
            bool isFirst = each.GetProperty("client").GetProperty("port").GetInt32() == port;
            JsonElement sender = each.GetProperty(isFirst ? "client_to_server" : "server_to_client");
            return (isFirst || each.GetProperty("server").GetProperty("port").GetInt32() == port) && sender.GetProperty("limit").GetString() is "network" or "receiver";
        });
        Assert.Equal("ESTABLISHED", row.GetProperty("state").GetString());
        await end.CancelAsync();
        client.Close();
        server.Close();
        await Task.WhenAll(sending, reading);
        await Stop(process);

        static void Send(Socket socket, CancellationToken end)
        {
            try
            {
                byte[] data = new byte[256 * 1024];
                while (!end.IsCancellationRequested)
                {
                    socket.Send(data);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // It is over.
            }
        }

        static void Read(Socket socket, CancellationToken end)
        {
            try
            {
                byte[] data = new byte[64 * 1024];
                while (!end.IsCancellationRequested && socket.Receive(data) > 0)
                {
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // It is over.
            }
        }
    }

    [Fact]
    public async Task Without_a_terminal_each_refresh_is_lines_of_text()
    {
        using Process process = Start("-c", "2");
        await Listening(process);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("top -i client0  0s  0 connections, 0 open  0 bit/s", lines[0], StringComparison.Ordinal);
        Assert.Equal(
            ["ID", "CLIENT", "SERVER", "STATE", ">", "BIT/S", "<", "BIT/S", "BIT/S", "10S", "PKT/S", "RETR%", "ALL%", "RTT", "MS", "LIMIT", "PROCESS", "BYTES", "AGE"],
            lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain('\x1b', output);
    }

    [Fact]
    public async Task SIGTERM_ends_it_with_a_summary_and_success()
    {
        using Process process = Start("--json");
        await Listening(process);
        await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken);
        string last = await Stop(process);
        Assert.StartsWith("{\"type\":\"summary\"", last, StringComparison.Ordinal);
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task An_interface_that_is_deleted_ends_it_with_a_failure_and_a_summary()
    {
        using Process process = Start("--json");
        await Listening(process);
        Assert.Equal(0, ChildProcess.Run(_lab.Client, "ip", "link", "del", NetworkLab.ClientInterface).ExitCode);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        Assert.Equal(1, process.ExitCode);
        using JsonDocument summary = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Contains(NetworkLab.ClientInterface, summary.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Contains("deleted", await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "no such device", "top", "-i", "nothing0")]
    [InlineData(2, "--sort", "top", "-i", "lo", "--sort", "beauty")]
    [InlineData(2, "100 ms", "top", "-i", "lo", "--interval", "1ms")]
    [InlineData(2, "above 0", "top", "-i", "lo", "-c", "0")]
    public void A_mistake_is_told(int code, string message, params string[] arguments)
    {
        ChildResult result = ChildProcess.Run(_lab.Client, "dotnet", [CliProcess.AssemblyPath, .. arguments]);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.OrdinalIgnoreCase);
    }

    private Process Start(params string[] options) =>
        ChildProcess.Start(_lab.Client, "dotnet", [CliProcess.AssemblyPath, "top", "-i", NetworkLab.ClientInterface, "--interval", "100ms", .. options]);

    private Socket Listen()
    {
        Socket listener = _lab.Server.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.ReceiveBufferSize = 8192;
        listener.Bind(new IPEndPoint(IPAddress.Parse(NetworkLab.ServerAddress), 0));
        listener.Listen();
        return listener;
    }

    // Behind what it may warn of.
    private static async Task Listening(Process process)
    {
        string? line;
        do
        {
            line = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken);
            Assert.NotNull(line);
        }
        while (!line.StartsWith("listening on", StringComparison.Ordinal));
    }

    private static async Task<JsonElement> Find(Process process, Predicate<JsonElement> isWanted)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        end.CancelAfter(Deadline);
        while (await process.StandardOutput.ReadLineAsync(end.Token) is { } line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.GetProperty("type").GetString() == "connection" && isWanted(document.RootElement))
            {
                return document.RootElement.Clone();
            }
        }

        throw new InvalidOperationException("The output ended before it had such a connection.");
    }

    private static async Task<string> Stop(Process process)
    {
        using Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        string rest = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        return rest.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
    }
}
