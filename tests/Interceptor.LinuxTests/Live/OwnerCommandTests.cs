using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary><c>interceptor capture --pid, --process, --uid, --cgroup, --annotate</c> as a process, beside real processes with sockets.</summary>
public sealed class OwnerCommandTests : IDisposable
{
    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly string _directory = Directory.CreateTempSubdirectory("interceptor-test").FullName;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void Only_the_packets_of_a_process_are_captured_and_the_others_counted()
    {
        using var wanted = new PythonPeer(_lab.Client);
        using var other = new PythonPeer(_lab.Client);
        using var receiver = new LoopbackSender(_lab.Client);
        ushort port = wanted.BindUdp();
        ushort otherPort = other.BindUdp();
        using var run = new ToolRun(_lab.Client, [], "capture", "-i", "lo", "--json", "-c", "3", "--pid", $"{wanted.Pid}", "udp");
        run.AwaitLine("listening on");
        for (int i = 0; i < 3; i++)
        {
            other.Tell($"s.sendto(b'{i}', ('127.0.0.1', {receiver.Port}))");
            wanted.Tell($"s.sendto(b'{i}', ('127.0.0.1', {receiver.Port}))");
            using JsonDocument packet = JsonDocument.Parse(run.ReadOutput()!);
            Assert.Equal(i + 1, packet.RootElement.GetProperty("number").GetInt32());
            Assert.Equal($"IP 127.0.0.1.{port} > 127.0.0.1.{receiver.Port}: UDP, length 1", packet.RootElement.GetProperty("summary").GetString());
        }

        CliResult result = run.AwaitEnd();
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument summary = JsonDocument.Parse(result.Lines[^1]);
        Assert.Equal(3, summary.RootElement.GetProperty("captured").GetInt32());
        Assert.Equal(3, summary.RootElement.GetProperty("other").GetInt32());
        Assert.Equal(0, summary.RootElement.GetProperty("unattributed").GetInt32());
        Assert.NotEqual(port, otherPort);
    }

    [Fact]
    public void A_connection_opened_later_is_captured_from_its_first_segment_to_those_behind_its_close()
    {
        using var server = new PythonPeer(_lab.Client);
        using var client = new PythonPeer(_lab.Client);
        ushort port = server.Listen();
        using var run = new ToolRun(_lab.Client, [], "capture", "-i", "lo", "--annotate", "--pid", $"{client.Pid}", "-c", "6", "tcp");
        run.AwaitLine("listening on");
        ushort local = client.Connect("127.0.0.1", port);
        Assert.Contains($"127.0.0.1.{local} > 127.0.0.1.{port}: Flags [S]", run.ReadOutput(), StringComparison.Ordinal);
        AssertComment(client, server);
        Assert.Contains("Flags [S.]", run.ReadOutput(), StringComparison.Ordinal);
        AssertComment(server, client);
        Assert.Contains("Flags [.]", run.ReadOutput(), StringComparison.Ordinal);
        AssertComment(client, server);
        server.Tell("c, _ = s.accept()");

        // The last packets come when the sockets are gone.
        client.Tell("s.close()");
        server.Tell("c.close()");
        for (int i = 0; i < 3; i++)
        {
            bool isOurs = run.ReadOutput()!.Contains($" 127.0.0.1.{local} > ", StringComparison.Ordinal);
            AssertComment(isOurs ? client : server, isOurs ? server : client);
        }

        CliResult result = run.AwaitEnd();
        Assert.True(result.ExitCode == 0, result.ToString());

        void AssertComment(PythonPeer from, PythonPeer to) => Assert.Matches(
            $@"^\tcomment: from python3[^ ]*\[{from.Pid}\] uid=\d+[^;]*; to python3[^ ]*\[{to.Pid}\] uid=\d+[^;]*$", run.ReadOutput());
    }

    [Fact]
    public void The_file_has_the_process_of_each_packet_as_its_comment()
    {
        using var server = new PythonPeer(_lab.Server);
        using var client = new PythonPeer(_lab.Client);
        ushort port = server.Listen(NetworkLab.ServerAddress);
        string path = Path.Combine(_directory, "owners.pcapng");
        using var run = new ToolRun(_lab.Client, [], "capture", "-i", NetworkLab.ClientInterface, "--annotate", "-w", path, "-c", "3", "tcp");
        run.AwaitLine("listening on");
        client.Connect(NetworkLab.ServerAddress, port);
        CliResult result = run.AwaitEnd();
        Assert.True(result.ExitCode == 0, result.ToString());
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        int packets = 0;
        while (reader.TryRead(out CapturedPacket packet))
        {
            Assert.True(packet.Parse().TryGetFlow(out FlowKey flow));
            string end = flow.Destination.Port == port ? "from" : "to";
            Assert.Matches($@"^{end} python3[^ ]*\[{client.Pid}\] uid=\d+[^;]*$", reader.ReadPacketOptions().Comment);
            packets++;
        }

        Assert.Equal(3, packets);
    }

