using System.Text;
using Interceptor.Checkpoint;
using Interceptor.Replay;

namespace Interceptor.Tests.Checkpoint;

public sealed class SessionKeyTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("session-key-").FullName;

    private string Image => Path.Combine(_root, "image");

    [Fact]
    public void An_encrypted_image_reads_as_it_was_written_and_shows_no_byte_of_its_queues()
    {
        using SessionKey key = Key("a", new byte[32]);
        SessionImage image = SessionImageDirectoryTests.Example() with { ReceiveQueue = "abcd"u8.ToArray(), SendQueue = "sentU"u8.ToArray() };
        SessionFiles.Write(Image, image, key);
        SessionImage read = SessionFiles.Read(Image, key);
        Assert.Equal(image.ReceiveQueue.ToArray(), read.ReceiveQueue.ToArray());
        Assert.Equal(image.SendQueue.ToArray(), read.SendQueue.ToArray());
        Assert.Equal(image.HeldPackets[0].IpPacket.ToArray(), Assert.Single(read.HeldPackets).IpPacket.ToArray());
        Assert.Equal(
            ["SHA256SUMS", "held.pcapng.aes", "receive-queue.bin.aes", "send-queue.bin.aes", "session.json"],
            Directory.EnumerateFiles(Image).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Assert.All(Directory.EnumerateFiles(Image), file => Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf("sentU"u8) < 0, file));
    }

    [Fact]
    public void Two_images_with_the_same_bytes_have_no_ciphertext_in_common()
    {
        using SessionKey key = Key("a", new byte[32]);
        SessionFiles.Write(Image, SessionImageDirectoryTests.Example(), key);
        SessionFiles.Write(Image + "2", SessionImageDirectoryTests.Example(), key);
        Assert.NotEqual(File.ReadAllBytes(Path.Combine(Image, "send-queue.bin.aes")), File.ReadAllBytes(Path.Combine(Image + "2", "send-queue.bin.aes")));
    }

    [Fact]
    public void Without_the_key_or_with_another_it_is_refused_with_the_fingerprint()
    {
        using SessionKey key = Key("a", new byte[32]);
        using SessionKey other = Key("b", Encoding.ASCII.GetBytes(new string('f', 64) + "\n"));
        SessionFiles.Write(Image, SessionImageDirectoryTests.Example(), key);
        Assert.Contains("--key", Assert.Throws<CheckpointException>(() => SessionFiles.Read(Image)).Message, StringComparison.Ordinal);
        string message = Assert.Throws<CheckpointException>(() => SessionFiles.Read(Image, other)).Message;
        Assert.Contains(key.Fingerprint, message, StringComparison.Ordinal);
        Assert.Contains(other.Fingerprint, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_changed_byte_of_an_encrypted_file_is_noticed_also_under_a_new_commit_record()
    {
        using SessionKey key = Key("a", new byte[32]);
        byte[] file = key.Encrypt("0123abcd", "send-queue.bin", "some bytes"u8);
        Assert.Equal("some bytes"u8.ToArray(), key.Decrypt("0123abcd", "send-queue.bin", file));
        for (int i = 0; i < file.Length; i++)
        {
            file[i] ^= 1;
            Assert.Null(key.Decrypt("0123abcd", "send-queue.bin", file));
            file[i] ^= 1;
        }

        Assert.Null(key.Decrypt("0123abcd", "receive-queue.bin", file));
        Assert.Null(key.Decrypt("0123abce", "send-queue.bin", file));
        Assert.Null(key.Decrypt("0123abcd", "send-queue.bin", file.AsSpan(0, 20)));
    }

    [Theory]
    [InlineData(31, UnixFileMode.UserRead, "holds no key")]
    [InlineData(33, UnixFileMode.UserRead, "holds no key")]
    [InlineData(32, UnixFileMode.UserRead | UnixFileMode.GroupRead, "chmod 600")]
    [InlineData(32, UnixFileMode.UserRead | UnixFileMode.OtherRead, "chmod 600")]
    public void A_file_that_is_no_key_or_not_secret_is_refused(int length, UnixFileMode mode, string message)
    {
        string path = Path.Combine(_root, "key");
        File.WriteAllBytes(path, new byte[length]);
#pragma warning disable CA1416 // Runs on Linux only.
        File.SetUnixFileMode(path, mode);
#pragma warning restore CA1416
        Assert.Contains(message, Assert.Throws<CheckpointException>(() => SessionKey.Read(path)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private SessionKey Key(string name, byte[] content)
    {
        string path = Path.Combine(_root, name);
        File.WriteAllBytes(path, content);
#pragma warning disable CA1416 // Runs on Linux only.
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
#pragma warning restore CA1416
        return SessionKey.Read(path);
    }
}
