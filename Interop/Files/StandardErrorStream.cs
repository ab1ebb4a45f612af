using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Standard error as a stream that never fails: where it is closed, full or without a reader, there is nobody left to tell. .NET's own throws, and the
/// program would end in the middle of saying why it ends. Unbuffered. Disposing leaves the descriptor open.
/// </summary>
internal sealed unsafe class StandardErrorStream : WriteOnlyStream
{
    private readonly FileDescriptor _descriptor = new(StandardDescriptor.Error);
    private readonly bool _isOpen = StandardDescriptor.IsInherited(StandardDescriptor.Error);

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

    protected override void Dispose(bool disposing)
    {
        _ = _descriptor.Detach();
        base.Dispose(disposing);
    }
}
