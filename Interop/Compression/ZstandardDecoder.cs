using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>An owned <c>ZSTD_DCtx</c>: any number of frames in a row, skippable ones left out. One thread at a time.</summary>
internal sealed unsafe class ZstandardDecoder : SafeHandle
{
    public ZstandardDecoder()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>A decoder that refuses a frame whose window is larger than 2^<paramref name="largestWindowLog"/> bytes before it allocates the window.</summary>
    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    internal static ZstandardDecoder Create(int largestWindowLog)
    {
        LibZstd.Require();
        ZstandardDecoder decoder = LibZstd.ZSTD_createDCtx();
        return decoder.IsInvalid || LibZstd.ErrorCodeOf(LibZstd.ZSTD_DCtx_setParameter(decoder, LibZstd.ZSTD_d_windowLogMax, largestWindowLog)) != 0
            ? throw new LinuxException(Errno.ENOMEM, "ZSTD_createDCtx", "")
            : decoder;
    }

    /// <summary>Decodes what it can; both counts say how far it came.</summary>
    /// <param name="source">Packed bytes, in order.</param>
    /// <param name="target">Room for unpacked bytes.</param>
    /// <param name="consumed">Bytes taken from <paramref name="source"/>.</param>
    /// <param name="produced">Bytes put into <paramref name="target"/>.</param>
    /// <param name="frameEnded">True if a frame is decoded to its end and all of it was put out.</param>
    /// <returns>What is wrong with the data; nothing can be decoded from then on.</returns>
    /// <exception cref="LinuxException">There is no memory for the window.</exception>
    internal ZstandardFault Decode(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int produced, out bool frameEnded)
    {
        fixed (byte* from = source, to = target)
        {
            var input = new LibZstd.ZSTD_Buffer { Pointer = from, Size = (nuint)source.Length };
            var output = new LibZstd.ZSTD_Buffer { Pointer = to, Size = (nuint)target.Length };
            nuint returned = LibZstd.ZSTD_decompressStream(this, &output, &input);
            consumed = (int)input.Position;
            produced = (int)output.Position;
            frameEnded = returned == 0;
            return LibZstd.ErrorCodeOf(returned) switch
            {
                0 => ZstandardFault.None,
                LibZstd.ZSTD_error_prefix_unknown => ZstandardFault.NotAFrame,
                LibZstd.ZSTD_error_frameParameter_windowTooLarge => ZstandardFault.WindowTooLarge,
                LibZstd.ZSTD_error_memory_allocation => throw new LinuxException(Errno.ENOMEM, "ZSTD_decompressStream", ""),
                _ => ZstandardFault.Damaged,
            };
        }
    }

    protected override bool ReleaseHandle()
    {
        _ = LibZstd.ZSTD_freeDCtx(handle);
        return true;
    }
}
