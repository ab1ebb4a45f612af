using Interceptor.Checkpoint;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.Tests.Checkpoint;

public sealed class SessionSetTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("session-set-").FullName;

    [Fact]
    public void A_set_reads_as_it_was_written_and_each_image_by_itself_too()
    {
        SessionSet set = Write("set", null, Images(5));
        Assert.Equal(5, set.Members.Count);
        Assert.True(SessionSet.IsSet(set.Directory));
        for (int i = 0; i < 5; i++)
        {
            SessionImage image = SessionFiles.Read(set, set.Members[i]);
            Assert.Equal(Images(5)[i].Snapshot, image.Snapshot);
            Assert.Equal(Images(5)[i].HeldPackets.Count, image.HeldPackets.Count);
            Assert.Equal(set.Lock, image.Lock);
            Assert.Equal(image.Id, SessionFiles.Read(set.PathOf(set.Members[i])).Id);
        }

        ChildResult sums = ChildProcess.Run(null, TimeSpan.FromSeconds(10), "sh", "-c", $"cd '{set.Directory}' && sha256sum -c SHA256SUMS && cd 192.0.2.1:80-192.0.2.2:1 && sha256sum -c SHA256SUMS");
        Assert.Equal(0, sums.ExitCode);
        Assert.Equal([At("set")], Directory.EnumerateFileSystemEntries(_root));
    }

    [Fact]
    public void A_flipped_bit_in_any_file_of_a_set_is_found()
    {
        SessionSet before = Write("before", null, Images(2));
        Write("set", before, [Images(2)[0], null]);
        foreach (string path in Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) != SessionNewerImages.Name && Path.GetDirectoryName(path) != At("before")).ToList())
        {
            byte[] content = File.ReadAllBytes(path);
            for (int i = 0; i < content.Length; i += Math.Max(1, content.Length / 5))
            {
                content[i] ^= 0x04;
                File.WriteAllBytes(path, content);
                Assert.Equal(CheckpointFailure.BadImage, Assert.Throws<CheckpointException>(() => ReadAll("set")).Failure);
                content[i] ^= 0x04;
            }

            File.WriteAllBytes(path, content);
        }

        ReadAll("set");
    }

    [Fact]
    public void An_image_that_was_replaced_by_another_good_one_is_not_the_one_of_the_set()
    {
        SessionSet set = Write("set", null, Images(2));
        Directory.Delete(set.PathOf(set.Members[0]), recursive: true);
        SessionFiles.Write(set.PathOf(set.Members[0]), Images(2)[0] with { CutBootTimeNanoseconds = 1 });
        Assert.Contains("changed or replaced since", Assert.Throws<CheckpointException>(() => ReadAll("set")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_chains_its_images_to_those_of_an_earlier_set_and_is_moved_with_it()
    {
        SessionImage image = Images(1)[0];
        SessionSet first = Write("first", null, [image]);
        SessionImage later = image with { Snapshot = image.Snapshot with { RcvNxt = image.Snapshot.RcvNxt + 3, RcvWup = image.Snapshot.RcvNxt + 3 }, ReceiveQueue = "abcdxyz"u8.ToArray() };
        SessionSet second = Write("second", first, [later]);
        Assert.Equal("xyz", File.ReadAllText(Path.Combine(second.PathOf(second.Members[0]), "receive-queue.bin")));
        SessionSet third = Write("third", second, [null]);
        Assert.True(third.Members[0].CarriedOver);
        Assert.Equal("../second/192.0.2.1:80-192.0.2.2:1", third.Members[0].Directory);
        string moved = Directory.CreateDirectory(At("moved")).FullName;
        foreach (string name in (string[])["first", "second", "third"])
        {
            Directory.Move(At(name), Path.Combine(moved, name));
        }

        SessionSet read = SessionSet.Read(Path.Combine(moved, "third"));
        Assert.Equal("abcdxyz"u8.ToArray(), SessionFiles.Read(read, read.Members[0]).ReceiveQueue.ToArray());
        CheckpointException refused = Assert.Throws<CheckpointException>(() => SessionRestoreMark.Take(Path.Combine(moved, "first"), force: false));
        Assert.Contains("newer image", refused.Message, StringComparison.Ordinal);

        // Its image in the second set is as good as one of that set's, which went on, too.
        Assert.Throws<CheckpointException>(() => SessionRestoreMark.Take(Path.Combine(moved, "second", "192.0.2.1:80-192.0.2.2:1"), force: false));
        SessionRestoreMark.Take(Path.Combine(moved, "third"), force: false).Dispose();
    }

    [Fact]
    public void What_was_not_committed_leaves_nothing_and_what_a_crash_leaves_is_found()
    {
        using (SessionSetWriter writer = SessionSetWriter.Create(At("set"), key: null, before: null))
        {
            writer.Add(Images(1)[0], null, default, earlier: null);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
        SessionSet set = Write("set", null, Images(2));
        string left = At("set.tmp-4194303-17-0123abcd");
        Directory.Move(set.Directory, left);
        File.Delete(Path.Combine(left, "SHA256SUMS"));
        Assert.Equal([left], SessionImageDirectory.FindUnfinished(_root));
        Assert.Contains("commit record", Assert.Throws<CheckpointException>(() => SessionSet.Read(left)).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(left, "notes", "deeper"));
        Assert.Empty(SessionImageDirectory.FindUnfinished(_root));
    }

    [Fact]
    public void A_set_is_shown_and_a_bad_one_is_a_bad_input_file()
    {
        SessionSet set = Write("set", null, Images(2));
        CliResult shown = CliProcess.Run("image", set.Directory);
        Assert.Equal(0, shown.ExitCode);
        Assert.StartsWith("set 0badcafe: 2 connections of process", shown.Output, StringComparison.Ordinal);
        Assert.Contains("192.0.2.1:80  192.0.2.2:2  ESTABLISHED", shown.Output, StringComparison.Ordinal);
        Assert.Equal(2, CliProcess.Run("restore", set.Directory).ExitCode);
        File.AppendAllText(Path.Combine(set.PathOf(set.Members[1]), "send-queue.bin"), "!");
        Assert.Equal(4, CliProcess.Run("image", set.Directory).ExitCode);
        Assert.Equal(2, CliProcess.Run("checkpoint", "--all-of", "--pid", "1", "--connection", "192.0.2.1:80-192.0.2.2:2", "-o", At("x")).ExitCode);
        Assert.Equal(2, CliProcess.Run("checkpoint", "--pid", "1", "-o", At("x")).ExitCode);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string At(string name) => Path.Combine(_root, name);

    private void ReadAll(string name)
    {
        SessionSet set = SessionSet.Read(At(name));
        foreach (SessionSetMember member in set.Members)
        {
            SessionFiles.Read(set, member);
        }
    }

    /// <summary>A set; null carries the image at its place in <paramref name="before"/> over, the others are chained to it.</summary>
    private SessionSet Write(string name, SessionSet? before, SessionImage?[] images)
    {
        using SessionSetWriter writer = SessionSetWriter.Create(At(name), key: null, before);
        for (int i = 0; i < images.Length; i++)
        {
            if (images[i] is { } image)
            {
                SessionFiles.Add(writer, image, SessionActivity.Of(image, cookie: 7), before?.Members[i]);
            }
            else
            {
                writer.CarryOver(before!.Members[i]);
            }
        }

        return writer.Commit("0badcafe", Environment.ProcessId, new SessionLock("interceptor:lock:0badcafe", "drop"), [], 1_700_000_000_000_000_000);
    }

    private static SessionImage[] Images(int count) =>
    [
        .. Enumerable.Range(1, count).Select(static i =>
        {
            SessionImage example = SessionImageDirectoryTests.Example();
            return example with { Id = $"{i:x8}", Snapshot = example.Snapshot with { Peer = example.Snapshot.Peer with { Port = (ushort)i } } };
        }),
    ];
}
