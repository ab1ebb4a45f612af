using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Interop;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary><c>checkpoint --base</c> of a connection of another process.</summary>
public sealed class ChainCommandTests : IDisposable
{
    private readonly NetworkNamespace _ns;
    private readonly string _directory = Directory.CreateTempSubdirectory("chain-test-").FullName;

    public ChainCommandTests()
    {
        KernelTest.RequireTool("iptables");
        _ns = KernelTest.CreateNamespace("chain command");
        _ns.Run(() => NativeSocket.BringUp("lo"));
    }

    [Fact]
    public void Each_image_has_what_is_new_and_the_newest_restores_everything()
    {
        using var server = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        byte[] data = TcpLink.Pattern(7, 40_000);
        Send(client, server, data.AsSpan(0, 20_000), 20_000);
        Take(server, client, "0", "--leave-running");
        Send(client, server, data.AsSpan(20_000, 15_000), 35_000);
        JsonElement second = Take(server, client, "1", "--leave-running", "--base", At("0"));
        Assert.Equal(At("0"), second.GetProperty("base").GetString());
        Assert.Equal(35_000, second.GetProperty("receive_queue_bytes").GetInt32());
        Assert.Equal(15_000, new FileInfo(Path.Combine(At("1"), "receive-queue.bin")).Length);
        Send(client, server, data.AsSpan(35_000), 40_000);
        Take(server, client, "2", "--base", At("1"));
        Assert.Equal(5_000, new FileInfo(Path.Combine(At("2"), "receive-queue.bin")).Length);
        Assert.True(SessionFiles.Read(At("2")).ReceiveQueue.Span.SequenceEqual(data));

        CliResult older = _ns.Run(() => CliProcess.Run("restore", At("1"), "--", "true"));
        Assert.Equal(1, older.ExitCode);
        Assert.Contains("base of a newer image (../2)", older.Error, StringComparison.Ordinal);
        CliResult check = _ns.Run(() => CliProcess.Run("restore", "--check", "--json", At("1")));
        Assert.Contains("\"newer\"", check.Output, StringComparison.Ordinal);
        CliResult restored = _ns.Run(() => CliProcess.Run(
            "restore", At("2"), "--", "python3", "-c",
            "import hashlib, socket; s = socket.socket(fileno=3); s.setblocking(True); print(hashlib.sha256(s.recv(40000, socket.MSG_WAITALL)).hexdigest())"));
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal(TcpLink.Sha256(data), restored.Output.Trim());
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public void Another_connections_base_is_refused_before_anything_is_touched()
    {
        using var server = new StreamServer(_ns, idle: true);
        using var other = new StreamServer(_ns, idle: true);
        using Socket client = server.Connect(_ns);
        using Socket otherClient = other.Connect(_ns);
        Take(other, otherClient, "other", "--leave-running");
        CliResult result = CliProcess.Run(Arguments(server, client, "image", "--base", At("other")));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("is an image of another connection", result.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(At("image")));
        File.AppendAllText(Path.Combine(At("other"), "send-queue.bin"), "!");
        Assert.Equal(4, CliProcess.Run(Arguments(other, otherClient, "image", "--base", At("other"))).ExitCode);
        client.Send("still there"u8);
        TcpLink.WaitUntil(() => Unread(server, client) == 11, "the data at the server that was left alone");
    }

    public void Dispose()
    {
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private string At(string name) => Path.Combine(_directory, name);

    private JsonElement Take(StreamServer server, Socket client, string name, params string[] options)
    {
        CliResult taken = CliProcess.Run([.. Arguments(server, client, name, options), "--json"]);
        Assert.True(taken.ExitCode == 0, taken.ToString());
        return JsonDocument.Parse(taken.Lines[^1]).RootElement;
    }

    private string[] Arguments(StreamServer server, Socket client, string name, params string[] options) =>
    [
        "checkpoint", "--pid", server.Pid.ToString(CultureInfo.InvariantCulture), "--connection", $"{server.Endpoint}-{StreamServer.EndpointOf(client.LocalEndPoint!)}",
        "-o", At(name), .. options,
    ];

    private void Send(Socket client, StreamServer server, ReadOnlySpan<byte> data, int unread)
    {
        Assert.Equal(data.Length, client.Send(data));
        TcpLink.WaitUntil(() => Unread(server, client) == unread, $"{unread} bytes at the server");
    }

    private long Unread(StreamServer server, Socket client) => _ns.Run(() =>
        Interceptor.Checkpoint.SessionCatalog.Read(server.Pid).Single(session => session.Peer == StreamServer.EndpointOf(client.LocalEndPoint!)).ReceiveQueue);
}
