using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

public sealed class SessionMoveTests
{
    private const long BytesAfterMove = 4 << 20;

    [Fact]
    public async Task A_busy_connection_moves_to_another_owner_without_a_wrong_byte_or_a_reset()
    {
        using NetworkNamespace ns = Prepare();
        using var server = new StreamServer(ns);
        using Socket client = server.Connect(ns);
        bool isMoved = false;
        Task<long> clientRead = Task.Factory.StartNew(() => StreamServer.ReadToEnd(client, 0), TaskCreationOptions.LongRunning);
        Task<long> clientWrite = Task.Factory.StartNew(
            () => StreamServer.WriteUntil(client, 0, _ => Volatile.Read(ref isMoved)), TaskCreationOptions.LongRunning);

        string directory = Path.Combine(Path.GetTempPath(), $"move-{Guid.NewGuid():N}");
        FileDescriptor? delivered = null;
        (FileDescriptor sender, FileDescriptor receiver) = NativeSocket.CreatePair(Libc.SOCK_STREAM);
        var move = new SessionMove(new SessionMoveOptions
        {
            Namespace = ns,
            OwnerPid = server.Pid,
            Local = server.Endpoint,
            Peer = StreamServer.EndpointOf(client.LocalEndPoint!),
            Deliver = (handle, _) =>
            {
                DescriptorPassing.Send(sender, handle);
                delivered = DescriptorPassing.Receive(receiver);
            },
            ImageDirectory = directory,
            GuardCommand = MoveHost.GuardCommand,
        });
        SessionMoveResult result = move.Run();
        Assert.Null(result.GuardProblem);
        sender.Dispose();
        receiver.Dispose();

        SessionImage image = result.Image;
        using var restored = new Socket(new SafeSocketHandle(delivered!.Detach(), ownsHandle: true));
        long writeFrom = image.WrittenOffset(StreamOrigin.Accepted);
        Task<long> serverRead = Task.Factory.StartNew(() => StreamServer.ReadToEnd(restored, image.ReadOffset), TaskCreationOptions.LongRunning);
        long written = StreamServer.WriteUntil(restored, writeFrom, offset => offset >= writeFrom + BytesAfterMove);
        Volatile.Write(ref isMoved, true);

        Assert.Equal(written, await clientRead.WaitAsync(TcpLink.Deadline));
        Assert.Equal(await clientWrite.WaitAsync(TcpLink.Deadline), await serverRead.WaitAsync(TcpLink.Deadline));
        Assert.Equal(0, TcpLink.ResetsSent(ns));
        Assert.True(result.Inbound.Held + result.Outbound.Held > 0, "Both ends were sending, so something must have been held.");
        Assert.Equal(result.Inbound.Held, result.Inbound.Reinjected);
        Assert.Equal(image.HeldPackets.Count, result.Inbound.Held + result.Outbound.Held);
        Assert.Equal(SessionMove.Steps.Select(step => step.Name), result.Steps.Select(step => step.Name));
        TcpLink.WaitUntil(() => server.HasExited, "the old owner's end");
        Assert.Empty(Rules(ns));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"freeze {result.Freeze.TotalMilliseconds:0.000} ms, in {result.Inbound}, out {result.Outbound}, queues {image.QueuedBytes} B\n"
            + string.Join('\n', result.Steps.Select(step => $"{step.Name,-18} {(step.IsFrozen ? "frozen" : ""),-7} {step.Elapsed.TotalMilliseconds:0.000} ms")));

