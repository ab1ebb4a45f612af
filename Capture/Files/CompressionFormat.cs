using System.IO.Compression;

namespace Interceptor.Capture.Files;

/// <summary>What tells compressed files apart, by content and by name, and what packs and unpacks them.</summary>
internal static class CompressionFormat
{
    private const ushort GzipMagic = 0x8B1F;
    private const uint ZstandardMagic = 0xFD2FB528;
    private const uint SkippableMagic = 0x184D2A50;
    private const uint SkippableMask = 0xFFFFFFF0;

    /// <summary>
    /// Without this .NET takes a gzip file that was cut for one that ends there. It holds for the whole process and is read when the first gzip stream is made.
    /// </summary>
    static CompressionFormat() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    /// <summary>By the first four bytes, read as a little-endian number.</summary>
    internal static CaptureCompression OfMagic(uint magic) =>
        (ushort)magic == GzipMagic ? CaptureCompression.Gzip
        : magic == ZstandardMagic || (magic & SkippableMask) == SkippableMagic ? CaptureCompression.Zstandard
        : CaptureCompression.None;

    /// <summary>By the end of the name.</summary>
    internal static CaptureCompression OfName(string path) =>
        path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? CaptureCompression.Gzip
        : path.EndsWith(".zst", StringComparison.OrdinalIgnoreCase) ? CaptureCompression.Zstandard
        : CaptureCompression.None;

    /// <summary>The extensions that say what a capture is: <c>.pcap.gz</c> of <c>lo.pcap.gz</c>, <c>.pcap</c> of <c>lo.pcap</c>.</summary>
    internal static string ExtensionsOf(string path)
    {
        string last = Path.GetExtension(path);
        return OfName(path) == CaptureCompression.None ? last : Path.GetExtension(path[..^last.Length]) + last;
    }

    /// <summary>The name for people.</summary>
    internal static string NameOf(CaptureCompression compression) => compression == CaptureCompression.Zstandard ? "Zstandard" : "gzip";

    /// <summary>What a person runs to unpack a file that is refused here.</summary>
    internal static string ToolFor(CaptureCompression compression) => compression == CaptureCompression.Zstandard ? "unzstd" : "gunzip";

    /// <summary>A stream that unpacks another, which it owns.</summary>
    /// <param name="compression">How it is packed.</param>
    /// <param name="packed">The other.</param>
    /// <param name="length">Its length, where that is known.</param>
    /// <exception cref="DllNotFoundException">The library for it is not installed.</exception>
    internal static Stream Unpack(CaptureCompression compression, Stream packed, long? length) => compression == CaptureCompression.Zstandard
        ? new ZstandardReadStream(packed)
        : new GzipReadStream(packed, length);

    /// <summary>A stream that packs into another, which it leaves open; null for no compression.</summary>
    /// <exception cref="DllNotFoundException">The library for it is not installed.</exception>
    internal static Stream? Pack(CaptureCompression compression, Stream target) => compression switch
    {
        CaptureCompression.Gzip => new GZipStream(target, CompressionLevel.Optimal, leaveOpen: true),
        CaptureCompression.Zstandard => new ZstandardWriteStream(target),
        _ => null,
    };
}
