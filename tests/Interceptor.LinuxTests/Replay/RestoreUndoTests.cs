using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

public sealed class RestoreUndoTests
{
    /// <summary>Right after its work is done: the worst instant, as all of it must be undone.</summary>
    [Fact]
    public void Whichever_step_of_a_restore_fails_the_connection_is_in_its_image_again()
    {
        using var taken = new TakenSession("unread");

        // Nothing was held for it.
        foreach (string step in SessionRestore.Steps.Select(static step => step.Name).Where(static name => name != "reinject"))
        {
            var options = new SessionRestoreOptions { Announce = true, StepObserver = FailAfter(step) };
            var thrown = Assert.Throws<InvalidOperationException>(() => taken.Namespace.Run(() => SessionRestore.Resume(taken.Image, options)));
            Assert.Equal(step, thrown.Message);
            Assert.Null(SessionRestoreMark.ReadFrom(taken.Image));
            Assert.Contains("interceptor:lock:", SessionMoveTests.Rules(taken.Namespace), StringComparison.Ordinal);
        }

        taken.AssertUntouched("unread");
    }

    [Fact]
    public void What_a_restored_connection_received_before_its_restore_failed_is_not_lost()
    {
        using var taken = new TakenSession("unread");
        var options = new SessionRestoreOptions
        {
            StepObserver = (step, isOver) =>
            {
                if (isOver && step.Name == "resume")
                {
                    taken.Client.Send(" and late"u8);
                    throw new InvalidOperationException("late");
                }
            },
        };
        _ = Assert.Throws<InvalidOperationException>(() => taken.Namespace.Run(() => SessionRestore.Resume(taken.Image, options)));
        taken.AssertUntouched("unread and late");
    }

    [Fact]
    public void Where_an_undo_fails_too_it_is_not_said_that_the_connection_is_safe_in_its_image()
    {
        using var taken = new TakenSession();
        var options = new SessionRestoreOptions
        {
            StepObserver = (step, isOver) =>
            {
                if (isOver && step.Name == "resume")
                {
                    // It was reset meanwhile: there is nothing to be taken back.
                    taken.Client.LingerState = new LingerOption(true, 0);
                    taken.Client.Close();
                    throw new InvalidOperationException("resume");
                }
            },
        };
        var thrown = Assert.Throws<CheckpointException>(() => taken.Namespace.Run(() => SessionRestore.Resume(taken.Image, options)));
        Assert.Equal("restore (resume)", thrown.Step);
        Assert.Contains("Not all of it could be undone", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("Undoing 'resume' failed too", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("claim", false)]
    [InlineData("restore", false)]
    [InlineData("remove lock", false)]
    [InlineData("resume", true)]
    [InlineData("keep marks", true)]
    public void Whichever_step_of_the_restore_of_a_set_fails_all_connections_are_in_a_set(string step, bool isTakenBack)
    {
        KernelTest.RequireTool("iptables");
        using NetworkNamespace ns = KernelTest.CreateNamespace("set undo");
        ns.Run(() => NativeSocket.BringUp("lo"));
        string directory = Directory.CreateTempSubdirectory("set-undo-").FullName;
        string set = Path.Combine(directory, "set");
        using var server = new StreamServer(ns, idle: true, connections: 3);
        Socket[] clients = [.. Enumerable.Range(0, 3).Select(_ => server.Connect(ns))];
        try
        {
            Array.ForEach(clients, static client => client.Send("unread"u8));
            SessionSetCheckpoint.Take(new SessionSetCheckpointOptions { Pid = server.Pid, Directory = set, KillOwner = true });
            var options = new SessionRestoreOptions { StepObserver = FailAfter(step) };
            Exception thrown = Assert.ThrowsAny<Exception>(() => ns.Run(() => SessionSetRestore.Resume(set, options)));
            if (isTakenBack)
            {
                Assert.Equal($"restore ({step})", Assert.IsType<CheckpointException>(thrown).Step);
                string back = Assert.Single(Directory.GetDirectories(directory, "set.back-*"));
                Assert.Contains(back, thrown.Message, StringComparison.Ordinal);
                set = back;
            }
            else
            {
                Assert.Equal(step, Assert.IsType<InvalidOperationException>(thrown).Message);
                Assert.Empty(Directory.GetDirectories(directory, "set.back-*"));
            }

            // The listening socket and its three connections.
            using SessionSetRestored restored = ns.Run(() => SessionSetRestore.Resume(set));
            Assert.True(restored.LockRemoved);
            Assert.Equal(4, restored.Sockets.Count);
            server.Call(ns).Dispose();
            foreach (RestoredSocket socket in restored.Sockets.Skip(1))
            {
                using Socket one = socket.TakeSocket();
                Assert.Equal(TcpLink.Sha256("unread"u8), TcpLink.ReadSha256(one, 6));
            }

            Assert.Empty(SessionMoveTests.Rules(ns));
            Assert.Equal(0, TcpLink.ResetsSent(ns));
        }
        finally
        {
            Array.ForEach(clients, static client => client.Dispose());
            Directory.Delete(directory, recursive: true);
        }
    }

    private static Action<SessionStep, bool> FailAfter(string name) => (step, isOver) =>
    {
        if (isOver && step.Name == name)
        {
            throw new InvalidOperationException(name);
        }
    };
}
