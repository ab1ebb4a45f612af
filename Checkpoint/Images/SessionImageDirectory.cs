using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>
/// A session image on disk: a directory with <c>session.json</c>, <c>receive-queue.bin</c>, <c>send-queue.bin</c>, what others put beside them (<c>held.pcapng</c>), and the
/// commit record <c>SHA256SUMS</c> over all of it. It appears whole or not at all: written aside, flushed, renamed. Everything but session.json may be encrypted
/// (<see cref="SessionKey"/>); such files end in <c>.aes</c>.
/// </summary>
public static class SessionImageDirectory
{
    /// <summary>The readable part.</summary>
    public const string DocumentName = "session.json";

    /// <summary>Bytes received and not read.</summary>
    public const string ReceiveQueueName = "receive-queue.bin";

    /// <summary>Bytes written and not acknowledged: sent, then unsent.</summary>
    public const string SendQueueName = "send-queue.bin";

    private const string WriteStep = "write the image";
    private const string ReadStep = "read the image";
    private const string AsideMark = ".tmp-";
    private const string EncryptedSuffix = ".aes";
    private const long MaxDocumentBytes = 16 << 20;
    private const long MaxFileBytes = int.MaxValue / 2;

    /// <summary>Checks, before a connection is touched, that an image can be made under this name.</summary>
    /// <exception cref="CheckpointException">There is something already, or the parent directory is missing or not writable.</exception>
    public static void RequireCanCreate(string path)
    {
        RequireNew(path);
        string aside = AsideName(path);
        try
        {
            Directory.CreateDirectory(aside);
            Directory.Delete(aside);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw WriteFailed(path, exception);
        }
    }