        SessionImage read = SessionFiles.Read(directory);
        Assert.Equal(image.Snapshot, read.Snapshot);
        Assert.Equal(image.HeldPackets.Count, read.HeldPackets.Count);
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public void A_restore_that_fails_leaves_an_image_under_a_lock_that_restores()
    {
        using NetworkNamespace ns = Prepare();
        using var server = new StreamServer(ns, idle: true);
        using Socket client = server.Connect(ns);
        client.Send("question"u8);
        string directory = Path.Combine(Path.GetTempPath(), $"rescue-{Guid.NewGuid():N}");
        var exception = Assert.Throws<CheckpointException>(() => new SessionMove(new SessionMoveOptions
        {
            Namespace = ns,
            OwnerPid = server.Pid,
            Local = server.Endpoint,
            Peer = StreamServer.EndpointOf(client.LocalEndPoint!),
            EndOldOwner = () => throw new InvalidOperationException("The supervisor is gone."),
            Deliver = (_, _) => Assert.Fail("There is nothing to deliver."),
            ImageDirectory = directory,
        }).Run());
        Assert.Equal("move (end owner)", exception.Step);
        Assert.Contains(directory, exception.StateLeftBehind, StringComparison.Ordinal);
        Assert.Contains("interceptor:lock:", Rules(ns), StringComparison.Ordinal);

        SessionImage image = SessionFiles.Read(directory);
        using RestoredSocket restored = ns.Run(() => SessionRestorer.Restore(image));
        Assert.True(SessionLockRules.Remove(image, ns));
        restored.Resume();
        using Socket socket = restored.TakeSocket();
        Assert.Equal(TcpLink.Sha256("question"u8), TcpLink.ReadSha256(socket, 8));
        socket.Send("answer"u8);
        Assert.Equal(TcpLink.Sha256("answer"u8), TcpLink.ReadSha256(client, 6));
        Assert.Equal(0, TcpLink.ResetsSent(ns));
        Assert.Empty(Rules(ns));
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public void A_delivery_that_fails_takes_the_connection_back_into_an_image_that_restores()
    {
        using NetworkNamespace ns = Prepare();
        using var server = new StreamServer(ns);
        using Socket client = server.Connect(ns);
        string directory = Path.Combine(Path.GetTempPath(), $"rescue-{Guid.NewGuid():N}");
        var exception = Assert.Throws<CheckpointException>(() => new SessionMove(new SessionMoveOptions
        {
            Namespace = ns,
            OwnerPid = server.Pid,
            Local = server.Endpoint,
            Peer = StreamServer.EndpointOf(client.LocalEndPoint!),
            Deliver = (_, _) => throw new IOException("The new owner has ended."),
            ImageDirectory = directory,
        }).Run());
        Assert.Equal("move (deliver)", exception.Step);
        Assert.Contains(directory, exception.StateLeftBehind, StringComparison.Ordinal);
        SessionImage image = GoOnWith(directory, client, ns);
        Assert.NotEmpty(image.Id);
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public void A_rescue_goes_elsewhere_where_its_directory_can_not_be_written_and_says_where()
    {
        using NetworkNamespace ns = Prepare();
        using var server = new StreamServer(ns);
        using Socket client = server.Connect(ns);
        string directory = Path.Combine(Path.GetTempPath(), $"rescue-{Guid.NewGuid():N}");
        var exception = Assert.Throws<CheckpointException>(() => new SessionMove(new SessionMoveOptions
        {
            Namespace = ns,
            OwnerPid = server.Pid,
            Local = server.Endpoint,
            Peer = StreamServer.EndpointOf(client.LocalEndPoint!),
            EndOldOwner = () =>
            {
                Directory.CreateDirectory(directory);
                throw new InvalidOperationException("The supervisor is gone.");
            },
            Deliver = (_, _) => Assert.Fail("There is nothing to deliver."),
            ImageDirectory = directory,
        }).Run());
        Directory.Delete(directory);
        string rescue = exception.StateLeftBehind.Split("the image ")[1].Split(',')[0];
        Assert.DoesNotContain(directory, exception.StateLeftBehind, StringComparison.Ordinal);
        _ = GoOnWith(rescue, client, ns);
        Directory.Delete(rescue, recursive: true);
    }

    /// <summary>Restores as the command does and reads a megabyte at the client, which must see one whole stream.</summary>
    internal static SessionImage GoOnWith(string directory, Socket client, NetworkNamespace ns, int resetsBefore = 0)
    {
        using RestoredSession session = ns.Run(() => SessionRestore.Resume(directory));
        Assert.True(session.LockRemoved);
        SessionImage image = session.Image;
        using Socket server = session.Socket.TakeSocket();
        long from = image.WrittenOffset(StreamOrigin.Accepted);
        long end = from + (1 << 20);
        Task writing = Task.Factory.StartNew(() => StreamServer.WriteUntil(server, from, at => at >= end), TaskCreationOptions.LongRunning);
        client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        var buffer = new byte[65536];
        for (long at = 0; at < end;)
        {
            int count = client.Receive(buffer);
            Assert.True(count > 0 && buffer.AsSpan(0, count).SequenceEqual(StreamServer.Bytes(at, count)));
            at += count;
        }

        // Whatever else the writer had under way by then arrives in its own time.
        Assert.Equal(resetsBefore, TcpLink.ResetsSent(ns));
        Assert.Empty(Rules(ns));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(TaskStatus.RanToCompletion, Drain(client, writing));
        return image;
    }

    private static TaskStatus Drain(Socket client, Task writing)
    {
        var buffer = new byte[65536];
        while (!writing.IsCompleted && client.Receive(buffer) > 0)
        {
        }

        return writing.Status;
    }

    [Fact]
    public void A_failure_before_the_original_is_closed_leaves_the_connection_with_its_owner()
    {
        using NetworkNamespace ns = Prepare();
        using var server = new StreamServer(ns);
        using Socket client = server.Connect(ns);
        using NetworkNamespace other = KernelTest.CreateNamespace("other");
        FlowEndpoint peer = StreamServer.EndpointOf(client.LocalEndPoint!);
        var wrong = new FlowEndpoint(peer.Address, (ushort)(peer.Port ^ 1));
        var exception = Assert.Throws<CheckpointException>(() => new SessionMove(new SessionMoveOptions
        {
            Namespace = ns,
            OwnerPid = server.Pid,
            Local = server.Endpoint,
            Peer = wrong,
            Deliver = (_, _) => { },
        }).Run());
        Assert.Equal(CheckpointFailure.NotFound, exception.Failure);
        Assert.Contains($"{server.Endpoint}-{peer}", exception.Message, StringComparison.Ordinal);
        var buffer = new byte[100_000];
        Assert.True(client.Receive(buffer) > 0);
        Assert.Empty(Rules(ns));
    }

    [Fact]
    public void A_move_called_off_before_the_freeze_leaves_the_connection_with_its_owner()
    {
        using NetworkNamespace ns = Prepare();
        using var server = new StreamServer(ns);
        using Socket client = server.Connect(ns);
        string rulesThen = "";
        var exception = Assert.Throws<CheckpointException>(() => new SessionMove(new SessionMoveOptions
        {
            Namespace = ns,
            OwnerPid = server.Pid,
            Local = server.Endpoint,
            Peer = StreamServer.EndpointOf(client.LocalEndPoint!),
            BeforeFreeze = () =>
            {
                rulesThen = Rules(ns);
                throw new OperationCanceledException("not now");
            },
            Deliver = (_, _) => Assert.Fail("There is nothing to deliver."),
        }).Run());
        Assert.IsType<OperationCanceledException>(exception.InnerException);
        Assert.Contains("NFQUEUE", rulesThen, StringComparison.Ordinal);
        Assert.Empty(Rules(ns));
        var buffer = new byte[100_000];
        Assert.True(client.Receive(buffer) > 0);
        Assert.False(server.HasExited);
    }

    private static NetworkNamespace Prepare()
    {
        KernelTest.RequireTool("iptables");
        NetworkNamespace ns = KernelTest.CreateNamespace("move test");
        ns.Run(() =>
        {
            NativeSocket.BringUp("lo");
            TcpLink.Run("ip", "link set lo mtu 1500");
        });
        return ns;
    }

    internal static string Rules(NetworkNamespace ns) => ns.Run(() =>
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("iptables-save", "-t mangle") { RedirectStandardOutput = true })!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return string.Join('\n', text.Split('\n').Where(line => line.Contains("INTERCEPTOR", StringComparison.OrdinalIgnoreCase)));
    });
}
