using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>
/// One direction of a <see cref="ConnectionRelay"/>: reads only once everything that was read before is written, so a reader that does not keep up holds the writer up, as if
/// there were one connection. The end of the stream is handed on as a FIN.
/// </summary>
internal sealed class RelayStream : IDisposable
{
    private readonly SplicePipe _pipe = new();
    private readonly FileDescriptor _from;
    private readonly FileDescriptor _to;
    private readonly RelayEnd _source;
    private readonly RelayEnd _target;

    internal RelayStream(RelayEnd source, RelayEnd target)
    {
        _source = source;
        _target = target;
        _from = FileDescriptor.Borrow((int)source.Input.DangerousGetHandle());
        _to = FileDescriptor.Borrow((int)target.Output.DangerousGetHandle());
        HasEnded = target.IsWriteClosed;
    }

    /// <summary>The stream is over and its end is handed on.</summary>
    internal bool HasEnded { get; private set; }

    /// <summary>Bytes handed on.</summary>
    internal long Bytes { get; private set; }

    /// <summary>Bytes were taken from the source that the target has not got.</summary>
    internal bool HasPending => _pipe.Pending > 0;

    private bool IsReading => _pipe.Pending == 0;

    /// <summary>What poll is to wait for: the side that is next, and while that is the source, whether the target is gone.</summary>
    internal void Ask(out PollDescriptor next, out PollDescriptor gone)
    {
        FileDescriptor waiting = IsReading ? _from : _to;
        next = new PollDescriptor { Fd = HasEnded ? -1 : waiting.Number, Events = IsReading ? Libc.POLLIN : Libc.POLLOUT };
        gone = new PollDescriptor { Fd = HasEnded || !IsReading ? -1 : _to.Number };
    }

    /// <summary>Goes as far as it goes without waiting. Returns what broke; null as long as nothing did.</summary>
    internal LinuxException? Advance(in PollDescriptor next, in PollDescriptor gone)
    {
        if (HasEnded)
        {
            return null;
        }

        if ((gone.Returned & (Libc.POLLERR | Libc.POLLHUP)) != 0)
        {
            int errno = _target.IsSocket ? NativeSocket.TakeError(_to) : 0;
            return new LinuxException(errno == 0 ? Errno.EPIPE : errno, "write", _target.Name);
        }

        if (next.Returned == 0)
        {
            return null;
        }

        if (IsReading)
        {
            int taken = _pipe.Fill(_from);
            if (taken == 0)
            {
                End();
                return null;
            }

            if (taken < 0)
            {
                return taken == -Errno.EAGAIN ? null : new LinuxException(-taken, "read", _source.Name);
            }
        }

        return Write();
    }

    public void Dispose() => _pipe.Dispose();

    private LinuxException? Write()
    {
        while (_pipe.Pending > 0)
        {
            int given = _pipe.Empty(_to);
            if (given <= 0)
            {
                return given is 0 or -Errno.EAGAIN ? null : new LinuxException(-given, "write", _target.Name);
            }

            Bytes += given;
            if (!_target.IsSocket)
            {
                // It may wait in a second write, which poll has promised nothing about.
                break;
            }
        }

        return null;
    }

    private void End()
    {
        HasEnded = true;
        if (_target.IsSocket)
        {
            NativeSocket.ShutdownSend(_to);
        }
    }
}