    /// <summary>Writes the image under a new name.</summary>
    /// <param name="path">The directory to make. Its parent must be there, itself not.</param>
    /// <param name="image">The image; it is not changed.</param>
    /// <param name="furtherFiles">Files to put beside it, by name.</param>
    /// <param name="key">What to encrypt all but session.json with; null leaves it as it is.</param>
    /// <exception cref="CheckpointException">It exists already, or writing failed; nothing is left behind under either name.</exception>
    public static void Write(string path, SessionImage image, IReadOnlyDictionary<string, byte[]>? furtherFiles = null, SessionKey? key = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        RequireNew(path);
        Dictionary<string, byte[]> files = FilesOf(image, furtherFiles, key);
        string aside = AsideName(path);
        try
        {
#pragma warning disable CA1416 // Runs on Linux only.
            Directory.CreateDirectory(aside, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416
            foreach ((string name, byte[] content) in files)
            {
                WriteFile(Path.Combine(aside, name), content);
            }

            WriteFile(Path.Combine(aside, SessionCommitRecord.Name), SessionCommitRecord.Write(files));
            DurableFile.Flush(aside);
            DurableFile.RenameToNew(aside, path);
            DurableFile.Flush(ParentOf(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            TryDelete(aside);
            throw exception is LinuxException { Errno: Errno.EEXIST or Errno.ENOTEMPTY } ? Exists(path) : WriteFailed(path, exception);
        }
    }

    /// <summary>Reads an image and checks all of it: every file against the commit record, and that its numbers agree.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="key">For an encrypted image.</param>
    /// <param name="furtherFiles">What stands beside the image's own files, by name, decrypted.</param>
    /// <exception cref="CheckpointException">Missing, cut, changed, encrypted with another key, or of another version; kind <see cref="CheckpointFailure.BadImage"/>.</exception>
    public static SessionImage Read(string path, SessionKey? key, out IReadOnlyDictionary<string, byte[]> furtherFiles)
    {
        try
        {
            Dictionary<string, byte[]> files = ReadFiles(path);
            SessionDocument document = ReadDocument(path, files);
            Dictionary<string, byte[]> contents = Decrypt(path, document, files, key);
            if (!contents.Remove(ReceiveQueueName, out byte[]? received) || !contents.Remove(SendQueueName, out byte[]? written))
            {
                throw Bad(path, $"{ReceiveQueueName} or {SendQueueName} is not in it.");
            }

            furtherFiles = contents;
            return SessionDocumentMapping.ToImage(document, received, written, out string problem) ?? throw Bad(path, problem);
        }
        catch (JsonException exception)
        {
            throw Bad(path, $"{DocumentName} is damaged ({exception.Message})", exception);
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

    /// <summary>session.json of an image whose files are all as they were written; needs no key.</summary>
    /// <exception cref="CheckpointException">As <see cref="Read"/>.</exception>
    public static JsonObject ReadDocument(string path)
    {
        try
        {
            return JsonSerializer.SerializeToNode(ReadDocument(path, ReadFiles(path)), SessionJson.Default.SessionDocument)!.AsObject();
        }
        catch (JsonException exception)
        {
            throw Bad(path, $"{DocumentName} is damaged ({exception.Message})", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Bad(path, $"there is no session image here, or a file of it is missing ({exception.Message})", exception);
        }
    }

    /// <summary>
    /// Unfinished images in a directory whose writer has ended without removing them: by their names, and because nothing but files of an image is in them.
    /// A directory that can't be read has none.
    /// </summary>
    /// <param name="parent">Where to look; not below.</param>
    public static IReadOnlyList<string> FindUnfinished(string parent)
    {
        try
        {
            return [.. new DirectoryInfo(parent).EnumerateDirectories($"*{AsideMark}*").Where(IsUnfinished).Select(directory => directory.FullName)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsUnfinished(DirectoryInfo directory)
    {
        ReadOnlySpan<char> name = directory.Name.AsSpan()[(directory.Name.LastIndexOf(AsideMark, StringComparison.Ordinal) + AsideMark.Length)..];
        int dash = name.LastIndexOf('-');
        return dash > 0 && directory.LinkTarget is null && ProcessIdentity.IsOfTheDead(name[..dash])
            && directory.EnumerateFileSystemInfos().All(entry => entry is FileInfo { LinkTarget: null } && (entry.Name == SessionCommitRecord.Name || Path.GetExtension(entry.Name) is ".bin" or ".json" or ".pcapng" or EncryptedSuffix));
    }

    /// <summary>Removes an image of ours that is not one after all; what can't be removed stays.</summary>
    internal static void Delete(string path) => TryDelete(path);

    private static Dictionary<string, byte[]> FilesOf(SessionImage image, IReadOnlyDictionary<string, byte[]>? furtherFiles, SessionKey? key)
    {
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        void Add(string name, byte[] content)
        {
            if (key is null)
            {
                files.Add(name, content);
            }
            else
            {
                files.Add(name + EncryptedSuffix, key.Encrypt(image.Id, name, content));
            }
        }

        Add(ReceiveQueueName, image.ReceiveQueue.ToArray());
        Add(SendQueueName, image.SendQueue.ToArray());
        foreach ((string name, byte[] content) in furtherFiles ?? new Dictionary<string, byte[]>())
        {
            Add(name, content);
        }

        SessionFile[] list = [.. files.OrderBy(static file => file.Key, StringComparer.Ordinal).Select(static file => new SessionFile { Name = file.Key, Bytes = file.Value.Length })];
        SessionDocument document = SessionDocumentMapping.ToDocument(image, list) with
        {
            Encryption = key is null ? null : new SessionEncryption { Cipher = SessionKey.Cipher, KeyFingerprint = key.Fingerprint },
        };
        files.Add(DocumentName, JsonSerializer.SerializeToUtf8Bytes(document, SessionJson.Default.SessionDocument));
        return files;
    }

    /// <summary>People's data: nobody else's at any time.</summary>
    private static void WriteFile(string path, byte[] content)
    {
#pragma warning disable CA1416 // Runs on Linux only.
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
#pragma warning restore CA1416
        using (var stream = new FileStream(path, options))
        {
            stream.Write(content);
        }

        DurableFile.Flush(path);
    }

    private static Dictionary<string, byte[]> ReadFiles(string path)
    {
        string record = Path.Combine(path, SessionCommitRecord.Name);
        if (!File.Exists(record) && File.Exists(Path.Combine(path, DocumentName)))
        {
            throw Bad(path, $"it has no commit record ({SessionCommitRecord.Name}): it was not written to its end, or by an older version of this program.");
        }

        RequireLength(path, SessionCommitRecord.Name, MaxDocumentBytes);
        Dictionary<string, string> hashes = SessionCommitRecord.Parse(File.ReadAllText(record)) ?? throw Bad(path, $"{SessionCommitRecord.Name} was damaged or changed.");
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach ((string name, string hash) in hashes)
        {
            RequireLength(path, name, MaxFileBytes);
            byte[] content = File.ReadAllBytes(Path.Combine(path, name));
            files[name] = SessionCommitRecord.HashOf(content) == hash
                ? content
                : throw Bad(path, $"{name} does not have the SHA-256 that {SessionCommitRecord.Name} gives: it was damaged, cut or changed.");
        }

        return files;
    }

    private static SessionDocument ReadDocument(string path, Dictionary<string, byte[]> files)
    {
        if (!files.TryGetValue(DocumentName, out byte[]? text) || text.Length > MaxDocumentBytes)
        {
            throw Bad(path, $"there is no {DocumentName}, or one larger than any that this program writes.");
        }

        SessionDocument document = JsonSerializer.Deserialize(text, SessionJson.Default.SessionDocument) ?? throw Bad(path, $"{DocumentName} is empty.");
        if (document.Format != SessionDocument.FormatName)
        {
            throw Bad(path, $"{DocumentName} is not a session image's (format '{document.Format}').");
        }

        return document.Version == SessionDocument.CurrentVersion
            ? document
            : throw Bad(path, $"it has version {document.Version}; this program reads version {SessionDocument.CurrentVersion}. Restore it with the program that wrote it.");
    }

    private static Dictionary<string, byte[]> Decrypt(string path, SessionDocument document, Dictionary<string, byte[]> files, SessionKey? key)
    {
        var contents = files.Where(static file => file.Key != DocumentName).ToDictionary(StringComparer.Ordinal);
        if (document.Encryption is not { } encryption)
        {
            return contents;
        }

        if (key is null)
        {
            throw Bad(path, $"its bytes are encrypted ({encryption.Cipher}, key {encryption.KeyFingerprint}). Give the key file with --key.");
        }

        if (encryption.Cipher != SessionKey.Cipher || encryption.KeyFingerprint != key.Fingerprint)
        {
            throw Bad(path, $"it is encrypted with another key ({encryption.Cipher}, key {encryption.KeyFingerprint}), not with this one ({SessionKey.Cipher}, key {key.Fingerprint}).");
        }

        return contents.ToDictionary(
            static file => Plain(file.Key),
            file => key.Decrypt(document.Id, Plain(file.Key), file.Value) ?? throw Bad(path, $"{file.Key} can't be decrypted: it was changed."),
            StringComparer.Ordinal);
        static string Plain(string name) => name.EndsWith(EncryptedSuffix, StringComparison.Ordinal) ? name[..^EncryptedSuffix.Length] : name;
    }

    private static void RequireLength(string path, string name, long most)
    {
        if (new FileInfo(Path.Combine(path, name)).Length > most)
        {
            throw Bad(path, $"{name} is larger than any that this program writes.");
        }
    }

    private static void RequireNew(string path)
    {
        if (Path.Exists(path))
        {
            throw Exists(path);
        }

        if (!Directory.Exists(ParentOf(path)))
        {
            throw new CheckpointException(
                WriteStep, $"the directory {ParentOf(path)} does not exist. Make it first.", CheckpointException.NothingChanged);
        }
    }

    private static string ParentOf(string path) => Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))) ?? "/";

    private static string AsideName(string path) =>
        $"{Path.TrimEndingDirectorySeparator(path)}{AsideMark}{ProcessIdentity.Current}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";

    private static void TryDelete(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report.
        }
    }

    private static CheckpointException Exists(string path) => new(
        WriteStep, $"{path} exists already, and an image is never overwritten. Choose another name or remove it.", CheckpointException.NothingChanged);

    private static CheckpointException WriteFailed(string path, Exception cause) => new(
        WriteStep, $"{path} could not be written: {cause.Message}", "No image was left behind.", cause: cause);

    private static CheckpointException Bad(string path, string problem, Exception? cause = null) => new(
        ReadStep, $"{path}: {problem}", CheckpointException.NothingChanged, CheckpointFailure.BadImage, cause);
}
