using System.Security.Cryptography;
using FsCheck.Fluent;
using Interceptor.Checkpoint;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.Tests.Checkpoint;

public sealed class SessionChainTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("session-chain-").FullName;

    [Fact]
    public void However_both_queues_slide_the_chain_reads_as_the_whole_image() => PropertyCheck.ForAll(
        Gen.Choose(0, int.MaxValue - 1).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            using SessionKey? key = random.Next(3) == 0 ? Key((byte)seed) : null;
            string root = Directory.CreateDirectory(Path.Combine(_root, Guid.NewGuid().ToString("N"))).FullName;
            var stream = new Stream(random);
            for (int i = 0; i < 6; i++)
            {
                SessionImage image = stream.Image(i);
                SessionImageBase? before = i == 0 ? null : SessionImageBase.Open(Path.Combine(root, $"{i - 1}"), key);
                SessionFiles.Write(Path.Combine(root, $"{i}"), image, key, before);
                SessionImage read = SessionFiles.Read(Path.Combine(root, $"{i}"), key);
                Assert.True(image.ReceiveQueue.Span.SequenceEqual(read.ReceiveQueue.Span), $"the receive queue of image {i}");
                Assert.True(image.SendQueue.Span.SequenceEqual(read.SendQueue.Span), $"the send queue of image {i}");
                Assert.Equal(image.Snapshot, read.Snapshot);
                stream.Slide();
            }

            Directory.Delete(root, recursive: true);
        },
        count: 60);

    [Fact]
    public void Only_what_is_new_is_written_across_the_wrap_of_both_sequence_numbers()
    {
        SessionImage first = Image("11111111", received: (uint.MaxValue - 99, Bytes(0, 300)), written: (uint.MaxValue - 9, Bytes(1000, 40)));
        SessionImage second = Image("22222222", received: (uint.MaxValue - 49, Bytes(50, 270)), written: (10, Bytes(1020, 27)));
        SessionFiles.Write(At("first"), first);
        SessionFiles.Write(At("second"), second, chainedTo: SessionImageBase.Open(At("first"), null));
        Assert.Equal(Bytes(300, 20), File.ReadAllBytes(Path.Combine(At("second"), "receive-queue.bin")));
        Assert.Equal(Bytes(1040, 7), File.ReadAllBytes(Path.Combine(At("second"), "send-queue.bin")));
        SessionImage read = SessionFiles.Read(At("second"));
        Assert.Equal(Bytes(50, 270), read.ReceiveQueue.ToArray());
        Assert.Equal(Bytes(1020, 27), read.SendQueue.ToArray());
    }

    [Fact]
    public void Bytes_that_differ_where_the_numbers_are_the_same_are_not_taken_from_the_base()
    {
        SessionFiles.Write(At("first"), Image("11111111", received: (5, Bytes(0, 100)), written: (5, Bytes(0, 100))));
        SessionFiles.Write(
            At("second"), Image("22222222", received: (5, Bytes(1, 100)), written: (15, Bytes(10, 100))), chainedTo: SessionImageBase.Open(At("first"), null));
        Assert.Equal(100, new FileInfo(Path.Combine(At("second"), "receive-queue.bin")).Length);
        Assert.Equal(10, new FileInfo(Path.Combine(At("second"), "send-queue.bin")).Length);
        Assert.Equal(Bytes(1, 100), SessionFiles.Read(At("second")).ReceiveQueue.ToArray());
    }

    [Fact]
    public void A_flipped_bit_in_any_file_of_any_image_of_the_chain_is_found()
    {
        WriteChain(4);
        foreach (string path in Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories).Where(static path => Path.GetFileName(path) != SessionNewerImages.Name).ToList())
        {
            byte[] content = File.ReadAllBytes(path);
            for (int i = 0; i < content.Length; i += Math.Max(1, content.Length / 5))
            {
                content[i] ^= 0x10;
                File.WriteAllBytes(path, content);
                AssertBad("", At("3"));
                Assert.Throws<CheckpointException>(() => SessionImageDirectory.ReadDocument(At("3")));
                content[i] ^= 0x10;
            }

            File.WriteAllBytes(path, content);
        }

        Assert.Equal("00000003", SessionFiles.Read(At("3")).Id);
    }

    [Fact]
    public void A_base_that_was_changed_and_committed_again_is_found_by_its_commit_record()
    {
        WriteChain(3);
        string queue = Path.Combine(At("1"), "send-queue.bin");
        byte[] content = File.ReadAllBytes(queue);
        content[0] ^= 1;
        File.WriteAllBytes(queue, content);
        CommitAgain(At("1"));
        Assert.Equal("00000001", SessionFiles.Read(At("1")).Id);
        AssertBad($"{At("2")}: its base at {At("2")}/../1 is not the image that it was taken from (00000001)", At("2"));
    }

    [Fact]
    public void A_missing_base_is_named_and_found_again_where_the_chain_is_moved_as_a_whole()
    {
        WriteChain(3);
        Directory.Move(At("0"), At("elsewhere"));
        AssertBad($"{At("2")}/../1: its base, image 00000000, is not at {At("2")}/../1/../0", At("2"));
        Directory.Move(At("elsewhere"), At("0"));
        string moved = Directory.CreateDirectory(At("moved")).FullName;
        foreach (string name in (string[])["0", "1", "2"])
        {
            Directory.Move(At(name), Path.Combine(moved, name));
        }

        Assert.Equal("00000002", SessionFiles.Read(Path.Combine(moved, "2")).Id);
        Assert.Equal(["../2"], SessionNewerImages.FindFrom(Path.Combine(moved, "1")));
    }

    [Fact]
    public void A_chain_in_a_circle_has_no_beginning_and_is_refused()
    {
        WriteChain(2);

        // A true circle of hashes can't be made: the nearest is an image that names itself, which is noticed before its hash is looked at.
        string document = Path.Combine(At("1"), "session.json");
        File.WriteAllText(document, File.ReadAllText(document).Replace("\"../0\"", "\"../1\"", StringComparison.Ordinal));
        CommitAgain(At("1"));
        AssertBad("a circle", At("1"));
    }

    [Fact]
    public void A_chain_has_an_end()
    {
        WriteChain(32);
        Assert.Equal("00000031", SessionFiles.Read(At("31")).Id);
        CheckpointException refused = Assert.Throws<CheckpointException>(() => SessionImageBase.Open(At("31"), null));
        Assert.Equal(CheckpointFailure.Refused, refused.Failure);
        Assert.Contains("32 images", refused.Message, StringComparison.Ordinal);

        // One more than is written, made by hand.
        SessionFiles.Write(At("32"), StandardImage(32), chainedTo: SessionImageBase.Open(At("30"), null));
        string document = Path.Combine(At("32"), "session.json");
        string commit = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(At("31"), "SHA256SUMS"))));
        string old = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(At("30"), "SHA256SUMS"))));
        File.WriteAllText(document, File.ReadAllText(document).Replace("\"../30\"", "\"../31\"", StringComparison.Ordinal).Replace(old, commit, StringComparison.Ordinal));
        CommitAgain(At("32"));
        AssertBad("more than 32 images", At("32"));
    }

    [Fact]
    public void A_chain_is_encrypted_as_a_whole_or_not_at_all()
    {
        using SessionKey key = Key(1);
        using SessionKey other = Key(2);
        SessionFiles.Write(At("open"), StandardImage(0));
        SessionFiles.Write(At("first"), StandardImage(0), key);
        AssertRefused("is not encrypted", () => SessionImageBase.Open(At("open"), key));
        AssertRefused("--encrypt", () => SessionImageBase.Open(At("first"), null));
        AssertRefused(other.Fingerprint, () => SessionImageBase.Open(At("first"), other));
        SessionFiles.Write(At("second"), StandardImage(1), key, SessionImageBase.Open(At("first"), key));
        Assert.Equal(StandardImage(1).SendQueue.ToArray(), SessionFiles.Read(At("second"), key).SendQueue.ToArray());
        AssertBad("--key", At("second"));
    }

    [Fact]
    public void The_base_of_a_newer_image_is_restored_only_by_force()
    {
        WriteChain(2);
        AssertRefused("newer image (../1)", () => SessionRestoreMark.Take(At("0"), force: false));
        SessionRestoreMark.Take(At("0"), force: true).Dispose();
        SessionRestoreMark.Take(At("1"), force: false).Dispose();
        Directory.Delete(At("1"), recursive: true);
        SessionRestoreMark.Take(At("0"), force: false).Dispose();
    }

    [Fact]
    public void The_base_of_another_connection_is_refused()
    {
        SessionFiles.Write(At("0"), StandardImage(0));
        SessionImageBase before = SessionImageBase.Open(At("0"), null);
        TcpSnapshot snapshot = before.Image.Snapshot;
        AssertRefused("another connection: 192.0.2.1:80-192.0.2.2:49152, not 192.0.2.1:80-192.0.2.2:1", () => before.RequireConnection(snapshot.Local, snapshot.Peer with { Port = 1 }));
        before.RequireEarlierThan(StandardImage(3));

        // A later connection between the same ends: the counters say that it can't be this one.
        SessionImage later = StandardImage(3);
        AssertRefused("an earlier connection", () => before.RequireEarlierThan(later with { Snapshot = later.Snapshot with { RcvNxt = later.Snapshot.RcvNxt + 1 } }));
        AssertRefused("an earlier connection", () => before.RequireEarlierThan(later with { Counters = later.Counters with { BytesReceived = 0 } }));
        AssertRefused("an earlier connection", () => SessionImageBase.Open(WriteAt("3", later), null).RequireEarlierThan(StandardImage(0)));

        // Restored from the base, a socket counts from there.
        using (SessionRestoreMark.Claim claim = SessionRestoreMark.Take(At("0"), force: false))
        {
            claim.Keep();
        }

        before.RequireEarlierThan(later with { Counters = new SessionCounters() });
        AssertRefused("an earlier connection", () => before.RequireEarlierThan(later with { Counters = new(), Snapshot = later.Snapshot with { RcvNxt = snapshot.RcvNxt - 1 } }));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string At(string name) => Path.Combine(_root, name);

    private string WriteAt(string name, SessionImage image)
    {
        SessionFiles.Write(At(name), image);
        return At(name);
    }

    private void WriteChain(int images)
    {
        for (int i = 0; i < images; i++)
        {
            SessionFiles.Write(At($"{i}"), StandardImage(i), chainedTo: i == 0 ? null : SessionImageBase.Open(At($"{i - 1}"), null));
        }
    }

    private static void AssertBad(string message, string directory)
    {
        var exception = Assert.Throws<CheckpointException>(() => SessionFiles.Read(directory));
        Assert.Equal(CheckpointFailure.BadImage, exception.Failure);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    private static void AssertRefused(string message, Action action)
    {
        var exception = Assert.Throws<CheckpointException>(action);
        Assert.Equal(CheckpointFailure.Refused, exception.Failure);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    private SessionKey Key(byte content)
    {
        string path = At($"key-{Guid.NewGuid():N}");
        File.WriteAllBytes(path, [.. Enumerable.Repeat(content, 32)]);
#pragma warning disable CA1416 // Runs on Linux only.
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
#pragma warning restore CA1416
        return SessionKey.Read(path);
    }

    private static void CommitAgain(string directory)
    {
        string record = Path.Combine(directory, "SHA256SUMS");
        string[] names = [.. File.ReadLines(record).Select(static line => line[66..])];
        File.WriteAllText(record, string.Concat(names.Select(name => $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(directory, name))))}  {name}\n")));
    }

    /// <summary>The byte at an offset of a stream is always the same, and another one four gigabytes further.</summary>
    private static byte[] Bytes(long offset, int length) => [.. Enumerable.Range(0, length).Select(i => (byte)((((offset + i) * 167) >> 3) + (13 * ((offset + i) >> 32))))];

    /// <summary>The i-th image of a connection that reads 10 bytes and is acknowledged 20 between two, and gets and writes as many.</summary>
    private static SessionImage StandardImage(int i)
    {
        SessionImage image = Image(
            $"{i:00000000}", (unchecked(uint.MaxValue - 30 + (uint)(10 * i)), Bytes(10 * i, 50)), (unchecked(uint.MaxValue - 30 + (uint)(20 * i)), Bytes(20 * i, 60)));
        return image with { Counters = image.Counters with { BytesReceived = (ulong)(1000 + (10 * i)), BytesAcked = (ulong)(1000 + (20 * i)) } };
    }

    private static SessionImage Image(string id, (uint First, byte[] Queue) received, (uint First, byte[] Queue) written)
    {
        SessionImage example = SessionImageDirectoryTests.Example();
        return example with
        {
            Id = id,
            Snapshot = example.Snapshot with
            {
                CopiedSeq = new SequenceNumber(received.First),
                RcvNxt = new SequenceNumber(received.First) + received.Queue.Length,
                RcvWup = new SequenceNumber(received.First) + received.Queue.Length,
                SndUna = new SequenceNumber(written.First),
                SndNxt = new SequenceNumber(written.First) + (written.Queue.Length / 2),
                WriteSeq = new SequenceNumber(written.First) + written.Queue.Length,
            },
            ReceiveQueue = received.Queue,
            SendQueue = written.Queue,
            HeldPackets = [],
        };
    }

    /// <summary>A connection near the wrap whose both queues slide by random steps, sometimes by more than they hold, sometimes by all of the sequence space.</summary>
    private sealed class Stream
    {
        private readonly Random _random;
        private readonly uint _origin;
        private (long Start, long End) _received;
        private (long Start, long End) _written;

        internal Stream(Random random)
        {
            _random = random;
            _origin = uint.MaxValue - (uint)random.Next(0, 3000);
            Slide();
        }

        internal void Slide()
        {
            _received = Slide(_received);
            _written = Slide(_written);
        }

        internal SessionImage Image(int i) => SessionChainTests.Image(
            $"{i:00000000}",
            (unchecked(_origin + (uint)_received.Start), Bytes(_received.Start, (int)(_received.End - _received.Start))),
            (unchecked(_origin + (uint)_written.Start), Bytes(_written.Start, (int)(_written.End - _written.Start))));

        private (long Start, long End) Slide((long Start, long End) queue)
        {
            long end = queue.End + _random.Next(0, 1500) + (_random.Next(20) switch
            {
                0 => 1L << 32,
                1 => (1L << 32) - 700,
                2 => int.MaxValue,
                _ => 0,
            });
            long start = Math.Max(queue.Start + _random.Next(0, 1500), end - 5000);
            return (Math.Min(start, end), end);
        }
    }
}
