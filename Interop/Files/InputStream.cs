using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// A file, FIFO, device or standard input, read front to back, whose waiting ends at once when a token is cancelled: the input then ends where it is. Of a pipe
/// what is already in it is still given, up to 1 MiB, which is the most that a pipe holds. A poll of the descriptor stands before each read that may wait,
/// with an eventfd beside it that the token signals.
/// <para>Opening never waits either: a FIFO without a writer is waited for in the first read.</para>
/// <para>Threads: one reader; any thread may cancel.</para>
/// </summary>
internal sealed unsafe class InputStream : Stream
{
    private const int LargestPipeLength = 1024 * 1024;

    private readonly FileDescriptor _descriptor;
    private readonly CancellationToken _until;
    private readonly EventDescriptor? _wake;
    private readonly CancellationTokenRegistration _registration;
    private readonly bool _isStandardInput;
    private int _leftAfterEnd = LargestPipeLength;
    private long _position;

    private InputStream(FileDescriptor descriptor, string name, bool isStandardInput, CancellationToken until)
    {
        _descriptor = descriptor;
        _isStandardInput = isStandardInput;
        _until = until;
        Name = name;
        try
        {
            Status = FileStatus.Of(descriptor, name);
            if (!Status.IsRegular && until.CanBeCanceled)
            {
                _wake = new EventDescriptor();
                _registration = until.UnsafeRegister(static wake => ((EventDescriptor)wake!).Signal(), _wake);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    /// <summary>What it was when it was opened; the length of a growing file is the one of that moment.</summary>
    internal FileStatus Status { get; }

    /// <summary>The name it was opened under.</summary>
    internal string Name { get; }

    /// <summary>What it is now.</summary>
    internal FileStatus StatusNow => FileStatus.Of(_descriptor, Name);

    public override long Length => Status.IsRegular ? Status.Length : throw new NotSupportedException();

    /// <summary>Bytes read so far; any thread may ask.</summary>
    public override long Position
    {
        get => Volatile.Read(ref _position);
        set => throw new NotSupportedException();
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="until">Ends it.</param>
    /// <exception cref="LinuxException">open or statx failed.</exception>
    internal static InputStream Open(string path, CancellationToken until)
    {
        while (true)
        {
            FileDescriptor descriptor = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK | Libc.O_NOCTTY, 0);
            if (!descriptor.IsInvalid)
            {
                return new(descriptor, path, isStandardInput: false, until);
            }

            int errno = Marshal.GetLastPInvokeError();
            descriptor.Dispose();
            if (errno != Errno.EINTR)
            {
                throw new LinuxException(errno, "open", path);
            }
        }
    }

    /// <summary>Standard input, which stays open when this is disposed.</summary>
    /// <param name="until">Ends it.</param>
    /// <exception cref="LinuxException">EBADF where the process was started without one.</exception>
    internal static InputStream OpenStandardInput(CancellationToken until) => StandardDescriptor.IsInherited(StandardDescriptor.Input)
        ? new(FileDescriptor.Borrow(StandardDescriptor.Input), "standard input", isStandardInput: true, until)
        : throw new LinuxException(Errno.EBADF, "read", "standard input");

    /// <exception cref="LinuxException">poll or read failed.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            bool ended = _until.IsCancellationRequested;
            if (ended && (Status.IsRegular || _leftAfterEnd == 0 || !Poll(0)))
            {
                return 0;
            }

            if (!ended && !Status.IsRegular && !Poll(-1))
            {
                continue; // Now it is ended.
            }

            buffer = ended ? buffer[..Math.Min(buffer.Length, _leftAfterEnd)] : buffer;
            nint read;
            fixed (byte* pointer = buffer)
            {
                read = Libc.read(_descriptor, pointer, (nuint)buffer.Length);
            }

            if (read >= 0)
            {
                _leftAfterEnd -= ended ? (int)read : 0;
                Volatile.Write(ref _position, _position + read);
                return (int)read;
            }

            // EAGAIN: another reader of the same pipe was faster.
            int errno = Marshal.GetLastPInvokeError();
            if (errno is not (Errno.EINTR or Errno.EAGAIN))
            {
                throw new LinuxException(errno, "read", Name);
            }
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // The registration first: disposing it waits for a signal that is just being given.
        _registration.Dispose();
        _wake?.Dispose();
        if (_isStandardInput)
        {
            _ = _descriptor.IsInvalid ? 0 : _descriptor.Detach();
        }

        _descriptor.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Waits until there is something to read, an end or an error included; false where there is nothing, and the wait was ended.</summary>
    private bool Poll(int timeoutMilliseconds)
    {
        PollDescriptor* polled = stackalloc PollDescriptor[2];
        polled[0] = new PollDescriptor { Fd = _descriptor.Number, Events = Libc.POLLIN };
        polled[1] = new PollDescriptor { Fd = _wake?.Descriptor.Number ?? -1, Events = Libc.POLLIN };
        while (Libc.poll(polled, 2, timeoutMilliseconds) < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.EINTR)
            {
                throw new LinuxException(errno, "poll", Name);
            }
        }

        return polled[0].Returned != 0;
    }
}
