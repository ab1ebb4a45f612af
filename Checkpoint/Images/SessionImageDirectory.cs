using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>
/// A session image on disk: a directory with <c>session.json</c>, <c>receive-queue.bin</c>, <c>send-queue.bin</c>, what others put beside them (<c>held.pcapng</c>), and the
/// commit record <c>SHA256SUMS</c> over all of it. It may be based on an earlier image of the connection (<see cref="SessionImageBase"/>). It appears whole or not at all: written aside, flushed, renamed. Everything but session.json may be encrypted
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
    private const string AsideMark = ".tmp-";

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
    /// <param name="chainedTo">An earlier image of the connection: of the queues only what it does not have is written. Null writes them whole.</param>
    /// <exception cref="CheckpointException">It exists already, or writing failed; nothing is left behind under either name.</exception>
    public static void Write(
        string path, SessionImage image, IReadOnlyDictionary<string, byte[]>? furtherFiles = null, SessionKey? key = null, SessionImageBase? chainedTo = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        RequireNew(path);
        string aside = AsideName(path);
        try
        {
            WriteFiles(aside, image, furtherFiles, key, chainedTo, isDurable: true);

            // Before the image is there: a note of one that never came says nothing.
            if (chainedTo is not null)
            {
                SessionNewerImages.Note(chainedTo.Directory, image.Id, path, aside, isDurable: true);
            }

            DurableFile.RenameToNew(aside, path);
            DurableFile.Flush(ParentOf(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            TryDelete(aside);
            throw exception is LinuxException { Errno: Errno.EEXIST or Errno.ENOTEMPTY } ? Exists(path) : WriteFailed(path, exception);
        }
    }

    /// <summary>Writes the image in the place of one that it makes obsolete: under its name there is one of the two, whole, at any time.</summary>
    /// <param name="path">The directory, which exists.</param>
    /// <param name="image">The image; it is not changed.</param>
    /// <param name="furtherFiles">Files to put beside it, by name.</param>
    /// <param name="key">What to encrypt all but session.json with; null leaves it as it is.</param>
    /// <param name="beforeExchange">Called when the new image is on disk and not yet under the name; if it throws, the old one stays.</param>
    /// <exception cref="CheckpointException">Writing failed; the old image is as it was.</exception>
    internal static void Replace(string path, SessionImage image, IReadOnlyDictionary<string, byte[]>? furtherFiles, SessionKey? key, Action beforeExchange)
    {
        string next = AsideName(path);
        Write(next, image, furtherFiles, key);
        try
        {
            beforeExchange();
        }
        catch
        {
            TryDelete(next);
            throw;
        }

        try
        {
            DurableFile.Exchange(next, Path.TrimEndingDirectorySeparator(path));
            DurableFile.Flush(ParentOf(path));
        }
        catch (IOException exception)
        {
            throw new CheckpointException(WriteStep, $"{path} could not be replaced: {exception.Message}", $"The image that is good now is {next}.", cause: exception);
        }

        TryDelete(next);
    }

    /// <summary>Makes a directory with all files of an image; returns the hash of its commit record.</summary>
    /// <param name="directory">The directory to make: where the image will be, or one with another name in the same place.</param>
    /// <param name="image">The image.</param>
    /// <param name="furtherFiles">Files to put beside it.</param>
    /// <param name="key">What to encrypt with.</param>
    /// <param name="chainedTo">An earlier image.</param>
    /// <param name="isDurable">False leaves it to the caller to flush them.</param>
    internal static string WriteFiles(
        string directory, SessionImage image, IReadOnlyDictionary<string, byte[]>? furtherFiles, SessionKey? key, SessionImageBase? chainedTo, bool isDurable)
    {
        MakePrivate(directory);
        Dictionary<string, byte[]> files = FilesOf(image, furtherFiles, key, chainedTo?.Describe(image, directory));
        foreach ((string name, byte[] content) in files)
        {
            WriteFile(Path.Combine(directory, name), content, isDurable);
        }

        byte[] record = SessionCommitRecord.Write(files);
        WriteFile(Path.Combine(directory, SessionCommitRecord.Name), record, isDurable);
        if (isDurable)
        {
            DurableFile.Flush(directory);
        }

        return SessionCommitRecord.HashOf(record);
    }

    /// <summary>A directory that nobody else looks into.</summary>
    internal static void MakePrivate(string directory)
    {
#pragma warning disable CA1416 // Runs on Linux only.
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416
    }

    /// <summary>
    /// Reads an image and checks all of it, and of the images that it is based on: every file against its commit record, each image against what its successor says of it, and that the
    /// numbers agree.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <param name="key">For an encrypted image.</param>
    /// <param name="furtherFiles">What stands beside the image's own files, by name, decrypted.</param>
    /// <exception cref="CheckpointException">
    /// Missing, cut, changed, encrypted with another key, or of another version, it or one before it; kind <see cref="CheckpointFailure.BadImage"/>.
    /// </exception>
    public static SessionImage Read(string path, SessionKey? key, out IReadOnlyDictionary<string, byte[]> furtherFiles) =>
        SessionImageChain.ToImage(SessionImageChain.Read(path), key, out furtherFiles);

    /// <summary>session.json of an image whose files are all as they were written, as are those of the images before it; needs no key.</summary>
    /// <exception cref="CheckpointException">As <see cref="Read"/>.</exception>
    public static JsonObject ReadDocument(string path) =>
        JsonSerializer.SerializeToNode(SessionImageChain.Read(path)[0].Document, SessionJson.Default.SessionDocument)!.AsObject();

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
            && directory.EnumerateFileSystemInfos().All(static entry => IsOfImage(entry)
                || entry is DirectoryInfo { LinkTarget: null } member && member.EnumerateFileSystemInfos().All(IsOfImage));
    }

    private static bool IsOfImage(FileSystemInfo entry) => entry is FileInfo { LinkTarget: null }
        && (entry.Name == SessionCommitRecord.Name || Path.GetExtension(entry.Name) is ".bin" or ".json" or ".pcapng" or SessionImageLink.EncryptedSuffix);

    /// <summary>Removes an image of ours that is not one after all; what can't be removed stays.</summary>
    internal static void Delete(string path) => TryDelete(path);

    private static Dictionary<string, byte[]> FilesOf(
        SessionImage image, IReadOnlyDictionary<string, byte[]>? furtherFiles, SessionKey? key, SessionBase? before)
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
                files.Add(name + SessionImageLink.EncryptedSuffix, key.Encrypt(image.Id, name, content));
            }
        }

        Add(ReceiveQueueName, image.ReceiveQueue[(before?.ReceiveQueueBytes ?? 0)..].ToArray());
        Add(SendQueueName, image.SendQueue[(before?.SendQueueBytes ?? 0)..].ToArray());
        foreach ((string name, byte[] content) in furtherFiles ?? new Dictionary<string, byte[]>())
        {
            Add(name, content);
        }

        SessionFile[] list = [.. files.OrderBy(static file => file.Key, StringComparer.Ordinal).Select(static file => new SessionFile { Name = file.Key, Bytes = file.Value.Length })];
        SessionDocument document = SessionDocumentMapping.ToDocument(image, list) with
        {
            Base = before,
            Encryption = key is null ? null : new SessionEncryption { Cipher = SessionKey.Cipher, KeyFingerprint = key.Fingerprint },
        };
        files.Add(DocumentName, JsonSerializer.SerializeToUtf8Bytes(document, SessionJson.Default.SessionDocument));
        return files;
    }

    /// <summary>People's data: nobody else's at any time.</summary>
    internal static void WriteFile(string path, byte[] content, bool isDurable)
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

        if (isDurable)
        {
            DurableFile.Flush(path);
        }
    }

    internal static void RequireNew(string path)
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

    internal static string ParentOf(string path) => Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))) ?? "/";

    internal static string AsideName(string path) =>
        $"{Path.TrimEndingDirectorySeparator(path)}{AsideMark}{ProcessIdentity.Current}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";

    internal static void TryDelete(string directory)
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

    internal static CheckpointException Exists(string path) => new(
        WriteStep, $"{path} exists already, and an image is never overwritten. Choose another name or remove it.", CheckpointException.NothingChanged);

    internal static CheckpointException WriteFailed(string path, Exception cause) => new(
        WriteStep, $"{path} could not be written: {cause.Message}", "No image was left behind.", cause: cause);
}
