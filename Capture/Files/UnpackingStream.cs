using System.IO.Compression;

namespace Interceptor.Capture.Files;

/// <summary>
/// Unpacks gzip and stops where so much comes out of so little that the file was made to fill memory or time (a "zip bomb"). Read-only, forward-only.
/// </summary>
internal sealed class UnpackingStream(PrependedStream packed, string path) : Stream
{
    private readonly GZipStream _gzip = new(packed, CompressionMode.Decompress);

    private long _unpacked;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="CaptureFileException">It is more than a compressed capture may hold.</exception>
    public override int Read(Span<byte> buffer)
    {
        int read = _gzip.Read(buffer);
        _unpacked += read;
        if (_unpacked > FormatLimits.MostUnpacked)
        {
            throw new CaptureFileException(path, _unpacked, CaptureFileFault.Corrupt,
                $"the compressed file holds more than {FormatLimits.MostUnpacked} bytes; unpack it with gunzip to read it all");
        }

        if (_unpacked > FormatLimits.UnpackedAtAnyRatio && _unpacked / FormatLimits.LargestRatio > packed.BytesRead)
        {
            throw new CaptureFileException(path, _unpacked, CaptureFileFault.Corrupt,
                $"the compressed file holds more than {FormatLimits.LargestRatio} times its own size; unpack it with gunzip if it is meant so");
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
            _gzip.Dispose();
        }

        base.Dispose(disposing);
    }
}
