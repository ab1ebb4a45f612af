using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Replay;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

public sealed class KeepPeerTests : IDisposable
{
    private readonly NetworkNamespace _ns;
    private readonly string _directory = Directory.CreateTempSubdirectory("keep-test-").FullName;

    public KeepPeerTests()
    {
        KernelTest.RequireTool("iptables");
        _ns = KernelTest.CreateNamespace("keep peer");
        _ns.Run(() =>
        {
            NativeSocket.BringUp("lo");
            TcpLink.Run("ip", "link set lo mtu 1500");
        });
    }

    [Fact]
    public async Task A_peer_with_data_under_way_outlives_a_pause_that_ends_one_that_nobody_answers()
    {
        // It gives up at the timeout behind its first repetition, some 0.6 s after what it sent.
        SetRetries(0);
        using var keptServer = new StreamServer(_ns, idle: true);
        using var lostServer = new StreamServer(_ns, idle: true);
        using Socket kept = keptServer.Connect(_ns);
        using Socket lost = lostServer.Connect(_ns);
        CliResult taken = CliProcess.Run(Arguments(lostServer, lost, "lost"));
        Assert.True(taken.ExitCode == 0, taken.ToString());
        using Process keeper = Process.Start(CliProcess.StartInfo([.. Arguments(keptServer, kept, "kept"), "--keep-peer-alive", "--json"]))!;
        Task<string> said = keeper.StandardError.ReadToEndAsync();
        JsonElement ready = JsonDocument.Parse((await keeper.StandardOutput.ReadLineAsync().WaitAsync(TcpLink.Deadline))!).RootElement;
        Assert.Equal("checkpoint", ready.GetProperty("type").GetString());
        Assert.True(ready.GetProperty("peer_gives_up_in_ms").GetDouble() <= 250, "tcp_retries2 of the connection's namespace is not reckoned with.");

        // The kept one first, and the same for both: what the peer sends when its connection is an image already.
        byte[] sent = TcpLink.Pattern(5, 60_000);
        kept.Send(sent);
        lost.Send(sent);
        Task<int> waiting = Task.Factory.StartNew(() => lost.Receive(new byte[1]), TaskCreationOptions.LongRunning);
        var end = await Assert.ThrowsAsync<SocketException>(() => waiting.WaitAsync(TcpLink.Deadline));
        Assert.Equal(SocketError.TimedOut, end.SocketErrorCode);

        using RestoredSession restored = _ns.Run(() => SessionRestore.Resume(Path.Combine(_directory, "kept")));
        using Socket server = restored.Socket.TakeSocket();
        Assert.Equal(TcpLink.Sha256(sent), TcpLink.ReadSha256(server, sent.Length));
        server.Send("all of it"u8);
        Assert.Equal(TcpLink.Sha256("all of it"u8), TcpLink.ReadSha256(kept, 9));
        await keeper.WaitForExitAsync().WaitAsync(TcpLink.Deadline);
        JsonElement summary = JsonDocument.Parse(keeper.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
        Assert.True(keeper.ExitCode == 0, await said);
        Assert.Equal("summary", summary.GetProperty("type").GetString());
        Assert.Equal("restored", summary.GetProperty("peer_keeping_ended").GetString());
        Assert.InRange(summary.GetProperty("peer_answers").GetInt64(), 2, 200);
        Assert.DoesNotContain(restored.Image.Id, SessionMoveTests.Rules(_ns), StringComparison.Ordinal);
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public async Task A_peer_is_kept_through_a_long_freeze_and_goes_on_at_once_behind_it()
    {
        // It gives up some 1.7 s after what it sent.
        SetRetries(1);
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        using Process checkpoint = Process.Start(CliProcess.StartInfo(
            [.. Arguments(server, client, "copy"), "--leave-running", "--freeze-for", "2200ms", "--keep-peer-alive"]))!;
        Task<string> said = checkpoint.StandardError.ReadToEndAsync();
        TcpLink.WaitUntil(() => FrozenProcess.IsStopped(server.Pid), "the freeze");
        client.Send(TcpLink.Pattern(6, 60_000));
        Assert.Equal(60_000, SendQueue(client));
        await checkpoint.WaitForExitAsync().WaitAsync(TcpLink.Deadline);
        Assert.True(checkpoint.ExitCode == 0, await said);
        TcpLink.WaitUntil(() => SendQueue(client) == 0, "the server's socket to take what was held");
        Assert.True(client.Poll(0, SelectMode.SelectWrite), "The peer has given up.");
        Assert.False(client.Poll(0, SelectMode.SelectRead), "The peer has given up.");
    }

    private static int SendQueue(Socket socket)
    {
        using var descriptor = FileDescriptor.Borrow((int)socket.Handle);
        return NativeSocket.IoctlInt(descriptor, Libc.SIOCOUTQ, "ioctl(SIOCOUTQ)", "the client");
    }

    private void SetRetries(int retries) => _ns.Run(() => File.WriteAllText("/proc/sys/net/ipv4/tcp_retries2", $"{retries}"));

    public void Dispose()
    {
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private string[] Arguments(StreamServer server, Socket client, string image) =>
        ["checkpoint", "--pid", $"{server.Pid}", "--connection", $"{server.Endpoint}-{StreamServer.EndpointOf(client.LocalEndPoint!)}", "-o", Path.Combine(_directory, image)];
}
