using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

public sealed class CheckpointCommandTests : IDisposable
{
    /// <summary>A new owner: goes on where the image says the old one was, four megabytes further, then ends the stream and reads the rest.</summary>
    private const string Successor = """
        import json, os, socket, sys
        assert os.environ["LISTEN_FDS"] == "1" and int(os.environ["LISTEN_PID"]) == os.getpid() and os.environ["LISTEN_FDNAMES"] == "connection"
        image = json.load(open(os.environ["INTERCEPTOR_IMAGE"] + "/session.json"))
        seq, count = image["sequences"], image["counters"]
        P = 65521
        pattern = bytes(((i * i + 7 * i) >> 3) & 255 for i in range(P)) * 3
        s = socket.socket(fileno=3)
        s.setblocking(True)
        at = count["bytes_acked"] + (seq["write_seq"] - seq["snd_una"]) % 2**32
        end = at + (4 << 20)
        while at < end:
            at += s.send(pattern[at % P:at % P + min(65536, end - at)])
        s.shutdown(socket.SHUT_WR)
        read = count["bytes_received"] - (seq["rcv_nxt"] - seq["copied_seq"]) % 2**32
        while True:
            data = s.recv(65536)
            if not data:
                break
            if data != pattern[read % P:read % P + len(data)]:
                sys.exit("wrong data at %d" % read)
            read += len(data)
        print(at, read)
        """;

    private readonly NetworkNamespace _ns;
    private readonly string _directory = Directory.CreateTempSubdirectory("checkpoint-test-").FullName;

    public CheckpointCommandTests()
    {
        KernelTest.RequireTool("iptables");
        _ns = KernelTest.CreateNamespace("checkpoint command");
        _ns.Run(() =>
        {
            NativeSocket.BringUp("lo");
            TcpLink.Run("ip", "link set lo mtu 1500");
        });
    }

    private string Image => Path.Combine(_directory, "image");

    [Fact]
    public async Task A_connection_taken_to_disk_goes_on_in_a_command_and_its_peer_sees_one_whole_stream()
    {
        using var server = new StreamServer(_ns);
        using Socket client = server.Connect(_ns);
        bool isOver = false;
        Task<long> clientRead = Task.Factory.StartNew(() => StreamServer.ReadToEnd(client, 0), TaskCreationOptions.LongRunning);
        Task<long> clientWrite = Task.Factory.StartNew(
            () => StreamServer.WriteUntil(client, 0, _ => Volatile.Read(ref isOver)), TaskCreationOptions.LongRunning);

        // Run outside the connection's namespace: it finds the way by itself.
        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image, "--kill", "--json");
        Assert.True(taken.ExitCode == 0, taken.ToString());
        using JsonDocument summary = JsonDocument.Parse(taken.Lines[^1]);
        Assert.Equal("ESTABLISHED", summary.RootElement.GetProperty("state").GetString());
        Assert.True(summary.RootElement.GetProperty("held_packets").GetInt32() > 0, taken.Output);
        Assert.StartsWith("interceptor:lock:", summary.RootElement.GetProperty("lock").GetString(), StringComparison.Ordinal);
        Assert.Contains("interceptor restore", taken.Error, StringComparison.Ordinal);
        TcpLink.WaitUntil(() => server.HasExited, "the old owner's end");

