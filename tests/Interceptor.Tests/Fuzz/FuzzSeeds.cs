using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.Tests.Fuzz;

/// <summary>What the mutations start from: our own captures and, where they are there, the shared ones, good and damaged; of large files the beginning.</summary>
internal static class FuzzSeeds
{
    /// <summary>Small enough that most of an execution's mutations hit something that is read, and that an execution takes microseconds.</summary>
    private const int LongestSeed = 8 * 1024;

    internal static byte[][] Load()
    {
        string[] folders = ProjectPaths.SharedCapturesOrNull is { } shared
            ? [ProjectPaths.OwnCaptures, Path.Combine(shared, "good"), Path.Combine(shared, "bad")]
            : [ProjectPaths.OwnCaptures];
        byte[][] plain =
        [
            .. folders
                .SelectMany(folder => Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
                .Where(path => Path.GetExtension(path) is not (".md" or ".tsv"))
                .Select(Head)
                .Where(seed => seed.Length >= 4),
        ];
        return [.. plain, .. plain.Where((_, index) => index % 10 == 0).SelectMany(Packed)];
    }

    /// <summary>Mutations of these reach the unpacking; a tenth of the rest is enough, because unpacking takes most of an execution's time.</summary>
    private static IEnumerable<byte[]> Packed(byte[] plain) => new[] { CaptureCompression.Gzip, CaptureCompression.Zstandard }.Select(compression =>
    {
        using var packed = new MemoryStream();
        using (Stream packer = CompressionFormat.Pack(compression, packed)!)
        {
            packer.Write(plain);
        }

        return packed.ToArray();
    });

    private static byte[] Head(string path)
    {
        using FileStream file = File.OpenRead(path);
        byte[] head = new byte[LongestSeed];
        return head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
    }
}
