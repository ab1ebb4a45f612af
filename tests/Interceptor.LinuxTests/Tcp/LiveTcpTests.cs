using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Tcp;

public sealed class LiveTcpTests : IDisposable
{
    private static readonly byte[] Greeting = "hello\x1b[2J\n"u8.ToArray();

    private readonly NetworkLab _lab = NetworkLab.Create();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Connections_of_an_interface_are_followed_from_their_handshake()
    {
        (int code, string[] lines, string error) = await Capture("--json");
        Assert.True(code == 0, error);
        using JsonDocument connection = JsonDocument.Parse(lines[0]);
        JsonElement sent = connection.RootElement.GetProperty("client_to_server");
        Assert.Equal("handshake", connection.RootElement.GetProperty("opened").GetString());
        Assert.Equal("exact", connection.RootElement.GetProperty("client_socket").GetProperty("confidence").GetString());
        Assert.Equal("ESTABLISHED", connection.RootElement.GetProperty("client_socket").GetProperty("state").GetString());
        Assert.Equal(Greeting.Length, sent.GetProperty("payload_bytes").GetInt32());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Greeting)), sent.GetProperty("stream_sha256").GetString());
    }

    [Fact]
    public async Task A_stream_is_shown_live_without_its_escapes()
    {
        (int code, string[] lines, string error) = await Capture("--follow", "0");
        Assert.True(code == 0, error);
        Assert.Equal(["> hello\\x1b[2J"], lines);
    }

    // Four packets: the handshake and one segment of data.
    private async Task<(int Code, string[] Lines, string Error)> Capture(params string[] options)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using Socket listener = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        string port = ((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
        using Process process = ChildProcess.Start(_lab.Client, "dotnet", [CliProcess.AssemblyPath, "tcp", "-i", "lo", "-c", "4", .. options, "tcp", "port", port]);
        string? line = await process.StandardError.ReadLineAsync(cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(20), cancellation);
        Assert.StartsWith("listening on", line, StringComparison.Ordinal);
        using Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        client.Send(Greeting);
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation);
        string error = await process.StandardError.ReadToEndAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(20), cancellation);
        await process.WaitForExitAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(20), cancellation);
        return (process.ExitCode, (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries), error);
    }
}
