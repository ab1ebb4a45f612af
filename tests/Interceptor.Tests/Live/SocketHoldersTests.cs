using System.Globalization;
using System.Net.Sockets;
using Interceptor.Capture.Live;
using Interceptor.Interop;

namespace Interceptor.Tests.Live;

/// <summary>Who has a socket of this process.</summary>
public sealed class SocketHoldersTests : IDisposable
{
    private const long Minute = 60_000_000_000;

    private readonly SocketHolders _holders = new();
    private long _now = Clock.MonotonicNanoseconds();

    public void Dispose() => _holders.Dispose();

    [Fact]
    public void A_socket_that_is_closed_while_everything_is_looked_at_stays_with_whom_it_was()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        long inode = InodeOf(socket);
        Assert.Contains(Environment.ProcessId, Look(inode));
        int version = _holders.Track(inode).Version;
        socket.Dispose();

        // Still listed, and gone when the processes are read.
        Assert.Contains(Environment.ProcessId, Look(inode));
        Assert.Equal(version, _holders.Track(inode).Version);
    }

    [Fact]
    public void A_socket_that_is_not_listed_any_more_is_forgotten()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        long inode = InodeOf(socket);
        Assert.NotEmpty(Look(inode));
        Look();
        _holders.BeginRound();
        Assert.Empty(_holders.Track(inode).Holders);
    }

    private static long InodeOf(Socket socket)
    {
        string target = new FileInfo($"/proc/self/fd/{socket.Handle}").LinkTarget!;
        return long.Parse(target.AsSpan()["socket:[".Length..^1], CultureInfo.InvariantCulture);
    }

    // A listing, then a look at everything, which a minute later is due again.
    private IEnumerable<int> Look(params long[] listed)
    {
        _holders.BeginRound();
        SocketHolders.Record[] records = [.. listed.Select(_holders.Track)];
        _holders.EndRound(_now += 10 * Minute);
        return records.SelectMany(static record => record.Holders).Select(static process => process.Pid);
    }
}
