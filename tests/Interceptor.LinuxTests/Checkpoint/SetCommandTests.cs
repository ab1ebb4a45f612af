using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary><c>checkpoint --all-of</c> and the restore of a set: one process with many connections.</summary>
public sealed class SetCommandTests : IDisposable
{
    private const string Server = """
        import socket, sys
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        print(listener.getsockname()[1], flush=True)
        connections = [listener.accept()[0] for _ in range(int(sys.argv[1]))]
        print("accepted", flush=True)
        sys.stdin.read()
        """;

    /// <summary>Reads what each connection has up to a line's end, and answers with it and the descriptor's name.</summary>
    private const string Successor = """
        import os, socket, sys
        names = os.environ["LISTEN_FDNAMES"].split(":")
        assert int(os.environ["LISTEN_FDS"]) == len(names) and int(os.environ["LISTEN_PID"]) == os.getpid()
        for fd, name in enumerate(names, 3):
            s = socket.socket(fileno=fd)
            s.setblocking(True)
            if s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listener = s
                continue
            data = b""
            while not data.endswith(b"\n"):
                data += s.recv(4096)
            s.sendall(name.encode() + b" " + data)
        if len(sys.argv) > 1:
            listener.accept()[0].sendall(b"welcome\n")
        """;

    private readonly NetworkNamespace _ns;
    private readonly string _directory = Directory.CreateTempSubdirectory("set-test-").FullName;
    private readonly List<Socket> _clients = [];
    private Process? _server;

    public SetCommandTests()
    {
        KernelTest.RequireTool("iptables");
        KernelTest.RequireTool("python3");
        _ns = KernelTest.CreateNamespace("set command");
        _ns.Run(() => NativeSocket.BringUp("lo"));
    }

