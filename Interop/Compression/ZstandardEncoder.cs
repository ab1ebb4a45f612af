using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>An owned <c>ZSTD_CCtx</c> that makes frames with a checksum. One thread at a time.</summary>
internal sealed unsafe class ZstandardEncoder : SafeHandle
{
    public ZstandardEncoder()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>An encoder of this level: 1 to 19, of which 3 is the library's own choice.</summary>
    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    internal static ZstandardEncoder Create(int level)
    {
        LibZstd.Require();
        ZstandardEncoder encoder = LibZstd.ZSTD_createCCtx();
        return encoder.IsInvalid
            || LibZstd.ErrorCodeOf(LibZstd.ZSTD_CCtx_setParameter(encoder, LibZstd.ZSTD_c_compressionLevel, level)) != 0
            || LibZstd.ErrorCodeOf(LibZstd.ZSTD_CCtx_setParameter(encoder, LibZstd.ZSTD_c_checksumFlag, 1)) != 0
            ? throw new LinuxException(Errno.ENOMEM, "ZSTD_createCCtx", "")
            : encoder;
    }

    /// <summary>Encodes what fits; both counts say how far it came.</summary>
    /// <param name="source">Bytes, in order.</param>
    /// <param name="target">Room for packed bytes.</param>
    /// <param name="directive">What to do with what was given.</param>
    /// <param name="consumed">Bytes taken from <paramref name="source"/>.</param>
    /// <param name="produced">Bytes put into <paramref name="target"/>.</param>
    /// <returns>True if the directive is done; false if more room is needed for it.</returns>
    /// <exception cref="LinuxException">The library is out of memory: it has no other way to fail here.</exception>
    internal bool Encode(ReadOnlySpan<byte> source, Span<byte> target, ZstandardDirective directive, out int consumed, out int produced)
    {
        fixed (byte* from = source, to = target)
        {
            var input = new LibZstd.ZSTD_Buffer { Pointer = from, Size = (nuint)source.Length };
            var output = new LibZstd.ZSTD_Buffer { Pointer = to, Size = (nuint)target.Length };
            nuint returned = LibZstd.ZSTD_compressStream2(this, &output, &input, directive);
            if (LibZstd.ErrorCodeOf(returned) != 0)
            {
                throw new LinuxException(Errno.ENOMEM, "ZSTD_compressStream2", "");
            }

            consumed = (int)input.Position;
            produced = (int)output.Position;
            return directive == ZstandardDirective.Continue ? consumed == source.Length : returned == 0;
        }
    }

    protected override bool ReleaseHandle()
    {
        _ = LibZstd.ZSTD_freeCCtx(handle);
        return true;
    }
}
