using System.Diagnostics;
using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Cli;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>SIGKILL of the process that checkpoints, at every step: what its guard makes of it.</summary>
public sealed class GuardTests : IDisposable
{
    private readonly NetworkNamespace _ns;
    private readonly string _directory = Directory.CreateTempSubdirectory("guard-test-").FullName;

    public GuardTests()
    {
        KernelTest.RequireTool("iptables");
        _ns = KernelTest.CreateNamespace("guard test");
        _ns.Run(() => NativeSocket.BringUp("lo"));
    }

    private string Image => Path.Combine(_directory, "image");

    [Theory]
    [InlineData("before:arm guard", true)]
    [InlineData("after:pause socket", true)]
    [InlineData("after:write image", false)]
    [InlineData("after:close original", false)]
    public void A_checkpoint_that_is_killed_leaves_the_connection_with_its_owner_or_in_its_image(string where, bool leaveRunning) =>
        Assert.Equal(where == "after:close original", KillAt(where, leaveRunning ? ["--leave-running"] : []));

    /// <summary>All of them: some minutes.</summary>
    [Theory(Explicit = true)]
    [InlineData("--leave-running")]
    [InlineData("--leave-running", "--lock", "drop")]
    [InlineData("--leave-running", "--lock", "none")]
    [InlineData]
    [InlineData("--lock", "drop")]
    [InlineData("--kill")]
    public void A_checkpoint_that_is_killed_at_any_step_leaves_the_connection_with_its_owner_or_in_its_image(params string[] options)
    {
        var taken = new List<string>();
        int runs = 0;
        foreach (string name in SessionCheckpoint.Steps.Select(step => step.Name).Distinct())
        {
            foreach (string where in (string[])[$"before:{name}", $"after:{name}"])
            {
                runs++;
                if (KillAt(where, options))
                {
                    taken.Add(where);
                }
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{runs} kills; in its image after: {string.Join(", ", taken)}");
        Assert.Equal(options.Contains("--leave-running"), taken.Count == 0);
    }

    /// <summary>At instants that no step begins or ends at: by a timer over the whole run.</summary>
    [Theory(Explicit = true)]
    [InlineData("--leave-running")]
    [InlineData]
    [InlineData("--lock", "drop")]
    public void A_checkpoint_that_is_killed_at_any_time_leaves_the_connection_with_its_owner_or_in_its_image(params string[] options)
    {
        const int Kills = 40;
        for (int i = 0; i < Kills; i++)
        {
            int delay = i * 10;
            KillAfter(delay, options);
        }
    }

    public void Dispose()
    {
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>True if the connection was in its image afterwards.</summary>
    private bool KillAt(string where, string[] options) => Run(options, info => info.Environment[FaultSwitch.Variable] = where, static _ => { }, where);

    private void KillAfter(int milliseconds, string[] options) => Run(
        options, static _ => { },
        process =>
        {
            if (!process.WaitForExit(milliseconds))
            {
                process.Kill();
            }
        },
        $"{milliseconds} ms");

    private bool Run(string[] options, Action<ProcessStartInfo> prepare, Action<Process> meanwhile, string where)
    {
        using var server = new StreamServer(_ns);
        using Socket client = server.Connect(_ns);
        client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        int resets = TcpLink.ResetsSent(_ns);
        ProcessStartInfo info = CliProcess.StartInfo(
            ["checkpoint", "--pid", $"{server.Pid}", "--connection", $"{server.Endpoint}-{StreamServer.EndpointOf(client.LocalEndPoint!)}", "-o", Image, .. options]);
        prepare(info);
        using Process process = Process.Start(info)!;
        meanwhile(process);

        // The guard has it, too: its end is the guard's.
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        string what = $"{string.Join(' ', options)}, killed {where}: {said}";
        bool isTaken = Directory.Exists(Image) && !options.Contains("--leave-running");
        string rules = SessionMoveTests.Rules(_ns);
        Assert.True(isTaken ? rules.Contains("interceptor:lock:", StringComparison.Ordinal) && !rules.Contains("NFQUEUE", StringComparison.Ordinal) : rules.Length == 0, $"{what}\n{rules}");
        RequireWhole(Image, server, what);
        if (isTaken)
        {
            _ = SessionMoveTests.GoOnWith(Image, client, _ns, resets);
        }
        else
        {
            byte[] sent = StreamServer.Bytes(0, 60_000).ToArray();
            client.Send(sent);
            Read(client, 4 << 20, what);
            Assert.False(server.HasExited, what);
            Assert.Equal("", server.EndAndReadErrors());
        }

        Assert.Equal(resets, TcpLink.ResetsSent(_ns));
        if (Directory.Exists(Image))
        {
            Directory.Delete(Image, recursive: true);
        }

        return isTaken;
    }

    /// <summary>No socket in repair, no stopped owner, no half-written image.</summary>
    internal static void RequireWhole(string image, StreamServer server, string what)
    {
        string directory = Path.GetDirectoryName(image)!;
        foreach (string unfinished in SessionImageDirectory.FindUnfinished(directory))
        {
            // Before the guard is there: the place for the image is tried out. It is recognised by its name.
            Assert.Empty(Directory.EnumerateFileSystemEntries(unfinished));
            Directory.Delete(unfinished);
        }

        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(directory), path => path != image);
        if (!server.HasExited)
        {
            Assert.False(FrozenProcess.IsStopped(server.Pid), what);
            using ProcessDescriptor process = ProcessDescriptor.Open(server.Pid);
            foreach (SocketOwner owner in SocketFinder.List(server.Pid))
            {
                using FileDescriptor socket = process.Duplicate(owner.Descriptor);
                Assert.Equal(0, NativeSocket.GetInt(socket, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, "getsockopt(TCP_REPAIR)", what));
            }
        }
    }

    internal static void Read(Socket client, int length, string what)
    {
        var buffer = new byte[65536];
        for (long at = 0; at < length;)
        {
            int count = client.Receive(buffer);
            Assert.True(count > 0 && buffer.AsSpan(0, count).SequenceEqual(StreamServer.Bytes(at, count)), what);
            at += count;
        }
    }
}
