using System.Text.Json;

namespace Interceptor.Checkpoint;

/// <summary>
/// The images of all connections of one process, taken in one freeze: a directory with <c>set.json</c>, its commit record, and a directory for each image. set.json has each image's
/// commit record's hash, so the set is whole or refused. Plain data, read once; each image is read and checked when it is asked for.
/// </summary>
public sealed class SessionSet
{
    /// <summary>The index.</summary>
    public const string IndexName = "set.json";

    private const long MaxIndexBytes = 256 << 20;
    private readonly SessionSetDocument _document;

    private SessionSet(string directory, SessionSetDocument document)
    {
        Directory = directory;
        _document = document;
    }

    /// <summary>Where it is.</summary>
    public string Directory { get; }

    /// <summary>Eight hexadecimal digits.</summary>
    public string Id => _document.Id;

    /// <summary>The process that had the connections.</summary>
    public int Pid => _document.Pid;

    /// <summary>What it called itself: not for a terminal as it is.</summary>
    public string Program => _document.Program;

    /// <summary>When it was taken: nanoseconds since 1970.</summary>
    public long WallNanoseconds => _document.WallNs;

    /// <summary>The rules that keep the peers waiting; null where there are none.</summary>
    public SessionLock? Lock => _document.Lock;

    /// <summary>The connections, in the order in which a restore hands them over.</summary>
    public IReadOnlyList<SessionSetMember> Members => _document.Connections;

    /// <summary>What the process had besides.</summary>
    public IReadOnlyList<SessionLeftOut> LeftOut => _document.LeftOut;

    /// <summary>The boot in which it was taken.</summary>
    internal string BootId => _document.BootId;

    /// <summary>The key of its images, by its fingerprint; null for readable ones.</summary>
    internal string? KeyFingerprint => _document.KeyFingerprint;

    /// <summary>True for a directory with an index, whole or not.</summary>
    public static bool IsSet(string directory) => File.Exists(Path.Combine(directory, IndexName));

    /// <summary>Reads the index.</summary>
    /// <exception cref="CheckpointException">Missing, cut, changed or of another version; kind <see cref="CheckpointFailure.BadImage"/>.</exception>
    public static SessionSet Read(string directory)
    {
        try
        {
            byte[] index = ReadWithin(Path.Combine(directory, IndexName), directory);
            string record = Path.Combine(directory, SessionCommitRecord.Name);
            if (!File.Exists(record))
            {
                throw SessionImageLink.Bad(directory, $"it has no commit record ({SessionCommitRecord.Name}): it was not written to its end.");
            }

            Dictionary<string, string>? hashes = SessionCommitRecord.Parse(File.ReadAllText(record));
            if (hashes is null || !hashes.TryGetValue(IndexName, out string? hash) || SessionCommitRecord.HashOf(index) != hash)
            {
                throw SessionImageLink.Bad(directory, $"{IndexName} does not have the SHA-256 that {SessionCommitRecord.Name} gives: one of them was damaged, cut or changed.");
            }

            SessionSetDocument document = JsonSerializer.Deserialize(index, SessionSetJson.Default.SessionSetDocument)
                ?? throw SessionImageLink.Bad(directory, $"{IndexName} is empty.");
            return document is { Format: SessionSetDocument.FormatName, Version: SessionSetDocument.CurrentVersion }
                ? new SessionSet(directory, document)
                : throw SessionImageLink.Bad(
                    directory, $"its index is '{document.Format}' version {document.Version}; this program reads {SessionSetDocument.FormatName} version {SessionSetDocument.CurrentVersion}.");
        }
        catch (JsonException exception)
        {
            throw SessionImageLink.Bad(directory, $"{IndexName} is damaged ({exception.Message})", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw SessionImageLink.Bad(directory, $"there is no set of session images here, or a file of it can't be read ({exception.Message})", exception);
        }
    }

    /// <summary>Where a member's image is.</summary>
    public string PathOf(SessionSetMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        return Path.Combine(Directory, member.Directory);
    }

    /// <summary>Reads a member's image and checks all of it, and that it is the one which the index names. A member that was carried over has the set's lock.</summary>
    /// <exception cref="CheckpointException">As <see cref="SessionImageDirectory.Read"/>.</exception>
    public SessionImage ReadImage(SessionSetMember member, SessionKey? key, out IReadOnlyDictionary<string, byte[]> furtherFiles)
    {
        IReadOnlyList<SessionImageLink> links = SessionImageChain.Read(PathOf(member));
        return links[0].CommitHash == member.CommitSha256
            ? SessionImageChain.ToImage(links, key, out furtherFiles) with { Lock = Lock }
            : throw SessionImageLink.Bad(
                Directory, $"the image of {member.Local}-{member.Peer} is not the one that was taken ({member.Id}): it was changed or replaced since (the hash of its {SessionCommitRecord.Name} is another).");
    }

    private static byte[] ReadWithin(string path, string directory) => new FileInfo(path).Length <= MaxIndexBytes
        ? File.ReadAllBytes(path)
        : throw SessionImageLink.Bad(directory, $"{IndexName} is larger than any that this program writes.");
}
