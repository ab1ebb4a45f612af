using System.IO.Compression;

namespace Interceptor.Capture.Files;

/// <summary>
/// Unpacks gzip members, one or several in a row. What stands behind the last member and is no further one is damage, as it is for <c>zstd -d</c>: a member
/// whose first bytes were changed can't be told from something that was never part of the capture. Zeros there are padding, as for gzip(1).
/// Read-only, forward-only.
/// </summary>
internal sealed class GzipReadStream : ForwardReadStream
{
    private readonly GzipInputStream _packed;

    /// <param name="packed">The file; owned.</param>
    /// <param name="length">Its length, where that is known.</param>
    internal GzipReadStream(Stream packed, long? length)
        : this(new GzipInputStream(packed, length))
    {
    }

    private GzipReadStream(GzipInputStream packed)
        : base(new GZipStream(packed, CompressionMode.Decompress)) => _packed = packed;

    /// <exception cref="InvalidDataException">The data is damaged or ends inside a member; the message is a clause that says how.</exception>
    public override int Read(Span<byte> buffer)
    {
        int read;
        try
        {
            read = Inner.Read(buffer);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException("the compressed data is damaged", exception);
        }

        return read > 0 || buffer.IsEmpty || _packed.WasTakenWhole || _packed.EndsInZeros()
            ? read
            : throw new InvalidDataException("what comes after the compressed data is no gzip member");
    }
}
