using System.Text.Json;

namespace Interceptor.Checkpoint;

/// <summary>One directory of a chain of images as it is on disk: every file read and found to be what its commit record says. Its bytes may be encrypted still.</summary>
internal sealed class SessionImageLink
{
    internal const string ReadStep = "read the image";
    internal const string EncryptedSuffix = ".aes";
    private const long MaxDocumentBytes = 16 << 20;
    private const long MaxFileBytes = int.MaxValue / 2;
    private readonly Dictionary<string, byte[]> _files;

    private SessionImageLink(string path, string commitHash, SessionDocument document, Dictionary<string, byte[]> files)
    {
        Path = path;
        CommitHash = commitHash;
        Document = document;
        _files = files;
    }

    /// <summary>The directory.</summary>
    internal string Path { get; }

    /// <summary>The SHA-256 of its commit record, and so of everything in it.</summary>
    internal string CommitHash { get; }

    internal SessionDocument Document { get; }

    /// <exception cref="CheckpointException">Missing, cut, changed or of another version; kind <see cref="CheckpointFailure.BadImage"/>.</exception>
    internal static SessionImageLink Read(string path)
    {
        try
        {
            byte[] record = ReadRecord(path);
            Dictionary<string, byte[]> files = ReadFiles(path, record);
            return new SessionImageLink(path, SessionCommitRecord.HashOf(record), ReadDocument(path, files), files);
        }
        catch (JsonException exception)
        {
            throw Bad(path, $"{SessionImageDirectory.DocumentName} is damaged ({exception.Message})", exception);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Bad(path, $"there is no session image here, or a file of it is missing ({exception.Message})", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(ReadStep, exception.Message, CheckpointException.NothingChanged, CheckpointFailure.BadImage, exception);
        }
    }

    /// <summary>Everything but session.json by its plain name, decrypted.</summary>
    /// <exception cref="CheckpointException">It is encrypted and the key is missing or another.</exception>
    internal Dictionary<string, byte[]> Decrypt(SessionKey? key)
    {
        var contents = _files.Where(static file => file.Key != SessionImageDirectory.DocumentName).ToDictionary(StringComparer.Ordinal);
        if (Document.Encryption is not { } encryption)
        {
            return contents;
        }

        if (key is null)
        {
            throw Bad(Path, $"its bytes are encrypted ({encryption.Cipher}, key {encryption.KeyFingerprint}). Give the key file with --key.");
        }

        if (encryption.Cipher != SessionKey.Cipher || encryption.KeyFingerprint != key.Fingerprint)
        {
            throw Bad(Path, $"it is encrypted with another key ({encryption.Cipher}, key {encryption.KeyFingerprint}), not with this one ({SessionKey.Cipher}, key {key.Fingerprint}).");
        }

        return contents.ToDictionary(
            static file => Plain(file.Key),
            file => key.Decrypt(Document.Id, Plain(file.Key), file.Value) ?? throw Bad(Path, $"{file.Key} can't be decrypted: it was changed."),
            StringComparer.Ordinal);
        static string Plain(string name) => name.EndsWith(EncryptedSuffix, StringComparison.Ordinal) ? name[..^EncryptedSuffix.Length] : name;
    }

    internal static CheckpointException Bad(string path, string problem, Exception? cause = null) => new(
        ReadStep, $"{path}: {problem}", CheckpointException.NothingChanged, CheckpointFailure.BadImage, cause);

    private static byte[] ReadRecord(string path)
    {
        string record = System.IO.Path.Combine(path, SessionCommitRecord.Name);
        if (!File.Exists(record) && File.Exists(System.IO.Path.Combine(path, SessionImageDirectory.DocumentName)))
        {
            throw Bad(path, $"it has no commit record ({SessionCommitRecord.Name}): it was not written to its end, or by an older version of this program.");
        }

        RequireLength(path, SessionCommitRecord.Name, MaxDocumentBytes);
        return File.ReadAllBytes(record);
    }

    private static Dictionary<string, byte[]> ReadFiles(string path, byte[] record)
    {
        Dictionary<string, string> hashes = SessionCommitRecord.Parse(System.Text.Encoding.UTF8.GetString(record))
            ?? throw Bad(path, $"{SessionCommitRecord.Name} was damaged or changed.");
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach ((string name, string hash) in hashes)
        {
            RequireLength(path, name, MaxFileBytes);
            byte[] content = File.ReadAllBytes(System.IO.Path.Combine(path, name));
            files[name] = SessionCommitRecord.HashOf(content) == hash
                ? content
                : throw Bad(path, $"{name} does not have the SHA-256 that {SessionCommitRecord.Name} gives: it was damaged, cut or changed.");
        }

        return files;
    }

    private static SessionDocument ReadDocument(string path, Dictionary<string, byte[]> files)
    {
        const string Name = SessionImageDirectory.DocumentName;
        if (!files.TryGetValue(Name, out byte[]? text) || text.Length > MaxDocumentBytes)
        {
            throw Bad(path, $"there is no {Name}, or one larger than any that this program writes.");
        }

        SessionDocument document = JsonSerializer.Deserialize(text, SessionJson.Default.SessionDocument) ?? throw Bad(path, $"{Name} is empty.");
        if (document.Format != SessionDocument.FormatName)
        {
            throw Bad(path, $"{Name} is not a session image's (format '{document.Format}').");
        }

        return document.Version == SessionDocument.CurrentVersion
            ? document
            : throw Bad(path, $"it has version {document.Version}; this program reads version {SessionDocument.CurrentVersion}. Restore it with the program that wrote it.");
    }

    private static void RequireLength(string path, string name, long most)
    {
        if (new FileInfo(System.IO.Path.Combine(path, name)).Length > most)
        {
            throw Bad(path, $"{name} is larger than any that this program writes.");
        }
    }
}
