using System.Diagnostics;
using System.Text.Json;
using Interceptor.Cli.Demo;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Demo;

/// <summary>The command as a process of its own, with a temporary directory of its own to see what is left there.</summary>
public sealed class DemoCommandTests : IDisposable
{
    private const int SIGTERM = 15;
    private const int SIGKILL = 9;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private readonly DirectoryInfo _temporary = Directory.CreateTempSubdirectory("demo-command-");

    private string Picture => Path.Combine(_temporary.FullName, "picture.html");

    [Fact]
    public void The_summary_has_every_key_of_the_contract()
    {
        Require();
        ChildResult result = Run([.. SelfProgram.Command(), "demo", "restore", "--bytes", "8MiB", "--json", "--graph", Picture]);
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}: {result.Output} {result.Error}");
        using JsonDocument summary = JsonDocument.Parse(result.Output.TrimEnd().Split('\n')[^1]);
        JsonElement root = summary.RootElement;
        Assert.Equal("summary", root.GetProperty("type").GetString());
        Assert.True(root.GetProperty("intact").GetBoolean());
        Assert.Equal(8 * 1024 * 1024, root.GetProperty("bytes").GetInt64());
        Assert.Equal(64, root.GetProperty("client_sha256").GetString()!.Length);
        Assert.Equal(root.GetProperty("client_sha256").GetString(), root.GetProperty("server_sha256").GetString());
        Assert.True(root.GetProperty("freeze_ms").GetDouble() > 0);
        Assert.True(root.GetProperty("held_packets").GetInt32() >= root.GetProperty("reinjected_packets").GetInt32());
        Assert.Equal(0, root.GetProperty("resets_seen").GetInt32());
        Assert.Equal(0, root.GetProperty("fins_seen_while_frozen").GetInt32());
        Assert.True(root.GetProperty("retransmitted_segments").GetInt64() >= 0);
        Assert.True(root.GetProperty("image_bytes").GetInt64() > 0);
        Assert.Contains(root.GetProperty("steps").EnumerateArray(), step => step.GetProperty("step").GetString() == "restore" && step.GetProperty("ms").GetDouble() > 0);
        JsonElement[] acts = [.. root.GetProperty("acts").EnumerateArray()];
        Assert.Equal([1, 2, 3], acts.Select(act => act.GetProperty("act").GetInt32()));
        Assert.All(acts, act => Assert.True(act.GetProperty("intact").GetBoolean() && act.GetProperty("steps").GetArrayLength() > 0 && act.GetProperty("freeze_ms").GetDouble() > 0));
        Assert.All(acts, act => Assert.Contains("class=\"frozen\"", File.ReadAllText(Picture.Replace(".html", $"-{act.GetProperty("act")}.html", StringComparison.Ordinal)), StringComparison.Ordinal));
        AssertNothingLeft();
    }

    [Fact]
    public void Sigterm_in_the_middle_ends_everything()
    {
        Require();
        using Process demo = StartUntilTransfer(out string[] children);
        Assert.Equal(0, Libc.kill(demo.Id, SIGTERM));
        Assert.True(demo.WaitForExit(Deadline));
        Assert.Equal(130, demo.ExitCode);
        AssertGone(children);
        AssertNothingLeft();
    }

    [Fact]
    public void Sigkill_in_the_middle_leaves_no_process()
    {
        Require();
        using Process demo = StartUntilTransfer(out string[] children);
        Assert.Equal(0, Libc.kill(demo.Id, SIGKILL));
        Assert.True(demo.WaitForExit(Deadline));
        AssertGone(children);
        ChildResult cleanup = Run([.. SelfProgram.Command(), "cleanup"]);
        Assert.True(cleanup.ExitCode == 0, $"exit code {cleanup.ExitCode}: {cleanup.Output} {cleanup.Error}");
        Assert.Contains("interceptor-demo-", cleanup.Output, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Fact]
    public void Without_root_it_runs_in_a_user_namespace_of_its_own()
    {
        Require();
        KernelTest.RequireTool("setpriv");
        string program = CopyForNobody();
        ChildResult probe = Run(["setpriv", .. Nobody, "unshare", "--user", "--map-root-user", "--net", "true"]);
        if (probe.ExitCode != 0)
        {
            Assert.Skip($"This machine has no unprivileged user namespaces: {probe.Error.Trim()}");
        }

        ChildResult result = Run(["setpriv", .. Nobody, program, "demo", "restore", "--bytes", "8MiB"]);
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}: {result.Output} {result.Error}");
        Assert.Equal(3, result.Output.Split('\n').Count(line => line.StartsWith("INTACT", StringComparison.Ordinal)));
    }

    [Fact]
    public void Without_root_and_without_user_namespaces_it_says_what_to_do()
    {
        Require();
        KernelTest.RequireTool("setpriv");
        string program = CopyForNobody();

        // In a user namespace that allows no further ones, and without capabilities in it.
        ChildResult result = Run(
        [
            "unshare", "--user", "--map-root-user", "sh", "-c",
            "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"", "sh", program, "demo", "restore",
        ]);
        Assert.True(result.ExitCode == 3, $"exit code {result.ExitCode}: {result.Output} {result.Error}");
        Assert.Contains("sudo", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_few_bytes_are_wrong_usage()
    {
        ChildResult result = Run([.. SelfProgram.Command(), "demo", "restore", "--bytes", "10kB"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("1MiB", result.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _temporary.Delete(recursive: true);

    private static string[] Nobody => ["--reuid=65534", "--regid=65534", "--clear-groups"];

    private static void Require()
    {
        KernelTest.CreateNamespace("probe").Dispose();
        KernelTest.RequireTool("iptables");
        KernelTest.RequireTool("unshare");
    }

    private ChildResult Run(string[] command) =>
        ChildProcess.Run(null, Deadline, "env", [$"TMPDIR={_temporary.FullName}", $"HOME={_temporary.FullName}", .. command]);

    /// <summary>Starts the demo and waits until its three processes run.</summary>
    private Process StartUntilTransfer(out string[] children)
    {
        string[] self = SelfProgram.Command();
        Process demo = ChildProcess.Start(
            null, "env", [$"TMPDIR={_temporary.FullName}", .. self, "demo", "restore", "--bytes", "64MiB"]);
        Assert.StartsWith("ACT 1: ", demo.StandardOutput.ReadLine(), StringComparison.Ordinal);
        string? line = demo.StandardOutput.ReadLine();
        Assert.Contains("(client, process ", line, StringComparison.Ordinal);
        children = [.. Directory.EnumerateDirectories("/proc").Where(process => IsPeerOf(process, demo.Id))];
        Assert.Equal(3, children.Length);
        return demo;
    }

    private static bool IsPeerOf(string process, int parent)
    {
        try
        {
            string command = File.ReadAllText($"{process}/cmdline").Replace('\0', ' ');
            return command.Contains($"demo peer ", StringComparison.Ordinal) && command.Contains($"--parent {parent} ", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>A killed child stays a zombie, without a command line, until its new parent has noticed.</summary>
    private static void AssertGone(string[] processes)
    {
        long start = Stopwatch.GetTimestamp();
        while (processes.Any(process => File.Exists($"{process}/cmdline") && Length($"{process}/cmdline") > 0))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Deadline, $"Still there: {string.Join(' ', processes)}");
            Thread.Yield();
        }
    }

    private static int Length(string path)
    {
        try
        {
            return File.ReadAllBytes(path).Length;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private void AssertNothingLeft() => Assert.Empty(_temporary.EnumerateFileSystemInfos("interceptor*"));

    /// <summary>The program where a user without rights can read it.</summary>
    private string CopyForNobody()
    {
        const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
#pragma warning disable CA1416 // Runs on Linux only.
        File.SetUnixFileMode(_temporary.FullName, Readable | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        DirectoryInfo target = _temporary.CreateSubdirectory("program");
        File.SetUnixFileMode(target.FullName, Readable);
        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory))
        {
            string copy = Path.Combine(target.FullName, Path.GetFileName(file));
            File.Copy(file, copy);
            File.SetUnixFileMode(copy, Readable);
        }
#pragma warning restore CA1416

        return Path.Combine(target.FullName, "interceptor");
    }
}
