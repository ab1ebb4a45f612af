using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Examples;

/// <summary>The program of docs/checkpoint-library.md, as it stands there, under SIGKILL.</summary>
public sealed class EchoServerTests : IDisposable
{
    private const int Port = 7000;
    private const int Bytes = 3_000_000;
    private const int Kills = 2;

    private readonly string _directory = Directory.CreateTempSubdirectory("echo-server-").FullName;
    private readonly NetworkNamespace _host = KernelTest.CreateNamespace("echo server");
    private readonly List<Process> _servers = [];

    private string Image => Path.Combine(_directory, "image");

    [Fact]
    public async Task The_connection_survives_the_servers_SIGKILL_and_every_byte_comes_back_once()
    {
        _host.Run(() => NativeSocket.BringUp("lo"));
        Process server = Start();
        using Socket client = Connect();
        int refusals = TcpLink.ResetsSent(_host);
        byte[] sent = TcpLink.Pattern(1, Bytes);
        Task sending = Task.Run(() => SendAll(client, sent));
        byte[] echo = new byte[Bytes];
        int read = 0;
        for (int kill = 1; kill <= Kills; kill++)
        {
            read = Read(client, echo, read, Bytes * kill / (Kills + 1));
            server.Kill();
            TcpLink.WaitUntil(() => Directory.Exists(Image), "the guard's image");
            server = Start();
        }

        read = Read(client, echo, read, Bytes);
        await sending;
        Assert.Equal(TcpLink.Sha256(sent), TcpLink.Sha256(echo));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, client.Receive(new byte[1]));
        server.WaitForExit();
        Assert.True(server.ExitCode == 0, $"exit code {server.ExitCode}: {server.StandardError.ReadToEnd()}");
        Assert.Equal(refusals, TcpLink.ResetsSent(_host));
        Assert.DoesNotContain("INTERCEPTOR", ChildProcess.Run(_host, "iptables-save").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_has_the_program_word_for_word()
    {
        string page = File.ReadAllText(Path.Combine(ProjectPaths.Root, "docs", "checkpoint-library.md"));
        string program = File.ReadAllText(Path.Combine(ProjectPaths.Root, "tests", "Interceptor.EchoServer", "Program.cs"));
        Assert.Contains($"```csharp\n{program}```", page, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        foreach (Process server in _servers)
        {
            server.Kill(entireProcessTree: true);
            server.WaitForExit();
            server.Dispose();
        }

        _host.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private Process Start()
    {
        Process server = ChildProcess.Start(_host, Path.Combine(AppContext.BaseDirectory, "echo-server"), $"{Port}", Image);
        _servers.Add(server);
        return server;
    }

    private Socket Connect()
    {
        Socket? client = null;
        TcpLink.WaitUntil(() => (client = _host.Run(TryConnect)) is not null, "the server's listening socket");
        client!.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        return client;
    }

    private static Socket? TryConnect()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            client.Connect(new IPEndPoint(IPAddress.Loopback, Port));
            return client;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            client.Dispose();
            return null;
        }
    }

    private static void SendAll(Socket client, byte[] data)
    {
        for (int at = 0; at < data.Length;)
        {
            at += client.Send(data.AsSpan(at));
        }
    }

    private static int Read(Socket client, byte[] echo, int from, int to)
    {
        while (from < to)
        {
            int count = client.Receive(echo.AsSpan(from));
            Assert.NotEqual(0, count);
            from += count;
        }

        return from;
    }
}
