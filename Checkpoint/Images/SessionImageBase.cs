using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>An earlier image of a connection, read and checked with all that it is based on: the next image needs to have only what is new since. Threads: any, it never changes.</summary>
public sealed class SessionImageBase
{
    private const string Step = "base";
    private readonly string _commitHash;

    private SessionImageBase(string directory, string commitHash, SessionImage image, int images)
    {
        Directory = directory;
        _commitHash = commitHash;
        Image = image;
        Images = images;
    }

    /// <summary>Where it is.</summary>
    public string Directory { get; }

    /// <summary>The image, its queues whole.</summary>
    public SessionImage Image { get; }

    /// <summary>How many images its chain has, itself among them.</summary>
    public int Images { get; }

    /// <summary>Reads it.</summary>
    /// <param name="directory">The image.</param>
    /// <param name="key">What the next image is encrypted with, if it is: the base must be, too, with the same.</param>
    /// <exception cref="CheckpointException">It is bad, its chain is full, or its encryption is not the next image's.</exception>
    public static SessionImageBase Open(string directory, SessionKey? key)
    {
        IReadOnlyList<SessionImageLink> links = SessionImageChain.Read(directory);
        return links.Count < SessionImageChain.MaxImages
            ? Open(directory, key, links)
            : throw Refused($"the chain of {directory} has {links.Count} images, and none gets longer. Take a whole one, without --base.");
    }

    /// <summary>As <see cref="Open(string, SessionKey?)"/>; null where the chain is as long as one gets.</summary>
    internal static SessionImageBase? TryOpen(string directory, SessionKey? key)
    {
        IReadOnlyList<SessionImageLink> links = SessionImageChain.Read(directory);
        return links.Count < SessionImageChain.MaxImages ? Open(directory, key, links) : null;
    }

    private static SessionImageBase Open(string directory, SessionKey? key, IReadOnlyList<SessionImageLink> links)
    {
        foreach (SessionImageLink link in links)
        {
            string? other = (link.Document.Encryption?.KeyFingerprint, key?.Fingerprint) switch
            {
                (null, null) => null,
                ({ } fingerprint, null) => $"{link.Path} is encrypted (key {fingerprint}), and what is new would stand open beside it. Give the same key with --encrypt.",
                (null, _) => $"{link.Path} is not encrypted, and most of the bytes would stand open in it. Take a whole image, without --base.",
                var (theirs, ours) when theirs != ours => $"{link.Path} is encrypted with another key ({theirs}) than this one ({ours}). Give the same with --encrypt, or take a whole image, without --base.",
                _ => null,
            };
            if (other is not null)
            {
                throw Refused(other);
            }
        }

        return new SessionImageBase(directory, links[0].CommitHash, SessionImageChain.ToImage(links, key, out _), links.Count);
    }

    /// <summary>Refuses another connection's base, as far as the addresses tell: before anything is touched.</summary>
    /// <exception cref="CheckpointException">It is another connection's.</exception>
    public void RequireConnection(FlowEndpoint local, FlowEndpoint peer)
    {
        TcpSnapshot before = Image.Snapshot;
        if (before.Local != local || before.Peer != peer)
        {
            throw Refused($"{Directory} is an image of another connection: {before.Local}-{before.Peer}, not {local}-{peer}.");
        }
    }

    /// <summary>Refuses the base of an earlier connection between the same ends: its numbers and counters don't lead to these.</summary>
    /// <exception cref="CheckpointException">It is another connection's, or a later image of this one.</exception>
    public void RequireEarlierThan(SessionImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        RequireConnection(image.Snapshot.Local, image.Snapshot.Peer);
        if (!IsSameSocket(image) && !(SessionRestoreMark.ReadFrom(Directory) is not null && Follows(image)))
        {
            throw Refused(
                $"{Directory} is not of this connection's socket: its sequence numbers and byte counters do not lead to those of now. It is of an earlier connection between the same ends, or this one was "
                + "restored meanwhile from another image: then that is its base. Or take a whole image, without --base.");
        }
    }

    /// <summary>What session.json of the next image says of this one.</summary>
    /// <param name="image">The next image.</param>
    /// <param name="directory">Its directory, which is there already; it may be renamed within its place.</param>
    internal SessionBase Describe(SessionImage image, string directory)
    {
        TcpSnapshot before = Image.Snapshot;
        return new SessionBase
        {
            Id = Image.Id,
            Path = PathFrom(directory),
            CommitSha256 = _commitHash,
            ReceiveQueueBytes = SessionImageChain.CommonBytes(
                before.CopiedSeq, Image.ReceiveQueue.Span, image.Snapshot.CopiedSeq, image.ReceiveQueue.Span),
            SendQueueBytes = SessionImageChain.CommonBytes(
                before.SndUna, Image.SendQueue.Span, image.Snapshot.SndUna, image.SendQueue.Span),
        };
    }

    /// <summary>
    /// Relative, so that the images can be moved together; absolute where the way up from the new directory is another than its name says (a symbolic link above it).
    /// </summary>
    private string PathFrom(string directory)
    {
        // The kernel goes up from where the directory really is.
        string relative = Path.GetRelativePath(directory, Directory);
        string record = Path.Combine(directory, relative, SessionCommitRecord.Name);
        return File.Exists(record) && SessionCommitRecord.HashOf(File.ReadAllBytes(record)) == _commitHash ? relative : Path.GetFullPath(Directory);
    }

    /// <summary>The kernel counts each byte that RCV.NXT passes, as long as the socket lives.</summary>
    private bool IsSameSocket(SessionImage image) =>
        image.BootId == Image.BootId && image.CutBootTimeNanoseconds >= Image.CutBootTimeNanoseconds
        && image.Counters.BytesReceived >= Image.Counters.BytesReceived && image.Counters.BytesAcked >= Image.Counters.BytesAcked
        && unchecked((uint)(image.Counters.BytesReceived - Image.Counters.BytesReceived)) == image.Snapshot.RcvNxt.Value - Image.Snapshot.RcvNxt.Value
        && unchecked((uint)(image.Counters.BytesAcked - Image.Counters.BytesAcked)) == image.Snapshot.SndUna.Value - Image.Snapshot.SndUna.Value;

    /// <summary>Restored in between, the counters began anew; the numbers went on.</summary>
    private bool Follows(SessionImage image) =>
        image.Snapshot.CopiedSeq >= Image.Snapshot.CopiedSeq && image.Snapshot.RcvNxt >= Image.Snapshot.RcvNxt
        && image.Snapshot.SndUna >= Image.Snapshot.SndUna && image.Snapshot.WriteSeq >= Image.Snapshot.WriteSeq;

    private static CheckpointException Refused(string problem) => new(Step, problem, CheckpointException.NothingChanged, CheckpointFailure.Refused);
}
