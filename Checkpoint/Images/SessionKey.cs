using System.Security.Cryptography;
using System.Text;

namespace Interceptor.Checkpoint;

/// <summary>
/// The secret that the bytes of an image are encrypted with (AES-256-GCM). Each image has a key of its own, derived from this one and the image's id (HKDF-SHA256); each file has a
/// random nonce, and its name is authenticated with it. An encrypted file is nonce (12 bytes), tag (16), ciphertext.
/// <para>Threads: any. Disposing wipes it.</para>
/// </summary>
public sealed class SessionKey : IDisposable
{
    internal const string Cipher = "AES-256-GCM";
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private readonly byte[] _key;

    private SessionKey(byte[] key) => _key = key;

    /// <summary>Eight hexadecimal digits that tell one key from another and nothing else about it.</summary>
    public string Fingerprint => Convert.ToHexStringLower(Derive("fingerprint", "")[..4]);

    /// <summary>Reads a key file: 32 bytes, or 64 hexadecimal digits.</summary>
    /// <exception cref="CheckpointException">It can't be read, is neither, or others than its owner may read it.</exception>
    public static SessionKey Read(string path)
    {
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        try
        {
#pragma warning disable CA1416 // Runs on Linux only.
            if ((File.GetUnixFileMode(path) & Others) != 0)
#pragma warning restore CA1416
            {
                throw Bad(path, "others than its owner may read or write it. Run: chmod 600 on it.");
            }

            byte[] content = File.ReadAllBytes(path);
            if (content.Length == KeyBytes)
            {
                return new SessionKey(content);
            }

            string text = Encoding.ASCII.GetString(content).Trim();
            return text.Length == 2 * KeyBytes && text.All(char.IsAsciiHexDigit)
                ? new SessionKey(Convert.FromHexString(text))
                : throw Bad(path, $"it holds no key: {KeyBytes} bytes or {2 * KeyBytes} hexadecimal digits, as made by: head -c 32 /dev/urandom > key; chmod 600 key.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Bad(path, exception.Message);
        }
    }

    internal byte[] Encrypt(string imageId, string name, ReadOnlySpan<byte> content)
    {
        byte[] file = new byte[NonceBytes + TagBytes + content.Length];
        Span<byte> nonce = file.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(Derive("files", imageId), TagBytes);
        cipher.Encrypt(nonce, content, file.AsSpan(NonceBytes + TagBytes), file.AsSpan(NonceBytes, TagBytes), Encoding.UTF8.GetBytes(name));
        return file;
    }

    /// <summary>Null if the file was changed, or the key is another.</summary>
    internal byte[]? Decrypt(string imageId, string name, ReadOnlySpan<byte> file)
    {
        if (file.Length < NonceBytes + TagBytes)
        {
            return null;
        }

        byte[] content = new byte[file.Length - NonceBytes - TagBytes];
        using var cipher = new AesGcm(Derive("files", imageId), TagBytes);
        try
        {
            cipher.Decrypt(file[..NonceBytes], file[(NonceBytes + TagBytes)..], file.Slice(NonceBytes, TagBytes), content, Encoding.UTF8.GetBytes(name));
            return content;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(_key);

    private byte[] Derive(string purpose, string imageId) => HKDF.DeriveKey(
        HashAlgorithmName.SHA256, _key, KeyBytes, Encoding.UTF8.GetBytes(imageId), Encoding.UTF8.GetBytes($"interceptor session image: {purpose}"));

    private static CheckpointException Bad(string path, string problem) =>
        new("read the key", $"{path}: {problem}", CheckpointException.NothingChanged, CheckpointFailure.Refused);
}
