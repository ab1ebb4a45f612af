using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Cli;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>SIGKILL of the process that checkpoints all connections of another: what its guard makes of it.</summary>
public sealed class SetGuardTests : IDisposable
{
    private const int Few = 3;

    /// <summary>So many that their rules are nft's.</summary>
    private const int Many = 20;

    private readonly NetworkNamespace _ns;
    private readonly string _directory = Directory.CreateTempSubdirectory("set-guard-test-").FullName;

    public SetGuardTests()
    {
        KernelTest.RequireTool("iptables");
        _ns = KernelTest.CreateNamespace("set guard test");
        _ns.Run(() => NativeSocket.BringUp("lo"));
    }

    private string Set => Path.Combine(_directory, "set");

    [Theory]
    [InlineData(Few, "after:dump", false, "--leave-running")]
    [InlineData(Many, "after:write images", false)]
    [InlineData(Many, "closed:1", true)]
    [InlineData(Few, "closed:2", true, "--lock", "drop")]
    public void A_set_that_is_killed_leaves_all_connections_with_their_owner_or_all_in_it(int connections, string where, bool isTaken, params string[] options) =>
        Assert.Equal(isTaken, KillAt(where, options, connections));

    /// <summary>All of them: some minutes.</summary>
    [Theory(Explicit = true)]
    [InlineData("--leave-running")]
    [InlineData("--leave-running", "--lock", "drop")]
    [InlineData("--leave-running", "--lock", "none")]
    [InlineData]
    [InlineData("--lock", "drop")]
    [InlineData("--kill")]
    public void A_set_that_is_killed_at_any_step_leaves_all_connections_with_their_owner_or_all_in_it(params string[] options)
    {
        IEnumerable<string> steps = SessionSetCheckpoint.Steps.Select(step => step.Name).Distinct().SelectMany(name => (string[])[$"before:{name}", $"after:{name}"]);
        string[] all = [.. steps, .. Enumerable.Range(0, Few).Select(closed => string.Create(CultureInfo.InvariantCulture, $"closed:{closed}"))];
        string[] taken = [.. all.Where(where => KillAt(where, options, Few))];
        TestContext.Current.TestOutputHelper?.WriteLine($"{all.Length} places to be killed at; in the set after: {string.Join(", ", taken)}");
        Assert.Equal(!options.Contains("--leave-running"), taken.Contains("closed:1") && !taken.Contains("closed:0"));
    }

    public void Dispose()
    {
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>True if the connections were in the set afterwards.</summary>
    private bool KillAt(string where, string[] options, int connections)
    {
        using var server = new StreamServer(_ns, connections: connections);
        Socket[] clients = [.. Enumerable.Range(0, connections).Select(_ => server.Connect(_ns))];
        try
        {
            int resets = TcpLink.ResetsSent(_ns);
            ProcessStartInfo info = CliProcess.StartInfo(["checkpoint", "--all-of", "--pid", $"{server.Pid}", "-o", Set, .. options]);
            info.Environment[FaultSwitch.Variable] = where;
            using Process process = Process.Start(info)!;

            // The guard has it, too: its end is the guard's.
            string said = process.StandardError.ReadToEnd();
            process.WaitForExit();
            string what = $"{string.Join(' ', options)}, killed {where}: {said}";
            bool isTaken = Directory.Exists(Set) && !options.Contains("--leave-running");
            GuardTests.RequireWhole(Set, server, what);
            FirewallCleanupReport rules = _ns.Run(() => FirewallCleanup.Run(includeLocks: !isTaken));
            Assert.Empty(rules.Removed);
            Assert.Equal(isTaken, rules.Kept.Count > 0);
            Assert.All(rules.Kept, chain => Assert.True(chain.Owner.IsLock, what));
            if (isTaken)
            {
                GoOnWithSet(clients, server);
            }
            else
            {
                GoOnWithOwner(clients, server, what);
            }

            Assert.Equal(resets, TcpLink.ResetsSent(_ns));
            Assert.Equal("", isTaken ? "" : server.EndAndReadErrors());
            if (Directory.Exists(Set))
            {
                Directory.Delete(Set, recursive: true);
            }

            return isTaken;
        }
        finally
        {
            Array.ForEach(clients, static client => client.Dispose());
        }
    }

    private void GoOnWithOwner(Socket[] clients, StreamServer server, string what)
    {
        // Who calls is heard.
        server.Call(_ns).Dispose();
        byte[] sent = StreamServer.Bytes(0, 60_000).ToArray();
        foreach (Socket client in clients)
        {
            client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
            client.Send(sent);
            GuardTests.Read(client, 1 << 20, what);
        }

        Assert.False(server.HasExited, what);
    }

    /// <summary>Who calls is heard, and each stream goes on from its image to an end of its own, without a wrong byte.</summary>
    private void GoOnWithSet(Socket[] clients, StreamServer server)
    {
        using SessionSetRestored restored = _ns.Run(() => SessionSetRestore.Resume(Set));
        Assert.True(restored.LockRemoved);
        Assert.Empty(SessionMoveTests.Rules(_ns));
        Assert.Equal(clients.Length + 1, restored.Sockets.Count);
        using (Socket listener = restored.Sockets[0].TakeSocket())
        using (Socket caller = server.Call(_ns))
        {
            using Socket called = listener.Accept();
            Assert.Equal(caller.LocalEndPoint, called.RemoteEndPoint);
        }

        for (int i = 1; i <= clients.Length; i++)
        {
            SessionImage image = restored.Images[i];
            Socket client = clients.Single(one => StreamServer.EndpointOf(one.LocalEndPoint!) == image.Snapshot.Peer);
            using Socket one = restored.Sockets[i].TakeSocket();
            long from = image.WrittenOffset(StreamOrigin.Accepted);
            Task<long> writing = Task.Factory.StartNew(() => StreamServer.WriteUntil(one, from, at => at >= from + (1 << 18)), TaskCreationOptions.LongRunning);
            client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
            Assert.Equal(StreamServer.ReadToEnd(client, 0), EndOf(writing));
        }
    }

    private static long EndOf(Task<long> writing) => writing.GetAwaiter().GetResult();
}
