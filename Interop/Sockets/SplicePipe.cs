using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// A pipe that bytes go through from one descriptor to another within the kernel (<c>splice(2)</c>). A descriptor that knows no splice (an append-only file, some terminals) is read
/// or written instead, by way of a buffer.
/// <para>One filling, then as many emptyings as it takes: <see cref="Pending"/> says which is next. Neither waits where the descriptor is a non-blocking socket; others are
/// asked for no more than what poll has promised. Both return the bytes moved or the error number negated and judge nothing. Threads: one at a time.</para>
/// </summary>
internal sealed unsafe class SplicePipe : IDisposable
{
    /// <summary>The kernel's own size of a pipe, which is always to be had.</summary>
    private const int DefaultLength = 64 * 1024;

    /// <summary>POSIX's PIPE_BUF: what a pipe or terminal takes without waiting, once it is writable.</summary>
    private const int UnwaitingLength = 4096;

    private readonly FileDescriptor _out;
    private readonly FileDescriptor _in;
    private readonly int _length = 256 * 1024;
    private byte[]? _buffer;
    private int _bufferedAt;
    private int _bufferedEnd;
    private bool _isRead;
    private bool _isWritten;

    internal SplicePipe()
    {
        int* pair = stackalloc int[2];
        if (Libc.pipe2(pair, Libc.O_CLOEXEC | Libc.O_NONBLOCK) != 0)
        {
            throw LinuxException.FromLastError("pipe", "");
        }

        _out = new FileDescriptor(pair[0]);
        _in = new FileDescriptor(pair[1]);
        if (Libc.fcntl(_in, Libc.F_SETPIPE_SZ, _length) < 0)
        {
            _length = DefaultLength;
        }
    }

    /// <summary>Bytes taken in and not yet handed on.</summary>
    internal int Pending { get; private set; }

    /// <summary>Takes in what <paramref name="source"/> has, at least a byte unless it is at its end (0). Only where nothing is pending.</summary>
    internal int Fill(FileDescriptor source)
    {
        int count = _isRead ? ReadInto(source) : Splice(source, _in, _length);
        if (count == -Errno.EINVAL && !_isRead)
        {
            _isRead = true;
            count = ReadInto(source);
        }

        Pending += Math.Max(count, 0);
        return count;
    }

    /// <summary>Hands on what is pending, as much as <paramref name="target"/> takes.</summary>
    internal int Empty(FileDescriptor target)
    {
        int count = _isWritten || _bufferedAt < _bufferedEnd ? WriteFrom(target) : Splice(_out, target, Pending);
        if (count == -Errno.EINVAL && !_isWritten)
        {
            _isWritten = true;
            count = WriteFrom(target);
        }

        Pending -= Math.Max(count, 0);
        return count;
    }

    public void Dispose()
    {
        _out.Dispose();
        _in.Dispose();
    }

    private static int Splice(FileDescriptor from, FileDescriptor to, int length)
    {
        while (true)
        {
            nint count = Libc.splice(from, null, to, null, (nuint)length, Libc.SPLICE_F_MOVE | Libc.SPLICE_F_NONBLOCK);
            int errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (errno != Errno.EINTR)
            {
                return count < 0 ? -errno : (int)count;
            }
        }
    }

    /// <summary>Into the buffer, which then is what is pending: the pipe stays empty.</summary>
    private int ReadInto(FileDescriptor source)
    {
        _buffer ??= new byte[DefaultLength];
        int count = Transfer(source, 0, _buffer.Length, isRead: true);
        _bufferedAt = 0;
        _bufferedEnd = Math.Max(count, 0);
        return count;
    }

    private int WriteFrom(FileDescriptor target)
    {
        _buffer ??= new byte[DefaultLength];
        if (_bufferedAt == _bufferedEnd)
        {
            _bufferedAt = 0;
            _bufferedEnd = Transfer(_out, 0, Math.Min(Pending, _buffer.Length), isRead: true);
        }

        int count = Transfer(target, _bufferedAt, Math.Min(_bufferedEnd - _bufferedAt, UnwaitingLength), isRead: false);
        _bufferedAt += Math.Max(count, 0);
        return count;
    }

    private int Transfer(FileDescriptor fd, int at, int length, bool isRead)
    {
        fixed (byte* pointer = &_buffer![at])
        {
            while (true)
            {
                nint count = isRead ? Libc.read(fd, pointer, (nuint)length) : Libc.write(fd, pointer, (nuint)length);
                int errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                if (errno != Errno.EINTR)
                {
                    return count < 0 ? -errno : (int)count;
                }
            }
        }
    }
}
