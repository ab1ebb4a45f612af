using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Interop;
using Interceptor.LinuxTests.Live;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>What a checkpoint leaves of the socket's process, and listening sockets, through the command line.</summary>
public sealed class OwnerCommandTests : IDisposable
{
    private readonly NetworkNamespace _ns = TcpLink.CreateNamespace();
    private readonly string _directory = Directory.CreateTempSubdirectory("owner-test-").FullName;

    private string Image => Path.Combine(_directory, "image");

    [Fact]
    public void A_stopped_owner_sees_nothing_of_it_until_it_is_let_go()
    {
        using var server = new StreamServer(_ns);
        using Socket client = server.Connect(_ns);
        string name = $"{server.Endpoint}-{StreamServer.EndpointOf(client.LocalEndPoint!)}";
        CliResult both = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", name, "-o", Image, "--stop", "--leave-running");
        Assert.Equal(2, both.ExitCode);
        Assert.Contains("exclude each other", both.Error, StringComparison.Ordinal);
        Assert.Equal(2, CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", name, "-o", Image, "--stop", "--kill").ExitCode);

        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{server.Pid}", "--connection", name, "-o", Image, "--stop", "--json");
        Assert.True(taken.ExitCode == 0, taken.ToString());
        Assert.Equal("stopped", JsonDocument.Parse(taken.Lines[^1]).RootElement.GetProperty("owner").GetString());
        Assert.Equal('T', StateOf(server.Pid));
        Assert.Equal(0, ChildProcess.Run(null, TcpLink.Deadline, "kill", "-CONT", server.Pid.ToString(CultureInfo.InvariantCulture)).ExitCode);

        // Its descriptor is no connection any more: its next write fails.
        TcpLink.WaitUntil(() => server.HasExited, "the owner's failure");
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public void A_listening_socket_goes_to_another_program_though_its_owner_keeps_its_descriptor()
    {
        using var owner = new PythonPeer(_ns);
        ushort port = owner.Listen();
        string name = $"127.0.0.1:{port}-*";
        CliResult check = CliProcess.Run("checkpoint", "--check", "--pid", $"{owner.Pid}", "--connection", name);
        Assert.Equal($"{name} can be checkpointed\n", check.Output);
        CliResult taken = CliProcess.Run("checkpoint", "--pid", $"{owner.Pid}", "--connection", name, "-o", Image);
        Assert.True(taken.ExitCode == 0, taken.ToString());
        Assert.StartsWith($"{name} LISTEN -> ", taken.Output, StringComparison.Ordinal);
        Assert.Contains("the listening socket is in the image alone", taken.Output, StringComparison.Ordinal);
        Assert.Contains("Invalid argument", owner.Tell("""exec("try:\n s.accept()\nexcept OSError as e:\n answer = str(e)")"""), StringComparison.Ordinal);

        CliResult streams = _ns.Run(() => CliProcess.Run("restore", Image));
        Assert.Equal(2, streams.ExitCode);
        Assert.Contains("give a command that accepts", streams.Error, StringComparison.Ordinal);
        Assert.Equal(0, _ns.Run(() => CliProcess.Run("restore", "--check", Image)).ExitCode);
        using var client = new PythonPeer(_ns);
        client.Tell($"import threading; got = []; t = threading.Thread(target=lambda: got.append(socket.create_connection(('127.0.0.1', {port}), 60).recv(5))); t.start()");
        CliResult restored = _ns.Run(() => CliProcess.Run(
            "restore", Image, "--", "python3", "-c",
            "import os, socket; s = socket.socket(fileno=3); s.setblocking(True); c, _ = s.accept(); c.sendall(b'hello'); print(os.environ['LISTEN_FDNAMES'])"));
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal("listener", restored.Output.Trim());
        Assert.Equal("[b'hello']", client.Tell("t.join(); answer = got"));
        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    public void Dispose()
    {
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static char StateOf(int pid)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        return stat[stat.LastIndexOf(')') + 2];
    }
}
