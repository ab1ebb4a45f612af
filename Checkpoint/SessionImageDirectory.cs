using System.Security.Cryptography;
using System.Text.Json;
using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>
/// A session image on disk: a directory with <c>session.json</c>, <c>receive-queue.bin</c>, <c>send-queue.bin</c>, and what others put beside them
/// (<c>held.pcapng</c>). It appears whole or not at all: written aside, flushed, renamed. Lengths and SHA-256 of every file are in session.json.
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
    /// <param name="writeFurtherFiles">Given the path of the directory being made, writes further files into it; they are covered by the hashes.</param>
    /// <exception cref="CheckpointException">It exists already, or writing failed; nothing is left behind under either name.</exception>
    public static void Write(string path, SessionImage image, Action<string>? writeFurtherFiles = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        RequireNew(path);
        string aside = AsideName(path);
        try
        {
#pragma warning disable CA1416 // Runs on Linux only.
            Directory.CreateDirectory(aside, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416
            File.WriteAllBytes(Path.Combine(aside, ReceiveQueueName), image.ReceiveQueue.Span);
            File.WriteAllBytes(Path.Combine(aside, SendQueueName), image.SendQueue.Span);
            writeFurtherFiles?.Invoke(aside);
            SessionDocument document = SessionDocumentMapping.ToDocument(image, Describe(aside));
            File.WriteAllBytes(
                Path.Combine(aside, DocumentName), JsonSerializer.SerializeToUtf8Bytes(document, SessionJson.Default.SessionDocument));
            foreach (string file in Directory.EnumerateFiles(aside))
            {
                // People's data: private also where the directory is opened or the files are moved.
#pragma warning disable CA1416 // Runs on Linux only.
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
#pragma warning restore CA1416
                DurableFile.Flush(file);
            }

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

    /// <summary>Reads an image and checks all of it: every file's length and hash, and that its numbers agree. Held packets are left to the caller.</summary>
    /// <exception cref="CheckpointException">Missing, cut, changed, or of another version; kind <see cref="CheckpointFailure.BadImage"/>.</exception>
    public static SessionImage Read(string path)
    {
        try
        {
            SessionDocument document = ReadDocument(path);
            var contents = new Dictionary<string, byte[]>();
            foreach (SessionFile file in document.Files)
            {
                contents[file.Name] = ReadFile(path, file);
            }

            if (!contents.TryGetValue(ReceiveQueueName, out byte[]? received) || !contents.TryGetValue(SendQueueName, out byte[]? written))
            {
                throw Bad(path, $"{DocumentName} does not list {ReceiveQueueName} and {SendQueueName}.");
            }

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
            && directory.EnumerateFileSystemInfos().All(entry => entry is FileInfo { LinkTarget: null } && Path.GetExtension(entry.Name) is ".bin" or ".json" or ".pcapng");
    }

    /// <summary>Removes an image of ours that is not one after all; what can't be removed stays.</summary>
    internal static void Delete(string path) => TryDelete(path);

    private static SessionDocument ReadDocument(string path)
    {
        string file = Path.Combine(path, DocumentName);
        if (new FileInfo(file).Length > MaxDocumentBytes)
        {
            throw Bad(path, $"{DocumentName} is larger than any that this program writes.");
        }

        byte[] text = File.ReadAllBytes(file);
        SessionDocument document = JsonSerializer.Deserialize(text, SessionJson.Default.SessionDocument) ?? throw Bad(path, $"{DocumentName} is empty.");
        if (document.Format != SessionDocument.FormatName)
        {
            throw Bad(path, $"{DocumentName} is not a session image's (format '{document.Format}').");
        }

        return document.Version == SessionDocument.CurrentVersion
            ? document
            : throw Bad(path, $"it has version {document.Version}; this program reads version {SessionDocument.CurrentVersion}. Restore it with the program that wrote it.");
    }

    private static byte[] ReadFile(string path, SessionFile file)
    {
        if (file.Name.Length == 0 || file.Name != Path.GetFileName(file.Name) || file.Name.StartsWith('.'))
        {
            throw Bad(path, $"{DocumentName} names '{file.Name}', which is no file beside it.");
        }

        string name = Path.Combine(path, file.Name);
        long length = new FileInfo(name).Length;
        if (length != file.Bytes || length > MaxFileBytes)
        {
            throw Bad(path, $"{file.Name} has {length} bytes, not {file.Bytes}: it was cut or changed.");
        }

        byte[] content = File.ReadAllBytes(name);
        return Convert.ToHexStringLower(SHA256.HashData(content)) == file.Sha256
            ? content
            : throw Bad(path, $"{file.Name} does not have the SHA-256 that {DocumentName} gives: it was damaged or changed.");
    }

    private static List<SessionFile> Describe(string directory)
    {
        var files = new List<SessionFile>();
        foreach (string path in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal))
        {
            using FileStream stream = File.OpenRead(path);
            files.Add(new SessionFile
            {
                Name = Path.GetFileName(path),
                Bytes = stream.Length,
                Sha256 = Convert.ToHexStringLower(SHA256.HashData(stream)),
            });
        }

        return files;
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
