using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>
/// An image and those it was taken from: each names the one before it by the hash of its commit record, so that the newest vouches for every byte of all of them, and has
/// only those bytes of the queues that the one before does not have.
/// </summary>
internal static class SessionImageChain
{
    /// <summary>More than that is not written, nor read: each takes time to read, and each is one that can get lost.</summary>
    internal const int MaxImages = 32;

    /// <summary>The images, the newest first, each checked.</summary>
    /// <exception cref="CheckpointException">One is bad, missing or not what its successor was taken from, or there are too many; the message names which.</exception>
    internal static IReadOnlyList<SessionImageLink> Read(string path)
    {
        var links = new List<SessionImageLink> { SessionImageLink.Read(path) };
        var seen = new HashSet<string>(StringComparer.Ordinal) { Path.GetFullPath(path) };
        while (links[^1].Document.Base is { } link)
        {
            string at = Path.Combine(links[^1].Path, link.Path);
            if (!seen.Add(Path.GetFullPath(at)))
            {
                throw SessionImageLink.Bad(links[^1].Path, $"its base is {at}, which is in its chain already: a chain in a circle has no beginning.");
            }

            if (links.Count == MaxImages)
            {
                throw SessionImageLink.Bad(path, $"its chain has more than {MaxImages} images, which this program never writes.");
            }

            links.Add(ReadBase(links[^1], link, at));
        }

        return links;
    }

    /// <summary>The newest image with its whole queues.</summary>
    /// <param name="links">The newest first.</param>
    /// <param name="key">For encrypted ones.</param>
    /// <param name="furtherFiles">What stands beside the newest one's own files.</param>
    internal static SessionImage ToImage(IReadOnlyList<SessionImageLink> links, SessionKey? key, out IReadOnlyDictionary<string, byte[]> furtherFiles)
    {
        SessionImage? image = null;
        furtherFiles = new Dictionary<string, byte[]>();
        for (int i = links.Count - 1; i >= 0; i--)
        {
            (image, furtherFiles) = ToImage(links[i], image, key);
        }

        return image!;
    }

    /// <summary>
    /// How many bytes at the front of a queue are in its base's. A byte of a stream never changes, so the rest of a queue that slid on is the same; should it not be, as behind
    /// four gigabytes, after which the numbers come again, nothing is taken from the base.
    /// </summary>
    internal static int CommonBytes(SequenceNumber baseFirst, ReadOnlySpan<byte> baseQueue, SequenceNumber first, ReadOnlySpan<byte> queue)
    {
        int slid = first - baseFirst;
        if (slid < 0 || slid >= baseQueue.Length)
        {
            return 0;
        }

        int common = Math.Min(baseQueue.Length - slid, queue.Length);
        return baseQueue.Slice(slid, common).SequenceEqual(queue[..common]) ? common : 0;
    }

    private static SessionImageLink ReadBase(SessionImageLink newer, SessionBase link, string at)
    {
        if (!Directory.Exists(at))
        {
            throw SessionImageLink.Bad(
                newer.Path, $"its base, image {link.Id}, is not at {at}. It has only what is new since then: put the base back there, with all before it.");
        }

        SessionImageLink read = SessionImageLink.Read(at);
        return read.CommitHash == link.CommitSha256
            ? read
            : throw SessionImageLink.Bad(
                newer.Path, $"its base at {at} is not the image that it was taken from ({link.Id}): it was changed or replaced since (the hash of its {SessionCommitRecord.Name} is another).");
    }

    private static (SessionImage Image, IReadOnlyDictionary<string, byte[]> FurtherFiles) ToImage(SessionImageLink link, SessionImage? before, SessionKey? key)
    {
        Dictionary<string, byte[]> contents = link.Decrypt(key);
        if (!contents.Remove(SessionImageDirectory.ReceiveQueueName, out byte[]? received) || !contents.Remove(SessionImageDirectory.SendQueueName, out byte[]? written))
        {
            throw SessionImageLink.Bad(link.Path, $"{SessionImageDirectory.ReceiveQueueName} or {SessionImageDirectory.SendQueueName} is not in it.");
        }

        if (before is not null && link.Document.Base is { } part)
        {
            SessionSequences sequences = link.Document.Sequences;
            received = Join(link, before.ReceiveQueue.Span, new SequenceNumber(sequences.CopiedSeq) - before.Snapshot.CopiedSeq, part.ReceiveQueueBytes, received);
            written = Join(link, before.SendQueue.Span, new SequenceNumber(sequences.SndUna) - before.Snapshot.SndUna, part.SendQueueBytes, written);
        }

        SessionImage image = SessionDocumentMapping.ToImage(link.Document, received, written, out string problem) ?? throw SessionImageLink.Bad(link.Path, problem);
        return (image, contents);
    }

    private static byte[] Join(SessionImageLink link, ReadOnlySpan<byte> before, int slid, int common, byte[] own)
    {
        if (common == 0)
        {
            return own;
        }

        return slid >= 0 && common > 0 && slid <= before.Length - common
            ? [.. before.Slice(slid, common), .. own]
            : throw SessionImageLink.Bad(link.Path, $"it counts on {common} bytes of a queue that its base does not have.");
    }
}
