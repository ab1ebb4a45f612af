namespace Interceptor.Capture.Files;

/// <summary>
/// Unpacks a compressed file and stops where so much comes out of so little that it was made to fill memory or time (a "zip bomb"). Read-only, forward-only.
/// </summary>
internal sealed class UnpackingStream(PrependedStream packed, CaptureCompression compression, string path, long? length)
    : ForwardReadStream(CompressionFormat.Unpack(compression, packed, length))
{
    private long _unpacked;

    /// <exception cref="CaptureFileException">It is more than a compressed capture may hold.</exception>
    public override int Read(Span<byte> buffer)
    {
        int read = Inner.Read(buffer);
        _unpacked += read;
        if (_unpacked > FormatLimits.MostUnpacked)
        {
            throw new CaptureFileException(path, _unpacked, CaptureFileFault.Corrupt,
                $"the compressed file holds more than {FormatLimits.MostUnpacked} bytes; unpack it with {CompressionFormat.ToolFor(compression)} to read it all");
        }

        if (_unpacked > FormatLimits.UnpackedAtAnyRatio && _unpacked / FormatLimits.LargestRatio > packed.BytesRead)
        {
            throw new CaptureFileException(path, _unpacked, CaptureFileFault.Corrupt,
                $"the compressed file holds more than {FormatLimits.LargestRatio} times its own size; unpack it with {CompressionFormat.ToolFor(compression)} if it is meant so");
        }

        return read;
    }
}