    [Fact]
    public void Name_and_user_must_both_hold()
    {
        PrivilegeCommandTests.RequireUsers();
        using var nobody = new PythonPeer(_lab.Client, PrivilegeCommandTests.AsNobody());
        using var root = new PythonPeer(_lab.Client);
        using var receiver = new LoopbackSender(_lab.Client);
        ushort port = nobody.BindUdp();
        root.BindUdp();
        using var run = new ToolRun(
            _lab.Client, [], "capture", "-i", "lo", "-q", "-t", "-c", "1", "--process", Path.GetFileName(File.ResolveLinkTarget($"/proc/{root.Pid}/exe", false)!.Name), "--uid", "nobody", "udp");
        run.AwaitLine("listening on");
        receiver.Send(1);
        root.Tell($"s.sendto(b'1', ('127.0.0.1', {receiver.Port}))");
        nobody.Tell($"s.sendto(b'22', ('127.0.0.1', {receiver.Port}))");
        CliResult result = run.AwaitEnd();
        Assert.Equal($"IP 127.0.0.1.{port} > 127.0.0.1.{receiver.Port}: UDP, length 2\n", result.Output);
        Assert.Contains("2 packets of other sockets", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_control_group_means_also_the_groups_below_it()
    {
        string mount = File.ReadLines("/proc/self/mountinfo").FirstOrDefault(static line => line.Contains(" - cgroup2 ", StringComparison.Ordinal))?.Split(' ')[4] ?? "";
        string group = Path.Combine(mount, $"interceptor-test-{Guid.NewGuid():n}");
        string below = Path.Combine(group, "below");
        try
        {
            Directory.CreateDirectory(below);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Assert.Skip($"No control group can be made: {exception.Message}");
        }

        try
        {
            using var inside = new PythonPeer(_lab.Client);
            using var outside = new PythonPeer(_lab.Client);
            using var receiver = new LoopbackSender(_lab.Client);
            inside.Tell($"open('{below}/cgroup.procs', 'w').write(str(os.getpid()))");
            ushort port = inside.BindUdp();
            outside.BindUdp();
            using var run = new ToolRun(_lab.Client, [], "capture", "-i", "lo", "-q", "-t", "-c", "1", "--cgroup", group, "--annotate", "udp");
            run.AwaitLine("listening on");
            outside.Tell($"s.sendto(b'1', ('127.0.0.1', {receiver.Port}))");
            inside.Tell($"s.sendto(b'22', ('127.0.0.1', {receiver.Port}))");
            CliResult result = run.AwaitEnd();
            Assert.StartsWith($"IP 127.0.0.1.{port} > 127.0.0.1.{receiver.Port}: UDP, length 2\n", result.Output, StringComparison.Ordinal);
            Assert.Contains($" cgroup=/{Path.GetFileName(group)}/below;", result.Output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(below);
            Directory.Delete(group);
        }
    }

    [Fact]
    public void A_name_that_no_process_has_yet_is_told_and_waited_for()
    {
        using var peer = new PythonPeer(_lab.Client);
        using var receiver = new LoopbackSender(_lab.Client);
        using var run = new ToolRun(_lab.Client, [], "capture", "-i", "lo", "-q", "-t", "-c", "1", "--process", "late comer", "udp");
        run.AwaitLine("interceptor: no process is named late comer now");
        run.AwaitLine("listening on");
        peer.Tell("open('/proc/self/comm', 'w').write('late comer')");
        ushort port = peer.BindUdp();
        peer.Tell($"s.sendto(b'1', ('127.0.0.1', {receiver.Port}))");
        Assert.Equal($"IP 127.0.0.1.{port} > 127.0.0.1.{receiver.Port}: UDP, length 1\n", run.AwaitEnd().Output);
    }

    [Fact]
    public void Where_control_groups_are_hidden_the_way_round_is_told()
    {
        KernelTest.RequireTool("unshare");
        string? mount = File.ReadLines("/proc/self/mountinfo").FirstOrDefault(static line => line.Contains(" - cgroup2 ", StringComparison.Ordinal))?.Split(' ')[4];
        ChildResult result = ChildProcess.Run(
            _lab.Client, "unshare", "--mount", "sh", "-c", $"umount -l '{mount ?? "/nowhere"}'; exec dotnet '{CliProcess.AssemblyPath}' capture -i lo --cgroup /");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("ip netns exec hides it: name the network namespace with --netns instead", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "process 999999999", "--pid", "999999999")]
    [InlineData(2, "there is no user 'nosuchuser'", "--uid", "nosuchuser")]
    [InlineData(2, "--annotate writes comments, for which pcap has no place", "--annotate", "-w", "x.pcap")]
    [InlineData(1, "control group /no/such/group", "--cgroup", "/no/such/group")]
    [InlineData(2, "/ means all groups", "--cgroup", "")]
    [InlineData(2, "'' is none", "--process", "")]
    [InlineData(2, "without directories: '/usr/bin/curl' is none", "--process", "/usr/bin/curl")]
    public void What_there_is_not_is_told(int code, string message, params string[] arguments)
    {
        ChildResult result = ChildProcess.Run(_lab.Client, "dotnet", [CliProcess.AssemblyPath, "capture", "-i", "lo", .. arguments]);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(code, result.ExitCode);
    }
}
