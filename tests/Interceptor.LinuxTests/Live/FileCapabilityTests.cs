using System.Runtime.InteropServices;
using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>A copy of the tool with capabilities on its own launcher, as docs/capture.md tells how to make it, run by an unprivileged user of its group.</summary>
public sealed class FileCapabilityTests : IDisposable
{
    private const string Nobody = "65534";
    private const string Stranger = "65533";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly string _folder = Directory.CreateTempSubdirectory("interceptor-copy").FullName;
    private readonly string _written = Directory.CreateTempSubdirectory("interceptor-test").FullName;
    private readonly string _launcher;

    public FileCapabilityTests()
    {
        PrivilegeCommandTests.RequireUsers();
        _launcher = Path.Combine(_folder, "interceptor");
        foreach (string name in Directory.EnumerateFiles(AppContext.BaseDirectory).Where(static path =>
            path.EndsWith(".dll", StringComparison.Ordinal) || Path.GetFileName(path) is "interceptor" or "interceptor.deps.json" or "interceptor.runtimeconfig.json"))
        {
            File.Copy(name, Path.Combine(_folder, Path.GetFileName(name)));
        }

        Require("chown", $"0:{Nobody}", _folder);
        Require("chmod", "-R", "u=rwX,g=rX,o=", _folder);
        Require("chgrp", "-R", Nobody, _folder);
        Require("chown", Nobody, _written);
    }

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_folder, recursive: true);
        Directory.Delete(_written, recursive: true);
    }

    [Fact]
    public void With_the_capability_an_unprivileged_user_captures_and_knows_his_own_processes()
    {
        GiveCapability();
        string path = Path.Combine(_written, "own.pcapng");
        using var peer = new PythonPeer(_lab.Client, PrivilegeCommandTests.AsNobody());
        using var receiver = new LoopbackSender(_lab.Client);
        peer.BindUdp();
        using var run = new ToolRun(_lab.Client, Command(Nobody, "capture", "-i", "lo", "-i", NetworkLab.ClientInterface, "--annotate", "-w", path, "-c", "2", "udp"));
        run.AwaitLine("listening on");
        peer.Tell($"s.sendto(b'1', ('127.0.0.1', {receiver.Port}))");
        peer.Tell($"s.sendto(b'2', ('127.0.0.1', {receiver.Port}))");
        CliResult result = run.AwaitEnd();
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(Nobody, ChildProcess.Run(_lab.Client, "stat", "-c", "%u", path).Output.Trim());
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        for (int i = 0; i < 2; i++)
        {
            Assert.True(reader.TryRead(out _));
            Assert.Matches($@"^from python3[^ ]*\[{peer.Pid}\] uid={Nobody}[^;]*; to uid=", reader.ReadPacketOptions().Comment);
        }

        Assert.False(reader.TryRead(out _));
    }

    [Fact]
    public void Without_it_the_same_copy_ends_with_the_remedy()
    {
        ChildResult result = Run(Nobody, "capture", "-i", "lo");
        Assert.Equal(3, result.ExitCode);
        foreach (string part in (ReadOnlySpan<string>)["capture on interface lo", "CAP_NET_RAW", "setcap on a copy", "docs/capture.md"])
        {
            Assert.Contains(part, result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Who_is_not_in_its_group_may_not_start_it()
    {
        GiveCapability();
        ChildResult result = Run(Stranger, "--version");
        Assert.Equal(126, result.ExitCode);
        Assert.Contains("Permission denied", result.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(0, Run(Nobody, "--version").ExitCode);
    }

    [Fact]
    public void What_is_told_of_the_environment_holds()
    {
        // Why only those may start the copy who may capture anyway: the environment names code that runs with its capability.
        GiveCapability();
        string hook = Path.Combine(_written, "hook.dll");
        ChildResult result = ChildProcess.Run(_lab.Client, "setpriv", [.. Identity(Nobody), "env", $"DOTNET_ROOT={DotnetRoot}", $"DOTNET_STARTUP_HOOKS={hook}", _launcher, "--version"]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(hook, result.Error, StringComparison.Ordinal);
    }

    /// <summary>Where this runtime is: an installation in another place than the usual ones is named to the launcher by the environment.</summary>
    private static string DotnetRoot { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    private static string[] Identity(string user) => ["--reuid", user, "--regid", user, "--clear-groups", "--inh-caps=-all", "--"];

    private static void Require(string program, params string[] arguments)
    {
        ChildResult result = ChildProcess.Run(null, Deadline, program, arguments);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    private string[] Command(string user, params string[] arguments) =>
        ["setpriv", .. Identity(user), "env", $"DOTNET_ROOT={DotnetRoot}", _launcher, .. arguments];

    private ChildResult Run(string user, params string[] arguments)
    {
        string[] command = Command(user, arguments);
        return ChildProcess.Run(_lab.Client, command[0], command[1..]);
    }

    private void GiveCapability()
    {
        KernelTest.RequireTool("setcap");
        KernelTest.RequireTool("findmnt");
        string options = ChildProcess.Run(null, Deadline, "findmnt", "-no", "OPTIONS", "-T", _folder).Output;
        Assert.SkipWhen(options.Contains("nosuid", StringComparison.Ordinal), $"{_folder} is on a file system where file capabilities don't count (nosuid).");
        ChildResult result = ChildProcess.Run(null, Deadline, "setcap", "cap_net_raw+ep", _launcher);
        Assert.SkipWhen(result.Error.Contains("not supported", StringComparison.OrdinalIgnoreCase), $"{_folder} is on a file system without capabilities: {result.Error.Trim()}");
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
