using System.Reflection;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Imports from libzstd 1.4 and later (Debian's <c>libzstd.so.1</c>, which dpkg itself needs), by their own names: the stable part of <c>zstd.h</c>.
/// None of them takes a callback. The wrappers are <see cref="ZstandardDecoder"/> and <see cref="ZstandardEncoder"/>.
/// </summary>
internal static unsafe partial class LibZstd
{
    /// <summary>The soname: what the run-time package installs, without the development package's link.</summary>
    private const string Library = "libzstd.so.1";

    // ZSTD_dParameter, ZSTD_cParameter
    internal const int ZSTD_d_windowLogMax = 100;
    internal const int ZSTD_c_compressionLevel = 100;
    internal const int ZSTD_c_checksumFlag = 201;

    // ZSTD_ErrorCode: numbers below 100 stay what they are.
    internal const int ZSTD_error_prefix_unknown = 10;
    internal const int ZSTD_error_frameParameter_windowTooLarge = 16;
    internal const int ZSTD_error_memory_allocation = 64;

    /// <summary>Fails in words where the library is absent, instead of at the first call.</summary>
    /// <exception cref="DllNotFoundException">Not installed; the message has the remedy.</exception>
    internal static void Require()
    {
        if (!Presence.IsLoaded)
        {
            throw new DllNotFoundException($"{Library} can't be loaded: captures compressed with Zstandard need it. Install it with: apt-get install libzstd1.");
        }
    }

    [LibraryImport(Library)]
    internal static partial ZstandardDecoder ZSTD_createDCtx();

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_freeDCtx(nint dctx);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_DCtx_setParameter(ZstandardDecoder dctx, int param, int value);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_decompressStream(ZstandardDecoder zds, ZSTD_Buffer* output, ZSTD_Buffer* input);

    [LibraryImport(Library)]
    internal static partial ZstandardEncoder ZSTD_createCCtx();

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_freeCCtx(nint cctx);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_CCtx_setParameter(ZstandardEncoder cctx, int param, int value);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_compressStream2(ZstandardEncoder cctx, ZSTD_Buffer* output, ZSTD_Buffer* input, ZstandardDirective endOp);

    [LibraryImport(Library)]
    internal static partial uint ZSTD_isError(nuint code);

    [LibraryImport(Library)]
    internal static partial int ZSTD_getErrorCode(nuint code);

    /// <summary>The <c>ZSTD_ErrorCode</c> in what a function returned; 0 where that is no error.</summary>
    internal static int ErrorCodeOf(nuint returned) => ZSTD_isError(returned) == 0 ? 0 : ZSTD_getErrorCode(returned);

    /// <summary><c>ZSTD_inBuffer</c> and <c>ZSTD_outBuffer</c>, which have the same three members.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ZSTD_Buffer
    {
        internal void* Pointer;
        internal nuint Size;
        internal nuint Position;
    }

    /// <summary>Tried once for the process.</summary>
    private static class Presence
    {
        internal static readonly bool IsLoaded = NativeLibrary.TryLoad(Library, Assembly.GetExecutingAssembly(), null, out _);
    }
}
