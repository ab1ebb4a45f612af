using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>Which privileges <c>interceptor capture</c> needs, and what <c>-Z</c> leaves of them.</summary>
public sealed class PrivilegeCommandTests : IDisposable
{
    private const string Nobody = "65534";
    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly string _directory = Directory.CreateTempSubdirectory("interceptor-test").FullName;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void After_the_drop_no_thread_has_anything_left_and_the_file_is_the_users()
    {
        RequireUsers();
        Chown(_directory);
        string path = Path.Combine(_directory, "dropped.pcapng");
        using var sender = new LoopbackSender(_lab.Client);
        using var run = new ToolRun(_lab.Client, [], "capture", "-i", "lo", "-Z", "nobody", "-w", path, "-c", "3", "udp");
        run.AwaitLine($"now running as nobody (uid {Nobody}");
        int threads = 0;
        foreach (string task in Directory.EnumerateDirectories($"/proc/{run.Pid}/task"))
        {
            string[] lines = File.ReadAllLines(Path.Combine(task, "status"));
            Assert.Contains($"Uid:\t{Nobody}\t{Nobody}\t{Nobody}\t{Nobody}", lines);
            Assert.DoesNotContain(lines, static line => line.StartsWith("Gid:", StringComparison.Ordinal) && line.Contains("\t0", StringComparison.Ordinal));
            Assert.DoesNotContain(lines, static line => line.StartsWith("Groups:", StringComparison.Ordinal) && line.Split(' ', '\t').Contains("0"));
            Assert.Equal(
                ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000"],
                lines.Where(static line => line[..3] == "Cap" && line[..6] is "CapPrm" or "CapEff" or "CapAmb"));
            threads++;
        }

        Assert.InRange(threads, 3, 1000);
        for (int i = 0; i < 3; i++)
        {
            sender.Send(i);
        }

        CliResult result = run.AwaitEnd();
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(Nobody, ChildProcess.Run(_lab.Client, "stat", "-c", "%u", path).Output.Trim());
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        int packets = 0;
        while (reader.TryRead(out _))
        {
            packets++;
        }

        Assert.Equal(3, packets);
    }

    [Fact]
    public void A_directory_that_the_user_may_not_write_is_told_and_nothing_is_made()
    {
        RequireUsers();
        string path = Path.Combine(_directory, "refused.pcapng");
        CliResult result = Run([], "capture", "-i", "lo", "-Z", "nobody", "-w", path);
        Assert.Equal(3, result.ExitCode);
        Assert.Contains($"nobody, whom -Z names, may not make files in {_directory}", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
    }

    [Fact]
    public void A_file_that_is_the_users_is_enough_where_the_directory_is_not()
    {
        RequireUsers();
        string path = Path.Combine(_directory, "given.pcapng");
        File.WriteAllText(path, "");
        Chown(path);
        ChildProcess.Run(null, TimeSpan.FromSeconds(10), "chmod", "755", _directory);
        using var sender = new LoopbackSender(_lab.Client);
        using var run = new ToolRun(_lab.Client, [], "capture", "-i", "lo", "-Z", "nobody", "-w", path, "-c", "1", "udp");
        run.AwaitLine("now running as nobody");
        sender.Send(1);
        CliResult result = run.AwaitEnd();
        Assert.True(result.ExitCode == 0, result.ToString());
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        Assert.True(reader.TryRead(out _));
    }

    [Fact]
    public void A_user_that_there_is_not_is_told()
    {
        CliResult result = Run([], "capture", "-i", "lo", "-Z", "nosuchuser");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("there is no user 'nosuchuser'", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_root_can_become_another_user()
    {
        RequireUsers();
        CliResult result = Run(AsNobody("net_raw"), "capture", "-i", "lo", "-Z", "nobody");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("only root can become another user", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void One_capability_is_enough_for_promiscuous_mode_too()
    {
        RequireUsers();
        Chown(_directory);
        KernelTest.RequireTool("ip");
        string path = Path.Combine(_directory, "raw.pcapng");
        using var run = new ToolRun(_lab.Client, AsNobody("net_raw"), "capture", "-i", NetworkLab.ClientInterface, "-w", path);
        run.AwaitLine("listening on");
        Assert.Contains("promiscuity 1", ChildProcess.Run(_lab.Client, "ip", "-d", "link", "show", NetworkLab.ClientInterface).Output, StringComparison.Ordinal);
        CliResult result = run.Stop();
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(Nobody, ChildProcess.Run(_lab.Client, "stat", "-c", "%u", path).Output.Trim());
    }

    [Fact]
    public void Without_it_the_refusal_names_the_capability_and_the_ways_to_have_it()
    {
        RequireUsers();
        CliResult result = Run(AsNobody(), "capture", "-i", "lo");
        Assert.Equal(3, result.ExitCode);
        foreach (string part in (ReadOnlySpan<string>)["CAP_NET_RAW", "run as root", "-Z USER", "setpriv --ambient-caps", "AmbientCapabilities=", "setcap on a copy", "never on dotnet"])
        {
            Assert.Contains(part, result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Without_the_right_to_look_at_processes_that_is_told_and_users_still_count()
    {
        RequireUsers();
        using var peer = new PythonPeer(_lab.Client);
        using var receiver = new LoopbackSender(_lab.Client);
        peer.BindUdp();
        using var run = new ToolRun(_lab.Client, AsNobody("net_raw"), "capture", "-i", "lo", "-q", "-t", "--annotate", "-c", "1", "udp");
        run.AwaitLine("listening on");
        peer.Tell($"s.sendto(b'1', ('127.0.0.1', {receiver.Port}))");
        CliResult result = run.AwaitEnd();
        Assert.Contains("may not be looked at", result.Error, StringComparison.Ordinal);
        Assert.Contains("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH", result.Error, StringComparison.Ordinal);
        Assert.Contains("\tcomment: from uid=0", result.Output, StringComparison.Ordinal);
    }

    /// <summary>Skips where another user can't be taken, as in a user namespace with one.</summary>
    internal static void RequireUsers()
    {
        KernelTest.RequireTool("setpriv");
        ChildResult result = ChildProcess.Run(null, TimeSpan.FromSeconds(10), "setpriv", [.. AsNobody()[1..], "true"]);
        if (result.ExitCode != 0)
        {
            Assert.Skip($"No process of another user can be made: {result.Error.Trim()}");
        }
    }

    /// <summary>A command that starts another as nobody, with these capabilities alone.</summary>
    internal static string[] AsNobody(params string[] capabilities)
    {
        string sets = string.Join(',', ["-all", .. capabilities.Select(static name => $"+{name}")]);
        return ["setpriv", "--reuid", Nobody, "--regid", Nobody, "--clear-groups", "--inh-caps", sets, "--ambient-caps", sets, "--bounding-set", sets, "--"];
    }

    private static void Chown(string path) =>
        Assert.Equal(0, ChildProcess.Run(null, TimeSpan.FromSeconds(10), "chown", Nobody, path).ExitCode);

    private CliResult Run(string[] prefix, params string[] arguments)
    {
        string[] command = [.. prefix, "dotnet", CliProcess.AssemblyPath, .. arguments];
        ChildResult result = ChildProcess.Run(_lab.Client, command[0], command[1..]);
        return new CliResult(result.ExitCode, result.Output, result.Error);
    }
}
