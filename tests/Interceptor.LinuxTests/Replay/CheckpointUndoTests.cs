using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

public sealed class CheckpointUndoTests : IDisposable
{
    private readonly NetworkNamespace _ns;
    private readonly string _directory = Directory.CreateTempSubdirectory("undo-test-").FullName;

    public CheckpointUndoTests()
    {
        KernelTest.RequireTool("iptables");
        _ns = KernelTest.CreateNamespace("undo test");
        _ns.Run(() => NativeSocket.BringUp("lo"));
    }

    /// <summary>Each step of each kind once fails right after it has done its work: the worst instant, as all of it must be undone.</summary>
    [Theory]
    [InlineData(SessionLockKind.Hold, true, "pause socket", "resume", "remove rules")]
    [InlineData(SessionLockKind.Hold, false, "hold", "lock", "write image")]
    [InlineData(SessionLockKind.Drop, true, "dump")]
    [InlineData(SessionLockKind.Drop, false, "lock", "stop owner", "write image")]
    [InlineData(SessionLockKind.None, false, "pause socket", "write image")]
    public void A_step_that_fails_before_the_close_leaves_the_connection_with_its_owner_and_nothing_else(SessionLockKind kind, bool leaveRunning, params string[] steps)
    {
        using var server = new StreamServer(_ns);
        using Socket client = server.Connect(_ns);
        client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        long read = 0;
        foreach (string step in steps)
        {
            var thrown = Assert.Throws<InvalidOperationException>(() => SessionCheckpoint.Take(Options(server, client, kind, leaveRunning, step)));
            Assert.Equal(step, thrown.Message);
            Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
            Assert.Empty(SessionMoveTests.Rules(_ns));
            Assert.DoesNotContain("(stopped)", File.ReadAllText($"/proc/{server.Pid}/status"), StringComparison.Ordinal);
            read = ReadOn(client, read, 8 << 20);
        }

        Assert.Equal(0, TcpLink.ResetsSent(_ns));
    }

    [Fact]
    public void A_step_that_fails_behind_the_close_leaves_the_image_under_its_lock()
    {
        using var server = new StreamServer(_ns);
        using Socket client = server.Connect(_ns);
        var thrown = Assert.Throws<CheckpointException>(
            () => SessionCheckpoint.Take(Options(server, client, SessionLockKind.Hold, leaveRunning: false, "close original")));
        Assert.Equal("checkpoint (close original)", thrown.Step);
        Assert.Contains($"interceptor restore {_directory}", thrown.StateLeftBehind, StringComparison.Ordinal);
        Assert.Contains("interceptor:lock:", SessionMoveTests.Rules(_ns), StringComparison.Ordinal);
        Assert.DoesNotContain("NFQUEUE", SessionMoveTests.Rules(_ns), StringComparison.Ordinal);
        _ = SessionMoveTests.GoOnWith(Path.Combine(_directory, "image"), client, _ns);
    }

    public void Dispose()
    {
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private SessionCheckpointOptions Options(StreamServer server, Socket client, SessionLockKind kind, bool leaveRunning, string failing) => new()
    {
        Pid = server.Pid,
        Local = server.Endpoint,
        Peer = StreamServer.EndpointOf(client.LocalEndPoint!),
        Directory = Path.Combine(_directory, "image"),
        LeaveRunning = leaveRunning,
        Lock = kind,
        GuardCommand = MoveHost.GuardCommand,
        StepObserver = (step, isOver) =>
        {
            if (isOver && step.Name == failing)
            {
                throw new InvalidOperationException(failing);
            }
        },
    };

    private static long ReadOn(Socket client, long at, int length)
    {
        var buffer = new byte[65536];
        for (long end = at + length; at < end;)
        {
            int count = client.Receive(buffer);
            Assert.True(count > 0 && buffer.AsSpan(0, count).SequenceEqual(StreamServer.Bytes(at, count)));
            at += count;
        }

        return at;
    }
}
