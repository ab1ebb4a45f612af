namespace Interceptor.Capture.Files;

/// <summary>A stream whose first bytes were already read: gives them back first. Read-only, forward-only.</summary>
internal sealed class PrependedStream(byte[] head, Stream tail) : Stream
{
    private int _given;

    /// <summary>True once the underlying stream said that it is at its end.</summary>
    internal bool Ended { get; private set; }

    /// <summary>Bytes given so far.</summary>
    internal long BytesRead { get; private set; }

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
        if (_given < head.Length)
        {
            int count = Math.Min(buffer.Length, head.Length - _given);
            head.AsSpan(_given, count).CopyTo(buffer);
            _given += count;
            BytesRead += count;
            return count;
        }

        int read = tail.Read(buffer);
        BytesRead += read;
        Ended |= read == 0 && buffer.Length > 0;
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
            tail.Dispose();
        }

        base.Dispose(disposing);
    }
}
