using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>Who gets a restored connection: a server behind it, a program that waits at a Unix socket, a command; and that it is not lost where none of them takes it.</summary>
public sealed class RestoreHandoverTests
{
    private const string Taker = """
        import array, json, socket, sys
        listener = socket.socket(socket.AF_UNIX)
        name = sys.argv[1]
        listener.bind("\0" + name[1:] if name[0] == "@" else name)
        listener.listen()
        print("ready", flush=True)
        channel, _ = listener.accept()
        fds = array.array("i")
        data, extra, _, _ = channel.recvmsg(65536, socket.CMSG_SPACE(4))
        for level, kind, content in extra:
            fds.frombytes(content[:4])
        line = json.loads(data)
        channel.close()
        s = socket.socket(fileno=fds[0])
        s.setblocking(True)
        s.sendall(("taken " + line["image_id"]).encode())
        print(line["local"], line["read_offset"], line["written_offset"], s.recv(100).decode(), flush=True)
        """;

    [Fact]
    public async Task Spliced_to_a_server_both_streams_go_on_and_each_ends_by_itself()
    {
        using var taken = new TakenSession(unread: "GET /");
        using var backend = new Backend(taken.Namespace, IPAddress.Loopback);
        using Process restore = Start(taken, "restore", "--json", taken.Image, "--splice", $"localhost:{backend.Port}");
        using Socket accepted = backend.Accept();
        taken.Client.Send(" HTTP/1.0"u8);
        Assert.Equal(TcpLink.Sha256("GET / HTTP/1.0"u8), TcpLink.ReadSha256(accepted, 14));
        taken.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, accepted.Receive(new byte[1]));
        byte[] answer = TcpLink.Pattern(5, 3_000_000);
        Task writer = Task.Run(() => accepted.Send(answer));
        Assert.Equal(TcpLink.Sha256(answer), TcpLink.ReadSha256(taken.Client, answer.Length));
        await writer.WaitAsync(TcpLink.Deadline);
        accepted.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, taken.Client.Receive(new byte[1]));
        (int code, string[] lines, _) = End(restore);
        Assert.Equal(0, code);
        Assert.Equal("restored", JsonDocument.Parse(lines[0]).RootElement.GetProperty("type").GetString());
        JsonElement summary = JsonDocument.Parse(lines[^1]).RootElement;
        Assert.Equal("summary", summary.GetProperty("type").GetString());
        Assert.Equal("closed", summary.GetProperty("ended").GetString());
        Assert.Equal(14, summary.GetProperty("peer_to_backend_bytes").GetInt64());
        Assert.Equal(answer.Length, summary.GetProperty("backend_to_peer_bytes").GetInt64());
        Assert.Equal(0, TcpLink.ResetsSent(taken.Namespace));
    }

    [Fact]
    public void A_server_that_refuses_leaves_image_lock_and_peer_as_they_were()
    {
        using var taken = new TakenSession(unread: "waiting");
        CliResult refused = taken.Run("restore", taken.Image, "--splice", "127.0.0.1:1");
        Assert.True(refused.ExitCode == 1, refused.ToString());
        Assert.Contains("connect to 127.0.0.1:1: Connection refused", refused.Error, StringComparison.Ordinal);
        Assert.Equal(2, taken.Run("restore", taken.Image, "--splice", "127.0.0.1").ExitCode);
        Assert.Equal(2, taken.Run("restore", taken.Image, "--splice", "127.0.0.1:1", "--to-socket", "@x").ExitCode);
        taken.AssertUntouched("waiting", resets: 1);
    }

    [Fact]
    public void A_splice_that_is_stopped_says_what_was_moved()
    {
        using var taken = new TakenSession(unread: "seven b");
        using var backend = new Backend(taken.Namespace, IPAddress.IPv6Loopback);
        using Process restore = Start(taken, "restore", taken.Image, "--splice", $"[::1]:{backend.Port}");
        using Socket accepted = backend.Accept();
        Assert.Equal(TcpLink.Sha256("seven b"u8), TcpLink.ReadSha256(accepted, 7));
        Assert.Equal(0, ChildProcess.Run(null, TcpLink.Deadline, "kill", "-TERM", $"{restore.Id}").ExitCode);
        (int code, string[] lines, _) = End(restore);
        Assert.Equal(0, code);
        Assert.Equal($"stopped: 7 bytes from {StreamServer.EndpointOf(taken.Client.LocalEndPoint!)} to [::1]:{backend.Port}, 0 bytes back", lines[^1]);
    }

    [Fact]
    public void A_server_that_breaks_off_is_told_and_the_peer_is_reset_instead_of_seeing_an_end()
    {
        using var taken = new TakenSession();
        using var backend = new Backend(taken.Namespace, IPAddress.Loopback);
        using Process restore = Start(taken, "restore", taken.Image, "--splice", $"127.0.0.1:{backend.Port}");
        using Socket accepted = backend.Accept();
        accepted.Send("half"u8);
        Assert.Equal(TcpLink.Sha256("half"u8), TcpLink.ReadSha256(taken.Client, 4));
        accepted.LingerState = new LingerOption(true, 0);
        accepted.Close();
        var exception = Assert.Throws<SocketException>(() => taken.Client.Receive(new byte[1]));
        Assert.Equal(SocketError.ConnectionReset, exception.SocketErrorCode);
        (int code, string[] lines, string error) = End(restore);
        Assert.Equal(1, code);
        Assert.StartsWith("broken: 0 bytes from", lines[^1], StringComparison.Ordinal);
        Assert.Contains($" on 127.0.0.1:{backend.Port}: Connection reset by peer", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_program_that_waits_at_a_unix_socket_gets_the_descriptor_and_a_line_that_says_where_it_is(bool isAbstract)
    {
        KernelTest.RequireTool("python3");
        using var taken = new TakenSession(unread: "five.");
        string name = isAbstract ? $"@restore-test-{Environment.ProcessId}" : taken.PathOf("control");
        using Process taker = taken.Namespace.Run(() => Process.Start(new ProcessStartInfo("python3", ["-c", Taker, name]) { RedirectStandardOutput = true })!);
        Assert.Equal("ready", taker.StandardOutput.ReadLine());
        CliResult restored = taken.Run("restore", "--json", taken.Image, "--to-socket", name);
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal(taken.Taken.Id, JsonDocument.Parse(restored.Lines[^1]).RootElement.GetProperty("image_id").GetString());
        Assert.Equal(TcpLink.Sha256(System.Text.Encoding.ASCII.GetBytes($"taken {taken.Taken.Id}")), TcpLink.ReadSha256(taken.Client, 14));
        Assert.Equal($"{taken.Local} 0 0 five.\n", taker.StandardOutput.ReadToEnd());
        Assert.Equal(0, TcpLink.ResetsSent(taken.Namespace));
    }

    [Fact]
    public void A_unix_socket_where_nobody_listens_leaves_everything_as_it_was()
    {
        using var taken = new TakenSession(unread: "kept");
        CliResult refused = taken.Run("restore", taken.Image, "--to-socket", taken.PathOf("nobody"));
        Assert.True(refused.ExitCode == 1, refused.ToString());
        Assert.Contains("listening there", refused.Error, StringComparison.Ordinal);
        taken.AssertUntouched("kept");
    }

    [Fact]
    public void A_connection_that_its_taker_does_not_read_is_taken_back_without_an_end()
    {
        using var taken = new TakenSession(unread: "kept");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(taken.PathOf("control")));
        listener.Listen();
        using Process restore = Start(taken, "restore", taken.Image, "--to-socket", taken.PathOf("control"));
        using (Socket channel = listener.Accept())
        {
            TcpLink.WaitUntil(() => channel.Available > 0, "the line");
        }

        (int code, _, string error) = End(restore);
        Assert.Equal(1, code);
        Assert.Contains("taken back into its image", error, StringComparison.Ordinal);
        taken.AssertUntouched("kept");
    }

    [Fact]
    public async Task In_csharp_the_taker_gets_a_socket()
    {
        using var taken = new TakenSession(unread: "kept");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(taken.PathOf("control")));
        listener.Listen();
        Task<(Socket? Connection, string Line)> taker = Task.Factory.StartNew(
            () =>
            {
                using Socket channel = listener.Accept();
                Socket? connection = SessionHandover.Take(channel, out string line);
                return (connection, line);
            },
            TaskCreationOptions.LongRunning);
        using (SessionHandover handover = SessionHandover.Connect(taken.PathOf("control")))
        using (RestoredSession session = taken.Namespace.Run(() => SessionRestore.Resume(taken.Image)))
        {
            handover.Give(session.Socket.Handle, SessionHandoverLine.Of(session.Image, session.Directory), TcpLink.Deadline);
        }

        (Socket? socket, string line) = await taker.WaitAsync(TcpLink.Deadline);
        Assert.Equal(4, JsonDocument.Parse(line).RootElement.GetProperty("receive_queue_bytes").GetInt32());
        Assert.Equal(TcpLink.Sha256("kept"u8), TcpLink.ReadSha256(socket!, 4));
        socket!.Send("taken"u8);
        Assert.Equal(TcpLink.Sha256("taken"u8), TcpLink.ReadSha256(taken.Client, 5));
        socket.Dispose();
    }

    [Fact]
    public async Task A_command_gets_the_connection_blocking_whatever_its_owner_had()
    {
        using var taken = new TakenSession();
        string image = taken.PathOf("nonblocking");
        SessionFiles.Write(image, taken.Taken with { Settings = taken.Taken.Settings with { NonBlocking = true } });
        Task<CliResult> restored = Task.Factory.StartNew(
            () => taken.Run("restore", image, "--", "sh", "-c", "echo ready >&3; head -c 4 <&3"), TaskCreationOptions.LongRunning);
        Assert.Equal(TcpLink.Sha256("ready\n"u8), TcpLink.ReadSha256(taken.Client, 6));
        taken.Client.Send("more"u8);
        CliResult result = await restored.WaitAsync(TcpLink.Deadline);
        Assert.True(result.ExitCode == 0 && result.Output == "more", result.ToString());
    }

    [Theory]
    [InlineData("\x7f" + "ELF, but of no machine", "It is no program for this machine")]
    [InlineData("#!/no/such/interpreter\n", "is the interpreter that it names")]
    public void A_command_that_cannot_be_started_leaves_image_lock_and_peer_as_they_were(string content, string message)
    {
        using var taken = new TakenSession(unread: "kept");
        string program = taken.PathOf("program");
        File.WriteAllText(program, content);
        Assert.Equal(0, ChildProcess.Run(null, TcpLink.Deadline, "chmod", "755", program).ExitCode);
        CliResult failed = taken.Run("restore", taken.Image, "--", program);
        Assert.True(failed.ExitCode == 1, failed.ToString());
        Assert.Contains(message, failed.Error, StringComparison.Ordinal);
        Assert.Contains("taken back into its image", failed.Error, StringComparison.Ordinal);
        taken.AssertUntouched("kept");
    }

    [Fact]
    public void What_went_both_ways_before_a_connection_is_taken_back_is_in_the_image_then()
    {
        using var taken = new TakenSession(unread: "one ");
        using (RestoredSession session = taken.Namespace.Run(() => SessionRestore.Resume(taken.Image)))
        {
            Assert.Equal(4, NativeSocket.TryReceive(session.Socket.Descriptor, new byte[4], 0));
            Assert.Equal(5, NativeSocket.TrySend(session.Socket.Descriptor, "first"u8, 0));
            Assert.Equal(TcpLink.Sha256("first"u8), TcpLink.ReadSha256(taken.Client, 5));
            taken.Client.Send("two "u8);
            TcpLink.WaitUntil(() => NativeSocket.IoctlInt(session.Socket.Descriptor, Libc.SIOCINQ, "", "") == 4, "the client's data");
            taken.Namespace.Run(session.TakeBack);
        }

        SessionImage image = SessionFiles.Read(taken.Image);
        Assert.Equal((taken.Taken.Id, 4L, 5L), (image.Id, image.ReadOffset, image.WrittenOffset(StreamOrigin.Accepted)));
        Assert.Single(Directory.GetDirectories(Path.GetDirectoryName(taken.Image)!));
        taken.AssertUntouched("two ");
    }

    [Fact]
    public void Without_privileges_nothing_is_restored_and_the_remedy_is_named()
    {
        KernelTest.RequireTool("setpriv");
        using var taken = new TakenSession(unread: "kept");
        CliResult refused = taken.Namespace.Run(() => CliProcess.RunWithoutPrivileges("restore", taken.Image, "--", "true"));
        Assert.True(refused.ExitCode == 3, refused.ToString());
        Assert.Contains("CAP_NET_ADMIN", refused.Error, StringComparison.Ordinal);
        taken.AssertUntouched("kept");
    }

    [Fact]
    public void A_second_restore_is_refused_while_the_first_goes_on_even_where_it_is_forced()
    {
        using var taken = new TakenSession(unread: "kept");
        using RestoredSession session = taken.Namespace.Run(() => SessionRestore.Resume(taken.Image));
        CliResult second = taken.Run("restore", taken.Image, "--", "true");
        Assert.True(second.ExitCode == 1, second.ToString());
        Assert.Contains("was restored before", second.Error, StringComparison.Ordinal);
        CliResult forced = taken.Run("restore", "--force", taken.Image, "--", "true");
        Assert.True(forced.ExitCode == 1, forced.ToString());
        Assert.Contains("still exists", forced.Error, StringComparison.Ordinal);
        Assert.NotNull(SessionRestoreMark.ReadFrom(taken.Image));
        using Socket socket = session.Socket.TakeSocket();
        Assert.Equal(TcpLink.Sha256("kept"u8), TcpLink.ReadSha256(socket, 4));
        socket.Send("still here"u8);
        Assert.Equal(TcpLink.Sha256("still here"u8), TcpLink.ReadSha256(taken.Client, 10));
        Assert.Equal(0, TcpLink.ResetsSent(taken.Namespace));
    }

    [Fact]
    public void A_port_that_another_socket_shares_does_not_keep_a_connection_from_coming_back()
    {
        using var taken = new TakenSession(unread: "kept");
        using Socket other = taken.Namespace.Run(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, taken.Local.Port));
            socket.Listen();
            return socket;
        });
        taken.AssertUntouched("kept");
    }

    private static Process Start(TakenSession taken, params string[] arguments) => taken.Namespace.Run(() => Process.Start(CliProcess.StartInfo(arguments))!);

    private static (int Code, string[] Lines, string Error) End(Process process)
    {
        string output = process.StandardOutput.ReadToEnd();
        string error = process.StandardError.ReadToEnd();
        Assert.True(process.WaitForExit(TcpLink.Deadline), "The restore does not end.");
        return (process.ExitCode, output.Split('\n', StringSplitOptions.RemoveEmptyEntries), error);
    }

    /// <summary>A server's listening socket inside the namespace.</summary>
    private sealed class Backend : IDisposable
    {
        private readonly Socket _listener;

        internal Backend(NetworkNamespace ns, IPAddress address) => _listener = ns.Run(() =>
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            socket.Listen();
            return socket;
        });

        internal int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        internal Socket Accept()
        {
            TcpLink.WaitUntil(() => _listener.Poll(0, SelectMode.SelectRead), "the restore's connection to its server");
            Socket accepted = _listener.Accept();
            accepted.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
            return accepted;
        }

        public void Dispose() => _listener.Dispose();
    }
}
