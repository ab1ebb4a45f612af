using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.Tests.Checkpoint;

public sealed class ImageCommandTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("image-command-").FullName;

    private string First => Path.Combine(_root, "first");

    private string Second => Path.Combine(_root, "second");

    [Fact]
    public void An_image_is_shown_as_people_read_it()
    {
        SessionFiles.Write(First, SessionImageDirectoryTests.Example());
        CliResult result = CliProcess.Run("image", First);
        Assert.Equal(0, result.ExitCode);
        GoldenFile.Verify("cli/image.txt", result.Output);
    }

    [Fact]
    public void Json_has_every_field_of_the_document()
    {
        SessionFiles.Write(First, SessionImageDirectoryTests.Example());
        CliResult result = CliProcess.Run("image", First, "--json");
        JsonElement image = JsonDocument.Parse(result.Lines[0]).RootElement;
        JsonElement document = JsonDocument.Parse(File.ReadAllText(Path.Combine(First, "session.json"))).RootElement;
        Assert.All(document.EnumerateObject(), field => Assert.True(JsonElement.DeepEquals(field.Value, image.GetProperty(field.Name)), field.Name));
        Assert.Equal(1, image.GetProperty("held_packets").GetInt32());
        Assert.Equal(JsonValueKind.Null, image.GetProperty("restored").ValueKind);
    }

    [Fact]
    public void What_changed_between_two_checkpoints_is_told_with_sequence_numbers_that_wrap()
    {
        SessionImage before = SessionImageDirectoryTests.Example();
        SessionImage after = before with
        {
            Snapshot = before.Snapshot with { SndUna = new SequenceNumber(1), SndNxt = new SequenceNumber(3) },
            SendQueue = before.SendQueue[3..],
            Counters = before.Counters with { BytesReceived = 1500 },
        };
        SessionFiles.Write(First, before);
        SessionFiles.Write(Second, after);
        CliResult result = CliProcess.Run("image", "--diff", First, Second);
        Assert.Equal(5, result.ExitCode);
        GoldenFile.Verify("cli/image-diff.txt", result.Output);
        JsonElement una = JsonDocument.Parse(CliProcess.Run("image", "--diff", First, Second, "--json").Lines[0]).RootElement;
        Assert.Equal(("sequences.snd_una", 3), (una.GetProperty("field").GetString(), una.GetProperty("advance").GetInt32()));
        Assert.Equal(0, CliProcess.Run("image", "--diff", First, First).ExitCode);
    }

    [Fact]
    public void An_image_of_a_chain_names_its_base_and_what_is_based_on_it()
    {
        SessionImage before = SessionImageDirectoryTests.Example();
        SessionImage after = before with
        {
            Id = "89abcdef",
            Snapshot = before.Snapshot with { CopiedSeq = new SequenceNumber(76), RcvNxt = new SequenceNumber(81) },
            ReceiveQueue = "cdefg"u8.ToArray(),
        };
        SessionFiles.Write(First, before);
        SessionFiles.Write(Second, after, chainedTo: SessionImageBase.Open(First, null));
        GoldenFile.Verify("cli/image-chain.txt", CliProcess.Run("image", First).Output + CliProcess.Run("image", Second).Output);
        Assert.Equal("../second", JsonDocument.Parse(CliProcess.Run("image", First, "--json").Lines[0]).RootElement.GetProperty("newer")[0].GetString());
        JsonElement document = JsonDocument.Parse(CliProcess.Run("image", Second, "--json").Lines[0]).RootElement.GetProperty("base");
        Assert.Equal(("../first", 2, 5), (document.GetProperty("path").GetString(), document.GetProperty("receive_queue_bytes").GetInt32(), document.GetProperty("send_queue_bytes").GetInt32()));

        Assert.Equal(5, CliProcess.Run("image", "--diff", First, Second).ExitCode);
        File.AppendAllText(Path.Combine(First, "send-queue.bin"), "!");
        Assert.Equal(4, CliProcess.Run("image", Second).ExitCode);
        Assert.Equal(4, CliProcess.Run("image", "--diff", Second, Second).ExitCode);
    }

    [Fact]
    public void A_damaged_image_is_a_bad_input_file()
    {
        SessionFiles.Write(First, SessionImageDirectoryTests.Example());
        File.AppendAllText(Path.Combine(First, "send-queue.bin"), "!");
        CliResult result = CliProcess.Run("image", First);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("send-queue.bin does not have the SHA-256", result.Error, StringComparison.Ordinal);
        Assert.Equal(4, CliProcess.Run("image", Path.Combine(_root, "nowhere")).ExitCode);
        Assert.Equal(2, CliProcess.Run("image", First, Second).ExitCode);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