        Task<CliResult> restore = Task.Factory.StartNew(
            () => _ns.Run(() => CliProcess.Run("restore", Image, "--", "python3", "-c", Successor)), TaskCreationOptions.LongRunning);
        long read = await clientRead.WaitAsync(TcpLink.Deadline);
        Volatile.Write(ref isOver, true);
        CliResult restored = await restore.WaitAsync(TcpLink.Deadline);
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal($"{read} {await clientWrite.WaitAsync(TcpLink.Deadline)}", restored.Output.Trim());
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public void A_connection_left_running_goes_on_and_its_image_is_whole()
    {
        using var server = new StreamServer(_ns);
        using Socket client = server.Connect(_ns);
        var buffer = new byte[200_000];
        long at = client.Receive(buffer);
        CliResult taken = CliProcess.Run(
            "checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image, "--leave-running");
        Assert.True(taken.ExitCode == 0, taken.ToString());
        Assert.Contains("goes on with its process", taken.Output, StringComparison.Ordinal);
        client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        for (long end = at + (8 << 20); at < end;)
        {
            int count = client.Receive(buffer.AsSpan(0, 65536));
            Assert.True(buffer.AsSpan(0, count).SequenceEqual(StreamServer.Bytes(at, count)));
            at += count;
        }

        Assert.Equal("ESTABLISHED", Interceptor.Replay.SessionFiles.Read(Image).Snapshot.State.ToRfcName());
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public async Task A_program_and_its_connection_frozen_for_longer_than_the_peer_waits_go_on_as_if_nothing_had_been()
    {
        using var server = new StreamServer(_ns);
        using Socket client = server.Connect(_ns);
        bool isOver = false;
        Task<long> clientRead = Task.Factory.StartNew(() => StreamServer.ReadToEnd(client, 0), TaskCreationOptions.LongRunning);
        Task<long> clientWrite = Task.Factory.StartNew(() => StreamServer.WriteUntil(client, 0, _ => Volatile.Read(ref isOver)), TaskCreationOptions.LongRunning);
        CliResult taken = CliProcess.Run(
            "checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image, "--leave-running", "--freeze-for", "500ms", "--json");
        Assert.True(taken.ExitCode == 0, taken.ToString());
        JsonElement summary = JsonDocument.Parse(taken.Lines[^1]).RootElement;
        Assert.InRange(summary.GetProperty("freeze_ms").GetDouble(), 500, 5000);
        Assert.InRange(summary.GetProperty("peer_retransmits_in_ms").GetDouble(), 200, 500);
        Assert.Equal(924_600, summary.GetProperty("peer_gives_up_in_ms").GetDouble(), 300_000.0);

        // The client's own retransmission was held with what it had sent before, and all of it went on.
        Assert.True(summary.GetProperty("held_packets").GetInt32() > 1, taken.Output);
        Volatile.Write(ref isOver, true);
        await clientWrite.WaitAsync(TcpLink.Deadline);
        using (var socket = FileDescriptor.Borrow((int)client.Handle))
        {
            TcpLink.WaitUntil(() => NativeSocket.IoctlInt(socket, Libc.SIOCOUTQ, "ioctl(SIOCOUTQ)", "the client") == 0, "the server to take all that the client wrote");
        }

        Assert.Equal(0, TcpLink.ResetsSent(_ns));
        Assert.False(clientRead.IsFaulted);
        Assert.Equal("", server.EndAndReadErrors());
        Assert.Equal(2, CliProcess.Run("checkpoint", "--pid", "1", "--connection", "127.0.0.1:1-127.0.0.1:2", "-o", Image, "--freeze-for", "1s").ExitCode);
    }

    [Fact]
    public void A_restore_says_what_it_did_as_json_before_the_command_has_standard_output()
    {
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        client.Send("seven b"u8);
        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image);
        Assert.True(taken.ExitCode == 0, taken.ToString());
        CliResult restored = _ns.Run(() => CliProcess.Run("restore", "--json", Image, "--", "echo", "the command"));
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal("the command", restored.Lines[1]);
        using JsonDocument summary = JsonDocument.Parse(restored.Lines[0]);
        JsonElement root = summary.RootElement;
        Assert.Equal("summary", root.GetProperty("type").GetString());
        Assert.Equal(server.Endpoint.ToString(), root.GetProperty("local").GetString());
        Assert.Equal(7, root.GetProperty("receive_queue_bytes").GetInt32());
        Assert.True(root.GetProperty("lock_removed").GetBoolean());
        Assert.DoesNotContain("goes on", restored.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_restore_that_fails_for_want_of_an_address_leaves_image_and_lock_and_works_later()
    {
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        client.Send("kept"u8);
        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image);
        Assert.True(taken.ExitCode == 0, taken.ToString());
        CliResult elsewhere = KernelTest.CreateNamespace("elsewhere").Run(() => CliProcess.Run("restore", Image, "--", "true"));
        Assert.True(elsewhere.ExitCode == 1, elsewhere.ToString());
        client.Send(" waiting"u8);
        CliResult restored = _ns.Run(() => CliProcess.Run(
            "restore", Image, "--", "python3", "-c", "import socket; s = socket.socket(fileno=3); print(s.recv(12, socket.MSG_WAITALL).decode())"));
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal("kept waiting", restored.Output.Trim());
    }

    [Fact]
    public void An_encrypted_image_is_restored_with_its_key_and_only_once()
    {
        string key = Path.Combine(_directory, "key");
        File.WriteAllBytes(key, TcpLink.Pattern(3, 32));
        Assert.Equal(0, ChildProcess.Run(null, TcpLink.Deadline, "chmod", "600", key).ExitCode);
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        client.Send("secret"u8);
        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image, "--encrypt", key);
        Assert.True(taken.ExitCode == 0, taken.ToString());
        Assert.All(Directory.EnumerateFiles(Image), file => Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf("secret"u8) < 0, file));
        CliResult keyless = _ns.Run(() => CliProcess.Run("restore", Image, "--", "true"));
        Assert.Equal(4, keyless.ExitCode);
        Assert.Contains("--key", keyless.Error, StringComparison.Ordinal);
        CliResult restored = _ns.Run(() => CliProcess.Run(
            "restore", "--key", key, Image, "--", "python3", "-c", "import socket; s = socket.socket(fileno=3); print(s.recv(6, socket.MSG_WAITALL).decode())"));
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal("secret", restored.Output.Trim());
        CliResult again = _ns.Run(() => CliProcess.Run("restore", "--key", key, Image, "--", "true"));
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("was restored before", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_names_each_obstacle_and_touches_nothing()
    {
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        string[] name = ["--pid", $"{server.Pid}", "--connection", NameOf(server, client)];
        CliResult possible = CliProcess.Run(["checkpoint", "--check", .. name]);
        Assert.True(possible.ExitCode == 0, possible.ToString());
        Assert.Equal($"{NameOf(server, client)} can be checkpointed\n", possible.Output);
        client.Send("!"u8, SocketFlags.OutOfBand);
        TcpLink.WaitUntil(() => CliProcess.Run(["checkpoint", "--check", .. name]).ExitCode == 1, "the urgent byte to arrive");
        CliResult urgent = CliProcess.Run(["checkpoint", "--check", "--json", .. name]);
        Assert.Equal("urgent-data", JsonDocument.Parse(urgent.Lines[0]).RootElement.GetProperty("code").GetString());
        Assert.False(JsonDocument.Parse(urgent.Lines[^1]).RootElement.GetProperty("can_checkpoint").GetBoolean());
        Assert.Equal(3, CliProcess.RunWithoutPrivileges(["checkpoint", "--check", .. name]).ExitCode);
        Assert.Equal(2, CliProcess.Run(["checkpoint", .. name]).ExitCode);
    }

    [Fact]
    public void A_check_of_a_restore_names_each_obstacle_and_leaves_the_image_as_it_is()
    {
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        CliResult copied = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image + "-copy", "--leave-running");
        Assert.True(copied.ExitCode == 0, copied.ToString());
        Assert.Equal(["exists"], Codes(_ns, Image + "-copy"));
        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image);
        Assert.True(taken.ExitCode == 0, taken.ToString());
        Assert.Empty(Codes(_ns, Image));
        using (NetworkNamespace elsewhere = KernelTest.CreateNamespace("elsewhere"))
        {
            Assert.Equal(["route"], Codes(elsewhere, Image));
        }

        SessionImage image = Interceptor.Replay.SessionFiles.Read(Image);
        SessionImage foreign = image with
        {
            Snapshot = image.Snapshot with { Local = new FlowEndpoint(IpAddress.FromIpv4(0xC000024D), 80) },
            Settings = image.Settings with { CongestionControl = "astrology" },
            BootId = "another",
        };
        Assert.Equal(["address", "congestion-control", "clock"], _ns.Run(() => RestorePreflight.Inspect(foreign)).Select(obstacle => obstacle.Code));
        CliResult restored = _ns.Run(() => CliProcess.Run("restore", Image, "--", "true"));
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Contains("restored", Codes(_ns, Image));

        static string[] Codes(NetworkNamespace network, string image)
        {
            CliResult result = network.Run(() => CliProcess.Run("restore", "--check", "--json", image));
            string[] codes = [.. result.Lines[..^1].Select(line => JsonDocument.Parse(line).RootElement.GetProperty("code").GetString()!)];
            Assert.Equal(codes.Length == 0, result.ExitCode == 0);
            return codes;
        }
    }

    [Fact]
    public void Without_a_command_the_connection_is_joined_to_standard_input_and_output()
    {
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        client.Send("to the server"u8);
        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image);
        Assert.True(taken.ExitCode == 0, taken.ToString());
        using Process restore = _ns.Run(() => Process.Start(CliProcess.StartInfo("restore", Image))!);
        restore.StandardInput.Write("to the client");
        restore.StandardInput.Close();
        Assert.Equal(TcpLink.Sha256("to the client"u8), TcpLink.ReadSha256(client, 13));
        Assert.Equal(0, client.Receive(new byte[1]));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("to the server", restore.StandardOutput.ReadToEnd());
        restore.WaitForExit();
        Assert.Equal(0, restore.ExitCode);
    }