    [Fact]
    public async Task All_connections_and_their_listener_go_on_in_one_command_under_one_lock()
    {
        const int Connections = 50;
        Start(Connections);
        _clients.ForEach(client => Send(client, "before "));
        JsonElement[] lines = Take("taken", "--kill");
        JsonElement summary = lines[^1];
        Assert.Equal(Connections + 1, summary.GetProperty("connections").GetInt32());
        Assert.StartsWith("interceptor:lock:", summary.GetProperty("lock").GetString(), StringComparison.Ordinal);
        Assert.Equal("LISTEN", lines[0].GetProperty("state").GetString());
        Assert.Equal(Connections, Directory.EnumerateDirectories(At("taken"), "127.0.0.1:*-127.0.0.1:*").Count());

        // Nobody has the connections now, and nobody answers for them.
        _clients.ForEach(client => Send(client, "after\n"));
        using Socket caller = _ns.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        Task<CliResult> restore = Task.Factory.StartNew(
            () => _ns.Run(() => CliProcess.Run("restore", "--json", At("taken"), "--", "python3", "-c", Successor, "accept")), TaskCreationOptions.LongRunning);
        Dictionary<string, string> names = lines.Where(static line => line.GetProperty("type").GetString() == "connection")
            .ToDictionary(static line => line.GetProperty("peer").GetString()!, static line => line.GetProperty("image_id").GetString()!);
        Assert.All(_clients, client => Assert.Equal($"{names[client.LocalEndPoint!.ToString()!]} before after\n", ReadLine(client)));

        // The answers show that the command runs, and so that its listening socket does.
        caller.Connect(_clients[0].RemoteEndPoint!);
        CliResult restored = await restore.WaitAsync(TcpLink.Deadline);
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal("welcome\n", ReadLine(caller));
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
        Assert.Contains("restored before", Restore("taken").Error, StringComparison.Ordinal);
        Assert.Contains("restored before", Restore(Path.Combine("taken", Path.GetFileName(Directory.EnumerateDirectories(At("taken")).First()))).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_saw_no_packet_is_carried_over_and_the_rest_has_what_is_new()
    {
        Start(6);
        _clients.ForEach(client => Send(client, "one "));
        WaitForUnread(6 * 4);
        Take("first", "--leave-running");
        Send(_clients[1], "two ");
        Send(_clients[4], "two ");
        WaitForUnread((6 * 4) + 8);
        JsonElement[] lines = Take("second", "--leave-running", "--base", At("first"));
        Assert.Equal(4, lines[^1].GetProperty("carried_over").GetInt32());
        Assert.Equal(3, lines[^1].GetProperty("dumped").GetInt32());
        string changed = Directory.EnumerateDirectories(At("second"), "127.0.0.1:*-127.0.0.1:*").First();
        Assert.Equal(4, new FileInfo(Path.Combine(changed, "receive-queue.bin")).Length);

        // Taken away behind it: again only what is new, and everything restored.
        Assert.Equal(6, Take("taken", "--kill", "--base", At("second"))[^1].GetProperty("carried_over").GetInt32());
        Assert.Equal(0, CliProcess.Run("image", At("taken")).ExitCode);
        _clients.ForEach(client => Send(client, "end\n"));
        Assert.Contains("newer image", Restore("first").Error, StringComparison.Ordinal);
        CliResult restored = Restore("taken", "python3", "-c", Successor);
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal(
            ["one end\n", "one two end\n", "one end\n", "one end\n", "one two end\n", "one end\n"], _clients.Select(static client => ReadLine(client)[9..]));
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public void One_that_cannot_be_checkpointed_refuses_all_unless_it_may_be_left_out()
    {
        Start(3);
        _clients[1].Send("!"u8, SocketFlags.OutOfBand);
        string urgent = _clients[1].LocalEndPoint!.ToString()!;
        TcpLink.WaitUntil(() => Run("taken").ExitCode == 1, "the urgent byte to arrive");
        CliResult refused = Run("taken");
        Assert.Contains(urgent, refused.Error, StringComparison.Ordinal);
        Assert.Contains("--skip", refused.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(At("taken")));
        JsonElement[] lines = Take("taken", "--skip");
        Assert.Equal(3, lines[^1].GetProperty("connections").GetInt32());
        Assert.Contains(lines, line => line.GetProperty("type").GetString() == "left_out" && line.GetProperty("peer").GetString() == urgent);

        // It goes on with its process, which the lock of the others does not touch.
        Send(_clients[1], "still here");
        TcpLink.WaitUntil(
            () => _ns.Run(() => SessionCatalog.Read(_server!.Id)).Any(session => session.Peer.ToString() == urgent && session.ReceiveQueue >= 10), "its data to arrive");
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public void One_of_a_set_is_restored_by_itself_while_the_others_wait()
    {
        Start(3);
        Take("taken", "--kill");
        _clients.ForEach(client => Send(client, "line\n"));
        foreach (Socket client in (Socket[])[_clients[1], _clients[0]])
        {
            string name = Path.GetFileName(Directory.EnumerateDirectories(At("taken"), $"*-{client.LocalEndPoint}").Single());
            CliResult restored = Restore(Path.Combine("taken", name), "python3", "-c", Successor);
            Assert.True(restored.ExitCode == 0, restored.ToString());
            Assert.Equal("connection line\n", ReadLine(client));
            Assert.Equal(0, TcpLink.ResetsSent(_ns));
        }

        Assert.Contains("restored before", Restore("taken", "true").Error, StringComparison.Ordinal);
        Assert.Equal(1, Locks());
        Send(_clients[2], "more");
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public void Where_the_command_cannot_be_started_all_are_taken_back()
    {
        Start(20);
        Take("taken", "--kill");
        _clients.ForEach(client => Send(client, "line\n"));
        string program = At("no-program");
        File.WriteAllText(program, "neither a program nor a script\n");
#pragma warning disable CA1416 // Runs on Linux only.
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
#pragma warning restore CA1416
        CliResult failed = Restore("taken", program);
        Assert.True(failed.ExitCode == 1, failed.ToString());
        Assert.Contains("taken back", failed.Error, StringComparison.Ordinal);
        string back = Path.GetFileName(Directory.EnumerateDirectories(_directory, "taken.back-*").Single());
        CliResult restored = Restore(back, "python3", "-c", Successor);
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.All(_clients, client => Assert.EndsWith(" line\n", ReadLine(client), StringComparison.Ordinal));
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    public void Dispose()
    {
        _clients.ForEach(static client => client.Dispose());
        if (_server is { HasExited: false })
        {
            _server.Kill();
            _server.WaitForExit();
        }

        _server?.Dispose();
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private string At(string name) => Path.Combine(_directory, name);

    private void Start(int connections)
    {
        var start = new ProcessStartInfo("python3") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Server);
        start.ArgumentList.Add(connections.ToString(CultureInfo.InvariantCulture));
        _server = _ns.Run(() => Process.Start(start)!);
        int port = int.Parse(_server.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
        for (int i = 0; i < connections; i++)
        {
            _clients.Add(_ns.Run(() =>
            {
                var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.Connect(IPAddress.Loopback, port);
                return client;
            }));
        }

        Assert.Equal("accepted", _server.StandardOutput.ReadLine());
    }

    private CliResult Run(string name, params string[] options) => CliProcess.Run(
        ["checkpoint", "--all-of", "--pid", _server!.Id.ToString(CultureInfo.InvariantCulture), "-o", At(name), "--json", .. options]);

    private JsonElement[] Take(string name, params string[] options)
    {
        CliResult result = Run(name, options);
        Assert.True(result.ExitCode == 0, result.ToString());
        return [.. result.Lines.Select(static line => JsonDocument.Parse(line).RootElement)];
    }

    private CliResult Restore(string name, params string[] command) =>
        _ns.Run(() => CliProcess.Run(["restore", At(name), "--", .. command.Length == 0 ? ["true"] : command]));

    private int Locks() => _ns.Run(() => Interceptor.Capture.Intercept.FirewallCleanup.Run(includeLocks: false)).Kept.Select(static chain => chain.Owner).Distinct().Count();

    private void WaitForUnread(long bytes) =>
        TcpLink.WaitUntil(() => _ns.Run(() => SessionCatalog.Read(_server!.Id)).Sum(static session => session.ReceiveQueue) == bytes, $"{bytes} bytes at the server");

    private static void Send(Socket client, string text) => client.Send(Encoding.ASCII.GetBytes(text));

    private static string ReadLine(Socket client)
    {
        client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        var text = new StringBuilder();
        var buffer = new byte[1024];
        while (text.Length == 0 || text[^1] != '\n')
        {
            int count = client.Receive(buffer);
            Assert.NotEqual(0, count);
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return text.ToString();
    }
}
