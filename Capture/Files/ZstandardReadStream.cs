using Interceptor.Interop;

namespace Interceptor.Capture.Files;

/// <summary>Unpacks Zstandard frames, one or several in a row. Read-only, forward-only.</summary>
internal sealed class ZstandardReadStream : ForwardReadStream
{
    private const int PackedLength = 64 * 1024;

    private readonly ZstandardDecoder _decoder;
    private readonly byte[] _packed = GC.AllocateUninitializedArray<byte>(PackedLength);
    private int _start;
    private int _end;
    private bool _insideFrame;

    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    internal ZstandardReadStream(Stream packed)
        : base(packed) => _decoder = ZstandardDecoder.Create(FormatLimits.LargestWindowLog);

    /// <exception cref="InvalidDataException">The data is damaged or ends inside a frame; the message is a clause that says how.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (_start < _end || _insideFrame)
            {
                int produced = Decode(buffer);
                if (produced > 0)
                {
                    return produced;
                }
            }

            if (_start == _end && !Fill())
            {
                return 0;
            }
        }

        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Decode(Span<byte> buffer)
    {
        ZstandardFault fault = _decoder.Decode(_packed.AsSpan(_start, _end - _start), buffer, out int consumed, out int produced, out bool frameEnded);
        _start += consumed;
        if (fault != ZstandardFault.None)
        {
            throw new InvalidDataException(fault switch
            {
                ZstandardFault.WindowTooLarge => $"unpacking it takes a window of more than {FormatLimits.LargestWindow} bytes; unpack it with: zstd -d --long=31",
                ZstandardFault.NotAFrame => "what comes after the compressed data is no Zstandard frame",
                _ => "the compressed data is damaged",
            });
        }

        if (consumed > 0 || produced > 0)
        {
            _insideFrame = !frameEnded;
        }

        return produced;
    }

    private bool Fill()
    {
        _start = 0;
        _end = Inner.Read(_packed);
        return _end > 0 || !_insideFrame ? _end > 0 : throw new InvalidDataException("the compressed data ends inside a frame");
    }
}
