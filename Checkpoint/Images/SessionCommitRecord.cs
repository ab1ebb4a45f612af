using System.Security.Cryptography;
using System.Text;

namespace Interceptor.Checkpoint;

/// <summary>
/// <c>SHA256SUMS</c>, written last: the hash of every file of the image, as <c>sha256sum -c</c> reads it. An image without it was never finished.
/// </summary>
internal static class SessionCommitRecord
{
    internal const string Name = "SHA256SUMS";
    private const int HashDigits = 64;
    private const string Separator = "  ";

    internal static byte[] Write(IReadOnlyDictionary<string, byte[]> files) => Encoding.UTF8.GetBytes(string.Concat(
        files.OrderBy(static file => file.Key, StringComparer.Ordinal).Select(static file => $"{HashOf(file.Value)}{Separator}{file.Key}\n")));

    /// <summary>File to hash; null if it is not as <see cref="Write"/> made it.</summary>
    internal static Dictionary<string, string>? Parse(string text)
    {
        if (text.Length == 0 || text[^1] != '\n')
        {
            return null;
        }

        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in text[..^1].Split('\n'))
        {
            if (line.Length <= HashDigits + Separator.Length || !line.AsSpan(HashDigits).StartsWith(Separator, StringComparison.Ordinal)
                || !line.AsSpan(0, HashDigits).ToString().All(static digit => digit is (>= '0' and <= '9') or (>= 'a' and <= 'f'))
                || !IsFileName(line[(HashDigits + Separator.Length)..]) || !files.TryAdd(line[(HashDigits + Separator.Length)..], line[..HashDigits]))
            {
                return null;
            }
        }

        return files;
    }

    internal static string HashOf(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static bool IsFileName(string name) => name == Path.GetFileName(name) && name[0] != '.';
}
