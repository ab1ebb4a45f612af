using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.LinuxTests.Live;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

public sealed class SessionsCommandTests
{

    [Fact]
    public void An_established_connection_is_told_with_its_owner_queues_and_path()
    {
        using var link = new TcpLink();
        link.Client.Send(new byte[1000]);
        LinkedWait(link.Server, 1000);
        JsonElement session = Assert.Single(Sessions(link, "tcp", "src", "port", Port(link.Server.LocalEndPoint!), "and", "dst", "port", Port(link.Client.LocalEndPoint!)),
            session => session.GetProperty("local").GetProperty("port").GetInt32() == ((IPEndPoint)link.Server.LocalEndPoint!).Port);
        Assert.Equal("ESTABLISHED", session.GetProperty("state").GetString());
        Assert.Equal(1000, session.GetProperty("receive_queue_bytes").GetInt32());
        Assert.Equal(0, session.GetProperty("send_queue_bytes").GetInt32());
        Assert.True(session.GetProperty("rtt_ms").GetDouble() > 0);
        Assert.True(session.GetProperty("snd_wnd").GetInt64() > 0);
        Assert.Contains(session.GetProperty("processes").EnumerateArray(), process => process.GetProperty("pid").GetInt32() == Environment.ProcessId);
        Assert.True(session.GetProperty("can_checkpoint").GetBoolean());
        Assert.Empty(session.GetProperty("obstacles").EnumerateArray());
    }

    [Fact]
    public void A_connection_that_nobody_accepted_has_no_owner_to_take_it_from()
    {
        using var link = new TcpLink();
        using Socket waiting = link.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        waiting.Connect(link.Listener.LocalEndPoint!);
        Assert.Equal(["no-owner"], Obstacles(link, "dst", "port", Port(waiting.LocalEndPoint!)));
    }

    [Fact]
    public void A_half_closed_connection_is_told_with_its_state()
    {
        using var link = new TcpLink();
        link.Client.Shutdown(SocketShutdown.Send);
        TcpLink.WaitUntil(() => Sessions(link).Any(session => session.GetProperty("state").GetString() == "CLOSE-WAIT"), "the server saw the FIN");
        Assert.Equal(["CLOSE-WAIT", "FIN-WAIT-2"], Sessions(link).Select(session => session.GetProperty("state").GetString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Signed_segments_stand_in_the_way()
    {
        using var link = new TcpLink(PausedSocketTests.SignForLoopback, PausedSocketTests.SignForLoopback);
        Assert.Equal(["tcp-md5", "tcp-md5"], Obstacles(link));
    }

    [Fact]
    public void Mptcp_stands_in_the_way_and_a_checkpoint_of_it_is_refused()
    {
        using var link = new TcpLink();
        using var peer = new PythonPeer(link.Namespace);
        int port = int.Parse(
            peer.Tell("s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); s.bind(('127.0.0.1', 0)); s.listen(); answer = s.getsockname()[1]"),
            CultureInfo.InvariantCulture);
        peer.Tell($"c = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); c.connect(('127.0.0.1', {port})); a, _ = s.accept()");
        int client = int.Parse(peer.Tell("answer = c.getsockname()[1]"), CultureInfo.InvariantCulture);
        Assert.Equal(["mptcp", "mptcp"], Obstacles(link, "port", $"{port}"));
        string image = Path.Combine(Path.GetTempPath(), $"interceptor-mptcp-{peer.Pid}");
        CliResult result = CliProcess.Run("checkpoint", "--pid", $"{peer.Pid}", "--connection", $"127.0.0.1:{client}-127.0.0.1:{port}", "-o", image);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("GODEBUG=multipathtcp=0", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(image));
        peer.Tell("c.send(b'still here'); answer = a.recv(100)");
    }

    [Fact]
    public void Listening_sockets_come_only_when_asked_for()
    {
        using var link = new TcpLink();
        Assert.DoesNotContain(Sessions(link), session => session.GetProperty("state").GetString() == "LISTEN");
        Assert.Single(Sessions(link, "--all"), session => session.GetProperty("state").GetString() == "LISTEN");
    }

    [Fact]
    public void A_process_that_is_not_there_is_an_error()
    {
        CliResult result = CliProcess.Run("sessions", "--pid", "4194304");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("there is no process 4194304", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_names_the_reason()
    {
        using var link = new TcpLink(PausedSocketTests.SignForLoopback, PausedSocketTests.SignForLoopback);
        CliResult result = link.Namespace.Run(() => CliProcess.Run("sessions"));
        Assert.Equal(3, result.Lines.Length);
        Assert.StartsWith("LOCAL", result.Lines[0], StringComparison.Ordinal);
        Assert.Contains("no: it is authenticated with TCP MD5 signatures", result.Lines[1], StringComparison.Ordinal);
    }

    private static string[] Obstacles(TcpLink link, params string[] arguments) =>
        [.. Sessions(link, arguments).SelectMany(session => session.GetProperty("obstacles").EnumerateArray()).Select(obstacle => obstacle.GetProperty("code").GetString()!)];

    private static List<JsonElement> Sessions(TcpLink link, params string[] arguments)
    {
        CliResult result = link.Namespace.Run(() => CliProcess.Run(["sessions", "--json", .. arguments]));
        Assert.True(result.ExitCode == 0, result.ToString());
        List<JsonElement> lines = [.. result.Lines.Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(lines.Count - 1, lines[^1].GetProperty("sessions").GetInt32());
        return lines[..^1];
    }

    private static void LinkedWait(Socket socket, int bytes) => TcpLink.WaitUntil(() => socket.Available == bytes, $"{bytes} bytes to arrive");

    private static string Port(EndPoint end) => ((IPEndPoint)end).Port.ToString(CultureInfo.InvariantCulture);
}
