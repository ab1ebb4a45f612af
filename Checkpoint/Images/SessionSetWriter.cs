using System.Globalization;
using System.Text.Json;
using Interceptor.Interop;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>
/// Writes a set of images under another name, flushes it at once with one syncfs, commits it with the index and renames it: it appears whole or not at all.
/// <para>Threads: one at a time. Disposing what was not committed removes it.</para>
/// </summary>
public sealed class SessionSetWriter : IDisposable
{
    private readonly string _path;
    private readonly string _aside;
    private readonly SessionKey? _key;
    private readonly SessionSet? _before;
    private readonly List<SessionSetMember> _members = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private bool _isDone;

    private SessionSetWriter(string path, string aside, SessionKey? key, SessionSet? before)
    {
        _path = path;
        _aside = aside;
        _key = key;
        _before = before;
    }

    /// <summary>Begins.</summary>
    /// <param name="path">The directory to make. Its parent must be there, itself not.</param>
    /// <param name="key">What to encrypt with; stays the caller's.</param>
    /// <param name="before">The earlier set that this one adds to; null for none.</param>
    /// <exception cref="CheckpointException">It exists already, or can't be made.</exception>
    public static SessionSetWriter Create(string path, SessionKey? key, SessionSet? before)
    {
        SessionImageDirectory.RequireNew(path);
        string aside = SessionImageDirectory.AsideName(path);
        return Writing(path, () =>
        {
            SessionImageDirectory.MakePrivate(aside);
            return new SessionSetWriter(path, aside, key, before);
        });
    }

    /// <summary>Adds an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="furtherFiles">Files to put beside it.</param>
    /// <param name="activity">By what a later set knows that nothing happened.</param>
    /// <param name="earlier">The same socket's in the earlier set: only what is new is written. Null writes everything.</param>
    /// <exception cref="CheckpointException">It could not be written.</exception>
    public void Add(SessionImage image, IReadOnlyDictionary<string, byte[]>? furtherFiles, SessionActivity activity, SessionSetMember? earlier)
    {
        ArgumentNullException.ThrowIfNull(image);
        _members.Add(Writing(_path, () =>
        {
            string name = NewName(image);
            string directory = Path.Combine(_aside, name);
            SessionImageBase? chainedTo = earlier is null ? null : SessionImageBase.TryOpen(_before!.PathOf(earlier), _key);
            string hash = SessionImageDirectory.WriteFiles(directory, image, furtherFiles, _key, chainedTo, isDurable: false);
            if (chainedTo is not null)
            {
                SessionNewerImages.Note(chainedTo.Directory, image.Id, Path.Combine(_path, name), directory, isDurable: false);
            }

            return new SessionSetMember
            {
                Directory = name,
                Id = image.Id,
                Local = image.Snapshot.Local.ToString(),
                Peer = image.Snapshot.Peer.ToString(),
                State = image.Snapshot.State.ToRfcName(),
                CommitSha256 = hash,
                Activity = activity,
            };
        }));
    }

    /// <summary>Adds a connection to which nothing happened since the earlier set: its image is the one in there.</summary>
    public void CarryOver(SessionSetMember earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        string path = _before!.PathOf(earlier);
        string relative = Path.GetRelativePath(_aside, path);
        bool isThere = File.Exists(Path.Combine(_aside, relative, SessionCommitRecord.Name));
        _members.Add(earlier with { Directory = isThere ? relative : Path.GetFullPath(path), CarriedOver = true });
    }

    /// <summary>Flushes all of it and makes it visible.</summary>
    /// <param name="id">The set's id.</param>
    /// <param name="pid">The process.</param>
    /// <param name="sessionLock">The rules that keep the peers waiting.</param>
    /// <param name="leftOut">What is not in it.</param>
    /// <param name="cutNanoseconds">Wall clock at the cut.</param>
    /// <exception cref="CheckpointException">It could not be written; nothing is left of it.</exception>
    public SessionSet Commit(string id, int pid, SessionLock? sessionLock, IReadOnlyList<SessionLeftOut> leftOut, long cutNanoseconds)
    {
        var document = new SessionSetDocument
        {
            Format = SessionSetDocument.FormatName,
            Version = SessionSetDocument.CurrentVersion,
            Id = id,
            Pid = pid,
            Program = ProcessIdentity.NameOf(pid),
            BootId = PausedSocket.CurrentBootId,
            WallNs = cutNanoseconds,
            Lock = sessionLock,
            KeyFingerprint = _key?.Fingerprint,
            Connections = _members,
            LeftOut = leftOut,
        };
        Writing(_path, () =>
        {
            byte[] index = JsonSerializer.SerializeToUtf8Bytes(document, SessionSetJson.Default.SessionSetDocument);
            SessionImageDirectory.WriteFile(Path.Combine(_aside, SessionSet.IndexName), index, isDurable: false);
            if (_before is not null)
            {
                SessionNewerImages.Note(_before.Directory, id, _path, _aside, isDurable: false);
                DurableFile.FlushFileSystem(_before.Directory);
            }

            // Everything else first: with the record on disk, all that it stands for is.
            DurableFile.FlushFileSystem(_aside);
            byte[] record = SessionCommitRecord.Write(new Dictionary<string, byte[]> { [SessionSet.IndexName] = index });
            SessionImageDirectory.WriteFile(Path.Combine(_aside, SessionCommitRecord.Name), record, isDurable: true);
            DurableFile.Flush(_aside);
            DurableFile.RenameToNew(_aside, _path);
            DurableFile.Flush(SessionImageDirectory.ParentOf(_path));
            return _isDone = true;
        });
        return SessionSet.Read(_path);
    }

    /// <summary>Removes what was not committed.</summary>
    public void Dispose()
    {
        if (!_isDone)
        {
            _isDone = true;
            SessionImageDirectory.TryDelete(_aside);
        }
    }

    /// <summary>A member's directory: <c>192.0.2.1:80-192.0.2.2:49152</c>, <c>0.0.0.0:80-listener</c>; several may listen at one place (SO_REUSEPORT).</summary>
    private string NewName(SessionImage image)
    {
        string name = SocketEndpoints.IsNoPeer(image.Snapshot.Peer) ? $"{image.Snapshot.Local}-listener" : $"{image.Snapshot.Local}-{image.Snapshot.Peer}";
        string free = name;
        for (int i = 2; !_names.Add(free); i++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{name}.{i}");
        }

        return free;
    }

    private static T Writing<T>(string path, Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw exception is LinuxException { Errno: Errno.EEXIST or Errno.ENOTEMPTY } ? SessionImageDirectory.Exists(path) : SessionImageDirectory.WriteFailed(path, exception);
        }
    }
}
