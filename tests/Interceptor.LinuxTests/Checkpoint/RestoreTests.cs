using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;

namespace Interceptor.LinuxTests.Checkpoint;

public sealed class RestoreTests
{
    [Fact]
    public async Task Both_streams_go_on_intact_with_data_in_every_queue()
    {
        using var link = new TcpLink();
        byte[] toServer = TcpLink.Fill(link.Client, seed: 1, limit: 60_000);
        TcpLink.WaitUntil(() => link.Server.Available == toServer.Length, "the client's data at the server");
        byte[] toClient = TcpLink.Fill(link.Server, seed: 2);

        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            Assert.Equal(toServer.Length, image.ReceiveQueue.Length);
            Assert.True(image.UnsentPart.Length > 0, "The peer does not read, so something must be unsent.");
            byte[] more = TcpLink.Pattern(3, 100_000);
            Task writer = Task.Run(() => restored.Send(more));
            Assert.Equal(TcpLink.Sha256([.. toClient, .. more]), TcpLink.ReadSha256(link.Client, toClient.Length + more.Length));
            await writer.WaitAsync(TcpLink.Deadline);

            byte[] moreToServer = TcpLink.Pattern(4, 100_000);
            Task peerWriter = Task.Run(() => link.Client.Send(moreToServer));
            Assert.Equal(TcpLink.Sha256([.. toServer, .. moreToServer]), TcpLink.ReadSha256(restored, toServer.Length + moreToServer.Length));
            await peerWriter.WaitAsync(TcpLink.Deadline);
            restored.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, link.Client.Receive(new byte[1]));
        }

        Assert.Equal(0, link.ResetsSent());
    }

    [Fact]
    public void A_moved_connection_can_be_moved_again()
    {
        using var link = new TcpLink();
        (_, Socket first) = link.Move();
        link.Client.Send("one"u8);
        TcpLink.WaitUntil(() => first.Available == 3, "the client's data at the restored socket");
        SessionImage image;
        RestoredSocket second;
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            image = paused.Dump();
            paused.CloseSilently();
            second = link.Namespace.Run(() => SessionRestorer.Restore(image));
        }

        second.Resume();
        using Socket socket = second.TakeSocket();
        Assert.Equal(TcpLink.Sha256("one"u8), TcpLink.ReadSha256(socket, 3));
        socket.Send("two"u8);
        Assert.Equal(TcpLink.Sha256("two"u8), TcpLink.ReadSha256(link.Client, 3));
        Assert.Equal(0, link.ResetsSent());
        first.Dispose();
    }

    [Fact]
    public void The_segment_size_is_the_original_one()
    {
        using var link = new TcpLink();
        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            Assert.Equal(1460, image.Snapshot.MssClamp);
            Assert.Equal(image.Counters.SendMss, Info(restored).tcpi_snd_mss);
        }
    }

    [Fact]
    public void The_restored_socket_dumps_to_the_same_snapshot()
    {
        using var link = new TcpLink();
        byte[] toServer = TcpLink.Fill(link.Client, seed: 1, limit: 40_000);
        TcpLink.WaitUntil(() => link.Server.Available == toServer.Length, "the client's data at the server");
        TcpLink.Fill(link.Server, seed: 2);
        SessionImage first;
        RestoredSocket restored;
        using IDisposable held = link.Lock();
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            first = paused.Dump();
            paused.CloseSilently();
            restored = link.Namespace.Run(() => SessionRestorer.Restore(first));
        }

        // Both directions are locked, so nothing but our own clock moves.
        restored.Resume(probe: false);
        using PausedSocket again = link.Attach();
        again.Pause();
        SessionImage second = again.Dump();
        Assert.Equal(first.Snapshot with { TimestampValue = 0 }, second.Snapshot with { TimestampValue = 0 });
        Assert.True(first.ReceiveQueue.Span.SequenceEqual(second.ReceiveQueue.Span));
        Assert.True(first.SendQueue.Span.SequenceEqual(second.SendQueue.Span));
        int ticks = (int)(second.Snapshot.TimestampValue - first.Snapshot.TimestampValue);
        Assert.InRange(ticks, 0, 10_000);
        restored.Dispose();
    }

    [Fact]
    public void The_restored_window_fits_the_receive_buffer()
    {
        using var link = new TcpLink(listener => listener.ReceiveBufferSize = 64 * 1024);
        TcpLink.Fill(link.Client, seed: 1);
        TcpLink.WaitUntil(() => link.Server.Available > 16 * 1024, "a filled receive queue");
        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            Assert.True(Info(restored).tcpi_rcv_wnd <= image.Settings.ReceiveBuffer);
            Assert.Equal(image.Settings.ReceiveBuffer, Option(restored, Libc.SOL_SOCKET, Libc.SO_RCVBUF));
        }
    }

    [Fact]
    public void Options_survive_the_move()
    {
        using var link = new TcpLink();
        link.Server.NoDelay = true;
        link.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        link.Server.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 77);
        link.Server.LingerState = new LingerOption(true, 5);
        link.Server.SetRawSocketOption(Libc.IPPROTO_TCP, Libc.TCP_USER_TIMEOUT, BitConverter.GetBytes(12_345));
        link.Server.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_REUSEADDR, BitConverter.GetBytes(1));
        link.Server.SetRawSocketOption(Libc.IPPROTO_TCP, Libc.TCP_CONGESTION, "reno"u8);
        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            using FileDescriptor descriptor = Duplicate(restored);
            SocketSettings after = SocketSettingsIo.Read(descriptor, isIpv6Socket: false, "the restored socket");
            Assert.Equal("reno", after.CongestionControl);
            Assert.Equal([12_345], after.Options["TCP_USER_TIMEOUT"]);
            Assert.Equal([1, 5], after.Options["SO_LINGER"]);
            Assert.Equal([77], after.Options["TCP_KEEPIDLE"]);
            Assert.Equal([1], after.Options["SO_REUSEADDR"]);
            Assert.Equal(Show(image.Settings), Show(after));
        }
    }

    [Fact]
    public void Restoring_beside_the_original_is_refused_and_disturbs_nobody()
    {
        using var link = new TcpLink();
        using PausedSocket paused = link.Attach();
        paused.Pause();
        SessionImage image = paused.Dump();
        var exception = Assert.Throws<CheckpointException>(() => link.Namespace.Run(() => SessionRestorer.Restore(image)));
        Assert.Equal("restore (connect)", exception.Step);
        Assert.Contains("still exists", exception.Message, StringComparison.Ordinal);
        paused.Dispose();
        link.Client.Send("ok"u8);
        Assert.Equal(TcpLink.Sha256("ok"u8), TcpLink.ReadSha256(link.Server, 2));
    }

    [Fact]
    public void An_address_that_is_not_here_is_said_so_and_the_image_still_restores()
    {
        using var link = new TcpLink();
        link.Client.Send("before"u8);
        TcpLink.WaitUntil(() => link.Server.Available == 6, "the client's data at the server");
        SessionImage image;
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            image = paused.Dump();
            paused.CloseSilently();
        }

        using NetworkNamespace other = Interceptor.Testing.KernelTest.CreateNamespace("elsewhere");
        var exception = Assert.Throws<CheckpointException>(() => other.Run(() => SessionRestorer.Restore(image)));
        Assert.Contains("image is unchanged", exception.StateLeftBehind, StringComparison.Ordinal);

        RestoredSocket restored = link.Namespace.Run(() => SessionRestorer.Restore(image));
        restored.Resume();
        using Socket socket = restored.TakeSocket();
        Assert.Equal(TcpLink.Sha256("before"u8), TcpLink.ReadSha256(socket, 6));
        Assert.Equal(0, link.ResetsSent());
    }

    internal static FileDescriptor Duplicate(Socket socket)
    {
        using var process = ProcessDescriptor.Open(Environment.ProcessId);
        return process.Duplicate((int)socket.Handle);
    }

    /// <summary>All of it as text, to be compared.</summary>
    internal static string Show(SocketSettings settings) => string.Join(
        '\n', settings.Options.OrderBy(pair => pair.Key).Select(Show).Append(string.Join(',', settings.Filter))
            .Append((settings with { Options = new Dictionary<string, int[]>(), Filter = [], Backlog = 0, SignalReceiver = 0, SignalsOwner = false }).ToString()));

    private static string Show(KeyValuePair<string, int[]> option) => $"{option.Key}={string.Join(',', option.Value)}";

    private static int Option(Socket socket, int level, int name)
    {
        Span<byte> value = stackalloc byte[4];
        socket.GetRawSocketOption(level, name, value);
        return BitConverter.ToInt32(value);
    }

    internal static Libc.tcp_info Info(Socket socket)
    {
        using FileDescriptor descriptor = Duplicate(socket);
        return Info(descriptor);
    }

    internal static Libc.tcp_info Info(FileDescriptor descriptor) =>
        NativeSocket.GetStruct<Libc.tcp_info>(descriptor, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", "socket");
}