    [Fact]
    public void What_cannot_be_done_is_said_with_the_right_exit_code_and_disturbs_nothing()
    {
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        string name = NameOf(server, client);
        AssertFails(1, "there is no process", "checkpoint", "--pid", "4194303", "--connection", name, "-o", Image);
        AssertFails(1, name, "checkpoint", "--pid", $"{server.Pid}", "--connection", "127.0.0.1:1-127.0.0.1:2", "-o", Image);
        AssertFails(2, "is not a connection", "checkpoint", "--pid", $"{server.Pid}", "--connection", "127.0.0.1:1", "-o", Image);
        AssertFails(1, "exists already", "checkpoint", "--pid", $"{server.Pid}", "--connection", name, "-o", _directory);
        AssertFails(4, "no session image", "restore", Image);

        // The connection is still there, so restoring its image beside it must fail and leave it alone.
        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", name, "-o", Image, "--leave-running");
        Assert.True(taken.ExitCode == 0, taken.ToString());
        AssertFails(1, "still exists", "restore", Image);
        AssertFails(1, "can be executed", "restore", Image, "--", "/no/such/program");
        File.AppendAllText(Path.Combine(Image, "send-queue.bin"), "x");
        AssertFails(4, "cut or changed", "restore", Image);
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public void Without_privileges_the_remedy_is_named()
    {
        KernelTest.RequireTool("setpriv");
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        CliResult result = CliProcess.RunWithoutPrivileges(
            "checkpoint", "--pid", $"{server.Pid}", "--connection", NameOf(server, client), "-o", Image);
        Assert.True(result.ExitCode == 3, result.ToString());
        Assert.Contains("CAP_", result.Error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static string NameOf(StreamServer server, Socket client)
    {
        FlowEndpoint peer = StreamServer.EndpointOf(client.LocalEndPoint!);
        return $"{server.Endpoint}-{peer}";
    }

    private void AssertFails(int exitCode, string message, params string[] arguments)
    {
        CliResult result = _ns.Run(() => CliProcess.Run(arguments));
        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }
}
