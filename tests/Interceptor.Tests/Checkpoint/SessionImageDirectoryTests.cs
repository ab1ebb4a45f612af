using System.Security.Cryptography;
using Interceptor.Checkpoint;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.Tests.Checkpoint;

public sealed class SessionImageDirectoryTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("session-image-").FullName;

    private string Image => Path.Combine(_root, "image");

    [Fact]
    public void Only_an_unfinished_image_of_a_process_that_is_gone_is_left_over()
    {
        string dead = Make("image.tmp-4194303-17-0123abcd");
        File.WriteAllText(Path.Combine(dead, "receive-queue.bin"), "");
        Make($"image.tmp-{Interceptor.Interop.ProcessIdentity.Current}-0123abcd");
        Make("image.tmp-0123abcd");
        Make("notes.tmp-1-x");
        File.WriteAllText(Path.Combine(Make("other.tmp-4194303-17-0123abcd"), "thesis.tex"), "");
        Assert.Equal([dead], SessionImageDirectory.FindUnfinished(_root));
        Assert.Empty(SessionImageDirectory.FindUnfinished(Path.Combine(_root, "missing")));
        string Make(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
    }

    [Fact]
    public void An_image_reads_as_it_was_written()
    {
        SessionImage image = Example();
        SessionFiles.Write(Image, image);
        SessionImage read = SessionFiles.Read(Image);
        Assert.Equal(image.Snapshot, read.Snapshot);
        Assert.Equal(image.Counters, read.Counters);
        Assert.Equal(image.Lock, read.Lock);
        Assert.Equal(image.CutAt, read.CutAt);
        Assert.Equal(image.ReceiveQueue.ToArray(), read.ReceiveQueue.ToArray());
        Assert.Equal(image.SendQueue.ToArray(), read.SendQueue.ToArray());
        Assert.Equal(image.Settings.Options["SO_LINGER"], read.Settings.Options["SO_LINGER"]);
        Assert.Equal(image.Settings with { Options = read.Settings.Options, Filter = read.Settings.Filter }, read.Settings);
        HeldSessionPacket held = Assert.Single(read.HeldPackets);
        Assert.True(held is { IsInbound: true, ChecksumMissing: true });
        Assert.Equal(image.HeldPackets[0].IpPacket.ToArray(), held.IpPacket.ToArray());
        Assert.Equal(image.HeldPackets[0].Timestamp, held.Timestamp);
        Assert.Equal(["SHA256SUMS", "held.pcapng", "receive-queue.bin", "send-queue.bin", "session.json"], Names(Image));
    }

    [Fact]
    public void Only_the_owner_reads_an_image()
    {
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        SessionFiles.Write(Image, Example());
#pragma warning disable CA1416 // Runs on Linux only.
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(Image));
        Assert.All(Directory.EnumerateFiles(Image), file => Assert.Equal(Owner, File.GetUnixFileMode(file)));
#pragma warning restore CA1416
    }

    [Fact]
    public void Nothing_is_overwritten_and_nothing_is_left_aside()
    {
        Directory.CreateDirectory(Image);
        var exception = Assert.Throws<CheckpointException>(() => SessionFiles.Write(Image, Example()));
        Assert.Contains("exists already", exception.Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointException>(() => SessionImageDirectory.RequireCanCreate(Image));
        Assert.Throws<CheckpointException>(() => SessionImageDirectory.RequireCanCreate(Path.Combine(_root, "no", "parent")));

        exception = Assert.Throws<CheckpointException>(
            () => SessionImageDirectory.Write(Path.Combine(_root, "other"), Example(), new Dictionary<string, byte[]> { ["no/such/directory"] = [] }));
        Assert.Contains("no/such/directory", exception.Message, StringComparison.Ordinal);
        Assert.Equal([Image], Directory.EnumerateFileSystemEntries(_root));
    }

    [Theory]
    [InlineData("receive-queue.bin")]
    [InlineData("send-queue.bin")]
    [InlineData("held.pcapng")]
    [InlineData("session.json")]
    public void Every_changed_cut_or_missing_file_is_noticed(string name)
    {
        SessionFiles.Write(Image, Example());
        string path = Path.Combine(Image, name);
        byte[] content = File.ReadAllBytes(path);
        for (int i = 0; i < content.Length; i += Math.Max(1, content.Length / 7))
        {
            content[i] ^= 0x40;
            File.WriteAllBytes(path, content);
            AssertBad("SHA-256");
            content[i] ^= 0x40;
        }

        File.WriteAllBytes(path, content[..^1]);
        AssertBad("cut or changed");
        File.Delete(path);
        AssertBad(name);
    }

    [Theory]
    [InlineData("\"version\": 3", "\"version\": 4", "version 4")]
    [InlineData("interceptor-session", "something-else", "format")]
    [InlineData("\"local\": \"192.0.2.1:80\"", "\"local\": \"nowhere\"", "two ends")]
    [InlineData("\"state\": \"ESTABLISHED\"", "\"state\": \"LISTEN\"", "LISTEN")]
    [InlineData("\"snd_window_scale\": 7", "\"snd_window_scale\": 15", "contradict")]
    [InlineData("\"write_seq\": 3", "\"write_seq\": 4", "sequence numbers say")]
    [InlineData("\"warnings\": [", "\"warnings\": null, \"x\": [", "damaged")]
    [InlineData("{", "[", "damaged")]
    public void A_document_that_makes_no_sense_is_refused(string old, string replacement, string message)
    {
        SessionFiles.Write(Image, Example());
        string path = Path.Combine(Image, SessionImageDirectory.DocumentName);
        string text = File.ReadAllText(path);
        int at = text.IndexOf(old, StringComparison.Ordinal);
        Assert.True(at >= 0, text);
        File.WriteAllText(path, text[..at] + replacement + text[(at + old.Length)..]);
        CommitAgain();
        AssertBad(message);
    }

    [Fact]
    public void A_document_cut_anywhere_is_refused()
    {
        SessionFiles.Write(Image, Example());
        string path = Path.Combine(Image, SessionImageDirectory.DocumentName);
        byte[] content = File.ReadAllBytes(path);
        for (int length = 0; length < content.Length - 1; length += 53)
        {
            File.WriteAllBytes(path, content[..length]);
            CommitAgain();
            AssertBad("");
        }
    }

    [Fact]
    public void Every_changed_bit_of_the_commit_record_is_noticed()
    {
        SessionFiles.Write(Image, Example());
        string path = Path.Combine(Image, "SHA256SUMS");
        byte[] content = File.ReadAllBytes(path);
        for (int bit = 0; bit < content.Length * 8; bit++)
        {
            byte[] changed = [.. content];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(path, changed);
            AssertBad("");
        }

        File.WriteAllBytes(path, content);
        Assert.Equal("0123abcd", SessionFiles.Read(Image).Id);
        File.Delete(path);
        AssertBad("no commit record");
    }

    [Fact]
    public void The_commit_record_is_what_sha256sum_reads()
    {
        SessionFiles.Write(Image, Example());
        ChildResult result = ChildProcess.Run(null, TimeSpan.FromSeconds(10), "sh", "-c", $"cd '{Image}' && sha256sum -c SHA256SUMS");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("session.json: OK", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_the_commit_record_does_not_name_is_none_of_the_image()
    {
        SessionFiles.Write(Image, Example() with { HeldPackets = [] });
        File.WriteAllText(Path.Combine(Image, "held.pcapng"), "not a capture");
        Assert.Empty(SessionFiles.Read(Image).HeldPackets);
    }

    [Fact]
    public void An_image_is_restored_by_one_only()
    {
        SessionFiles.Write(Image, Example());
        using (SessionRestoreMark.Take(Image, force: false))
        {
            // Given back: it was not kept.
        }

        Assert.Null(SessionRestoreMark.ReadFrom(Image));
        using (SessionRestoreMark.Claim claim = SessionRestoreMark.Take(Image, force: false))
        {
            claim.Keep();
        }

        var exception = Assert.Throws<CheckpointException>(() => SessionRestoreMark.Take(Image, force: false));
        Assert.Equal(CheckpointFailure.Refused, exception.Failure);
        Assert.Contains("--force", exception.Message, StringComparison.Ordinal);
        using (SessionRestoreMark.Take(Image, force: true))
        {
            // Forced and failed: that it was restored before stays true.
        }

        Assert.NotNull(SessionRestoreMark.ReadFrom(Image));
        Assert.Equal("0123abcd", SessionFiles.Read(Image).Id);
    }

    [Fact]
    public void A_directory_that_is_not_there_is_a_bad_image() => AssertBad("no session image");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void AssertBad(string message)
    {
        var exception = Assert.Throws<CheckpointException>(() => SessionFiles.Read(Image));
        Assert.Equal(CheckpointFailure.BadImage, exception.Failure);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    /// <summary>What was changed is meant: the commit record is made anew.</summary>
    private void CommitAgain()
    {
        string[] files = [.. Names(Image).Where(static name => name != "SHA256SUMS")];
        File.WriteAllText(Path.Combine(Image, "SHA256SUMS"), string.Concat(
            files.Select(name => $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(Image, name))))}  {name}\n")));
    }

    private static string[] Names(string directory) => [.. Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    internal static SessionImage Example() => new()
    {
        Id = "0123abcd",
        Snapshot = new TcpSnapshot
        {
            Local = new FlowEndpoint(IpAddress.FromIpv4(0xC0000201), 80),
            Peer = new FlowEndpoint(IpAddress.FromIpv4(0xC0000202), 49152),
            State = TcpState.Established,
            SndUna = new SequenceNumber(uint.MaxValue - 1),
            SndNxt = new SequenceNumber(1),
            WriteSeq = new SequenceNumber(3),
            SndWnd = 65536,
            SndWl1 = new SequenceNumber(77),
            MaxWindow = 70000,
            CopiedSeq = new SequenceNumber(74),
            RcvNxt = new SequenceNumber(78),
            RcvWnd = 60000,
            RcvWup = new SequenceNumber(78),
            MssClamp = 1460,
            WindowScaling = true,
            SndWindowScale = 7,
            RcvWindowScale = 8,
            SackPermitted = true,
            Timestamps = true,
            TimestampValue = 4_000_000_000,
        },
        ReceiveQueue = "abcd"u8.ToArray(),
        SendQueue = "sentU"u8.ToArray(),
        Settings = new SocketSettings
        {
            ReceiveBuffer = 131072,
            SendBuffer = 87040,
            CongestionControl = "cubic",
            Options = new Dictionary<string, int[]> { ["SO_LINGER"] = [1, 5], ["TCP_NODELAY"] = [1] },
        },
        Counters = new SessionCounters { BytesReceived = 1000, BytesAcked = ulong.MaxValue, SendMss = 1448 },
        BootId = "00000000-0000-0000-0000-000000000000",
        CutBootTimeNanoseconds = 12345,
        CutAt = new CaptureTimestamp(1_700_000_000_123_456_789),
        Lock = new SessionLock("interceptor:lock:0123abcd", "drop"),
        HeldPackets = [new HeldSessionPacket(true, new CaptureTimestamp(1_700_000_000_123_456_790), true, new byte[] { 0x45, 0, 0, 20, 1, 2, 3, 4 })],
    };
}
