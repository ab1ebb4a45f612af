using Interceptor.Interop;

namespace Interceptor.Capture.Files;

/// <summary>
/// Packs what is written into one Zstandard frame with a checksum, at the library's usual level; <see cref="Flush"/> makes what was written so far readable,
/// and disposing ends the frame and leaves the stream underneath open. Write-only.
/// </summary>
internal sealed class ZstandardWriteStream : WriteOnlyStream
{
    private const int Level = 3;
    private const int PackedLength = 64 * 1024;

    private readonly Stream _target;
    private readonly ZstandardEncoder _encoder;
    private readonly byte[] _packed = GC.AllocateUninitializedArray<byte>(PackedLength);
    private bool _ended;

    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    internal ZstandardWriteStream(Stream target)
    {
        _target = target;
        _encoder = ZstandardEncoder.Create(Level);
    }

    public override bool CanWrite => !_ended;

    public override void Write(ReadOnlySpan<byte> buffer) => Encode(buffer, ZstandardDirective.Continue);

    public override void Flush()
    {
        Encode([], ZstandardDirective.Flush);
        _target.Flush();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_ended)
        {
            try
            {
                Encode([], ZstandardDirective.End);
            }
            finally
            {
                _ended = true;
                _encoder.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private void Encode(ReadOnlySpan<byte> buffer, ZstandardDirective directive)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        bool done;
        do
        {
            done = _encoder.Encode(buffer, _packed, directive, out int consumed, out int produced);
            buffer = buffer[consumed..];
            _target.Write(_packed.AsSpan(0, produced));
        }
        while (!done);
    }
}
