using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Interceptor.Replay;

namespace Interceptor.Tests.Replay;

public sealed class ConnectionRelayTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly (Socket Outside, Socket Inside) _left = Pair();
    private readonly (Socket Outside, Socket Inside) _right = Pair();

    [Fact]
    public async Task Each_byte_and_each_end_of_stream_goes_across_in_both_directions()
    {
        Task<RelayResult> relay = Start();
        byte[] there = Noise(1, 5_000_000);
        byte[] back = Noise(2, 3_000_000);
        Task<string> gotThere = Read(_right.Outside);
        Task<string> gotBack = Read(_left.Outside);
        await Task.WhenAll(Write(_left.Outside, there), Write(_right.Outside, back)).WaitAsync(Deadline);
        Assert.Equal(Hash(there), await gotThere.WaitAsync(Deadline));
        Assert.Equal(Hash(back), await gotBack.WaitAsync(Deadline));
        Assert.Equal(new RelayResult(RelayOutcome.Closed, there.Length, back.Length, null), await relay.WaitAsync(Deadline));
    }

    [Fact]
    public async Task A_stream_goes_on_after_the_other_one_has_ended()
    {
        Task<RelayResult> relay = Start();
        _left.Outside.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await _right.Outside.ReceiveAsync(new byte[1]).WaitAsync(Deadline));
        Assert.False(relay.IsCompleted);
        _right.Outside.Send("late"u8);
        var text = new byte[4];
        Assert.Equal(4, await _left.Outside.ReceiveAsync(text).WaitAsync(Deadline));
        _right.Outside.Shutdown(SocketShutdown.Send);
        Assert.Equal(new RelayResult(RelayOutcome.Closed, 0, 4, null), await relay.WaitAsync(Deadline));
    }

    [Fact]
    public async Task Who_does_not_read_holds_the_writer_up_and_the_other_direction_goes_on()
    {
        // The kernel would let them grow to what the machine allows, which may be tens of megabytes.
        (_left.Inside.ReceiveBufferSize, _right.Outside.ReceiveBufferSize) = (1 << 18, 1 << 18);
        Task<RelayResult> relay = Start();
        _left.Outside.Blocking = false;
        long written = 0;
        byte[] piece = new byte[65536];
        for (long since = Environment.TickCount64; Environment.TickCount64 - since < 300;)
        {
            written += _left.Outside.Send(piece, SocketFlags.None, out SocketError error);
            since = error == SocketError.Success ? Environment.TickCount64 : since;
            Thread.Yield();
        }

        Assert.True(written < 32 << 20, $"{written} bytes went into a connection that nobody reads.");
        _right.Outside.Send("ping"u8);
        var text = new byte[4];
        _left.Outside.Blocking = true;
        Assert.Equal(4, await _left.Outside.ReceiveAsync(text).WaitAsync(Deadline));
        _left.Outside.Shutdown(SocketShutdown.Send);
        _right.Outside.Shutdown(SocketShutdown.Send);
        _ = await Read(_right.Outside).WaitAsync(Deadline);
        Assert.Equal(new RelayResult(RelayOutcome.Closed, written, 4, null), await relay.WaitAsync(Deadline));
    }

    [Fact]
    public async Task A_reset_of_one_end_becomes_a_reset_of_the_other_and_no_end_of_stream()
    {
        Task<RelayResult> relay = Start();
        _left.Outside.Send("half a mess"u8);
        var text = new byte[11];
        Assert.Equal(11, await _right.Outside.ReceiveAsync(text).WaitAsync(Deadline));
        _left.Outside.LingerState = new LingerOption(true, 0);
        _left.Outside.Close();
        RelayResult result = await relay.WaitAsync(Deadline);
        Assert.Equal(RelayOutcome.Broken, result.Outcome);
        Assert.Equal(11, result.FirstToSecondBytes);
        Assert.Equal("left", result.Failure!.Subject);
        _right.Inside.Close();
        var exception = await Assert.ThrowsAsync<SocketException>(() => _right.Outside.ReceiveAsync(text).WaitAsync(Deadline));
        Assert.Equal(SocketError.ConnectionReset, exception.SocketErrorCode);
    }

    [Fact]
    public async Task A_reset_is_noticed_also_while_nothing_is_sent_to_who_is_gone()
    {
        Task<RelayResult> relay = Start();
        _right.Outside.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await _left.Outside.ReceiveAsync(new byte[1]).WaitAsync(Deadline));

        // The stream from the right is over, so nothing is read there any more.
        _right.Outside.LingerState = new LingerOption(true, 0);
        _right.Outside.Close();
        RelayResult result = await relay.WaitAsync(Deadline);
        Assert.Equal((RelayOutcome.Broken, "right"), (result.Outcome, result.Failure!.Subject));
    }

    [Fact]
    public async Task Nothing_is_read_for_an_end_that_takes_no_more()
    {
        Task<RelayResult> relay = Task.Factory.StartNew(
            () => ConnectionRelay.Run(new RelayEnd("left", _left.Inside.SafeHandle) { IsWriteClosed = true }, new RelayEnd("right", _right.Inside.SafeHandle)), TaskCreationOptions.LongRunning);
        _right.Outside.Send("for nobody"u8);
        await Write(_left.Outside, "the rest"u8.ToArray());
        Assert.Equal(Hash("the rest"u8.ToArray()), await Read(_right.Outside).WaitAsync(Deadline));
        Assert.Equal(new RelayResult(RelayOutcome.Closed, 8, 0, null), await relay.WaitAsync(Deadline));
        Assert.Equal(10, _right.Inside.Available);
    }

    [Fact]
    public async Task Files_that_know_no_splice_are_read_and_written()
    {
        string path = Path.GetTempFileName();
        try
        {
            byte[] data = Noise(3, 700_000);
            Task write = Write(_left.Outside, data);

            // The kernel refuses to splice into a file that is appended to.
            using (var output = AppendHandle(path))
            using (var input = new FileStream("/proc/sys/kernel/ostype", FileMode.Open, FileAccess.Read, FileShare.Read, 1))
            {
                RelayResult result = await Task.Factory.StartNew(
                    () => ConnectionRelay.Run(new RelayEnd("left", _left.Inside.SafeHandle), new RelayEnd("files", input.SafeFileHandle, output)), TaskCreationOptions.LongRunning).WaitAsync(Deadline);
                Assert.Equal(new RelayResult(RelayOutcome.Closed, data.Length, 6, null), result);
            }

            await write;
            Assert.Equal(Hash(data), Hash(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken)));
            var text = new byte[6];
            Assert.Equal(6, _left.Outside.Receive(text));
            Assert.Equal("Linux\n"u8, text);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task It_is_stopped_at_once_and_says_what_was_moved()
    {
        using var stop = new CancellationTokenSource();
        Task<RelayResult> relay = Task.Factory.StartNew(
            () => ConnectionRelay.Run(new RelayEnd("left", _left.Inside.SafeHandle), new RelayEnd("right", _right.Inside.SafeHandle), stop: stop.Token), TaskCreationOptions.LongRunning);
        _left.Outside.Send("four"u8);
        Assert.Equal(4, await _right.Outside.ReceiveAsync(new byte[8]).WaitAsync(Deadline));
        await stop.CancelAsync();
        Assert.Equal(new RelayResult(RelayOutcome.Stopped, 4, 0, null), await relay.WaitAsync(Deadline));
    }

    public void Dispose()
    {
        foreach (Socket socket in (ReadOnlySpan<Socket>)[_left.Outside, _left.Inside, _right.Outside, _right.Inside])
        {
            socket.Dispose();
        }
    }

    private Task<RelayResult> Start() => Task.Factory.StartNew(
        () => ConnectionRelay.Run(new RelayEnd("left", _left.Inside.SafeHandle), new RelayEnd("right", _right.Inside.SafeHandle)), TaskCreationOptions.LongRunning);

    /// <summary>O_APPEND, which a FileStream has only in its own account.</summary>
    private static Microsoft.Win32.SafeHandles.SafeFileHandle AppendHandle(string path)
    {
        Interop.FileDescriptor fd = Interop.Libc.open(path, Interop.Libc.O_WRONLY | 0x400, 0);
        return new Microsoft.Win32.SafeHandles.SafeFileHandle(fd.Detach(), ownsHandle: true);
    }

    private static (Socket Outside, Socket Inside) Pair()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var outside = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        outside.Connect(listener.LocalEndPoint!);
        return (outside, listener.Accept());
    }

    private static byte[] Noise(int seed, int length)
    {
        var data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    private static string Hash(byte[] data) => Convert.ToHexString(SHA256.HashData(data));

    private static Task Write(Socket socket, byte[] data) => Task.Factory.StartNew(
        () =>
        {
            socket.Send(data);
            socket.Shutdown(SocketShutdown.Send);
        },
        TaskCreationOptions.LongRunning);

    private static Task<string> Read(Socket socket) => Task.Factory.StartNew(
        () =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[65536];
            while (socket.Receive(buffer) is > 0 and int count)
            {
                hash.AppendData(buffer, 0, count);
            }

            return Convert.ToHexString(hash.GetHashAndReset());
        },
        TaskCreationOptions.LongRunning);
}
