namespace Interceptor.Capture.Files;

/// <summary>
/// A file that another program is still writing: at its end a read waits for more, looking every 50 ms (file systems that send no notices are followed too),
/// until it is cancelled; then the file ends where it is. Read-only, forward-only.
/// </summary>
internal sealed class FollowingStream(Stream file, CancellationToken until) : Stream
{
    private const int MillisecondsBetweenLooks = 50;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int read;
        while ((read = file.Read(buffer)) == 0 && !until.WaitHandle.WaitOne(MillisecondsBetweenLooks))
        {
        }

        return read;
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
        if (disposing)
        {
            file.Dispose();
        }

        base.Dispose(disposing);
    }
}
