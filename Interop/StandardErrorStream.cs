using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Standard error as a stream that never fails: where it is closed, full or without a reader, there is nobody left to tell. .NET's own throws, and the
/// program would end in the middle of saying why it ends. Unbuffered. Disposing leaves the descriptor open.
/// </summary>
internal sealed unsafe class StandardErrorStream : Stream
{
    private readonly FileDescriptor _descriptor = new(StandardDescriptor.Error);
    private readonly bool _isOpen = StandardDescriptor.IsInherited(StandardDescriptor.Error);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (_isOpen && !buffer.IsEmpty)
        {
            nint written;
            fixed (byte* pointer = buffer)
            {
                written = Libc.write(_descriptor, pointer, (nuint)buffer.Length);
            }

            if (written < 0 && Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                return;
            }

            buffer = buffer[(int)Math.Max(written, 0)..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _ = _descriptor.Detach();
        base.Dispose(disposing);
    }
}
