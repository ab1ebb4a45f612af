using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Another process's queue, through a duplicate of its netlink socket: what the queue holds stays in the kernel while any duplicate is open, and whoever has one may give the
/// verdicts (to the kernel they come from the same socket). For when that process has died. One thread.
/// </summary>
internal sealed class OrphanedQueue : IDisposable
{
    /// <summary>Numbers of packets wrap; compared modulo 2^32, this one is behind those of the first two thousand million packets of a queue.</summary>
    private const uint BehindAll = int.MaxValue;
    private readonly FileDescriptor _fd;
    private readonly NetlinkSocket _socket;
    private readonly ushort _number;
    private byte[]? _unread;

    /// <summary>Takes ownership of <paramref name="duplicate"/>.</summary>
    internal OrphanedQueue(FileDescriptor duplicate, ushort number)
    {
        _fd = duplicate;
        _number = number;
        _socket = NetlinkSocket.FromDescriptor(duplicate, $"queue {number}");
    }

    /// <summary>Accepts, or else drops, everything that the queue has now.</summary>
    internal void DecideAll(bool accept)
    {
        DiscardMessages();
        Span<byte> buffer = stackalloc byte[64];
        var writer = new NetlinkWriter(buffer);
        writer.BeginNetfilterMessage(QueueProtocol.VerdictBatchMessage, NetlinkWriter.Request, 0, 0, _number);
        VerdictBuffer.WriteHeader(ref writer, accept ? QueueProtocol.Accept : QueueProtocol.Drop, BehindAll);
        writer.EndMessage();
        _socket.Send(buffer[..writer.Length]);
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Descriptions of packets, which nobody reads any more: where they fill the buffer, the kernel drops further packets.</summary>
    private void DiscardMessages()
    {
        _unread ??= new byte[1];
        while (NativeSocket.TryReceive(_fd, _unread, Libc.MSG_DONTWAIT) is >= 0 or -Errno.ENOBUFS)
        {
        }
    }
}
