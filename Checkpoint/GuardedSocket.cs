using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>
/// What a guard in another process has of a connection's socket: a duplicate, and what must be set again should the process that works on it die in between. One thread.
/// </summary>
internal sealed class GuardedSocket : IDisposable
{
    private readonly FileDescriptor _fd;
    private readonly string _subject;
    private readonly byte[] _reuseAddress;
    private readonly int _peekOffset;

    /// <summary>Takes ownership of <paramref name="duplicate"/>. The socket is not in repair yet, which would falsify what is read here.</summary>
    internal GuardedSocket(FileDescriptor duplicate, string subject)
    {
        _fd = duplicate;
        _subject = subject;
        _reuseAddress = BitConverter.GetBytes(SocketSettingsIo.ReadOptionalInt(_fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 0));
        _peekOffset = SocketSettingsIo.ReadOptionalInt(_fd, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, -1);
    }

    /// <summary>True once its association is dissolved, silently or by a reset.</summary>
    internal bool IsDissolved =>
        NativeSocket.GetStruct<Libc.tcp_info>(_fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", _subject).tcpi_state == (byte)Tcp.TcpState.Closed;

    /// <summary>The namespace that it belongs to; the caller disposes it.</summary>
    internal NetworkNamespace OpenNamespace()
    {
        using FileDescriptor descriptor = NativeSocket.OpenNamespace(_fd, _subject);
        return NetworkNamespace.Open($"/proc/self/fd/{descriptor.Number}");
    }

    /// <summary>Leaves repair without a packet and sets again what a pause changes; harmless where there was none.</summary>
    internal void Resume()
    {
        _ = NativeSocket.TrySet(_fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, BitConverter.GetBytes(Libc.TCP_REPAIR_OFF_NO_WP));
        _ = NativeSocket.TrySet(_fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, _reuseAddress);
        if (_peekOffset >= 0)
        {
            _ = NativeSocket.TrySet(_fd, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, BitConverter.GetBytes(_peekOffset));
        }
    }

    /// <summary>Dissolves its association without a packet.</summary>
    internal void CloseSilently()
    {
        NativeSocket.SetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON, "setsockopt(TCP_REPAIR)", _subject);
        NativeSocket.Disconnect(_fd, _subject);
    }

    public void Dispose() => _fd.Dispose();
}
