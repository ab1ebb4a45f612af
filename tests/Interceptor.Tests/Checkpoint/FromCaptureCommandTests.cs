using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Replay;
using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.Tests.Checkpoint;

/// <summary><c>interceptor checkpoint --from-capture</c> as a person or a script runs it.</summary>
public sealed class FromCaptureCommandTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("from-capture-").FullName;

    private static string Bulk => Path.Combine(ProjectPaths.Root, "captures", "bulk-with-loss.pcapng.gz");

    private string Image => Path.Combine(_root, "image");

    [Theory]
    [InlineData("client", "0.05")]
    [InlineData("server", "0.05")]
    [InlineData("client", "0.12")]
    [InlineData("server", "0.12")]
    [InlineData("client", "0.15")]
    [InlineData("server", "0.15")]
    public void The_image_has_the_numbers_that_interceptor_tcp_tells_of_the_same_instant(string side, string at)
    {
        CliResult result = CliProcess.Run("checkpoint", "--from-capture", Bulk, "--connection", "0", "--side", side, "--at", at, "-o", Image, "--json");
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement summary = JsonDocument.Parse(result.Lines[^1]).RootElement;
        JsonElement socket = JsonDocument.Parse(CliProcess.Run("tcp", Bulk, "--json", "--connection", "0", "--at", at).Lines[0]).RootElement.GetProperty($"{side}_socket");
        SessionImage image = SessionFiles.Read(Image);
        Assert.Equal(
            (socket.GetProperty("state").GetString(), socket.GetProperty("snd_una").GetUInt32(), socket.GetProperty("snd_nxt").GetUInt32(), socket.GetProperty("rcv_nxt").GetUInt32()),
            (image.Snapshot.State.ToRfcName(), image.Snapshot.SndUna.Value, image.Snapshot.SndNxt.Value, image.Snapshot.RcvNxt.Value));
        Assert.Equal(socket.GetProperty("out_of_order_bytes").GetInt32(), image.HeldPackets.Sum(TextLength));
        Assert.Equal(socket.GetProperty("in_flight_bytes").GetInt32(), image.SendQueue.Length);
        Assert.Equal(SessionSource.Capture, image.Source);
        Assert.Equal(image.Assumed, summary.GetProperty("assumed").EnumerateArray().Select(field => field.GetString()!));
        Assert.Equal(("capture", image.Id, image.SendQueue.Length), (
            summary.GetProperty("source").GetString(), summary.GetProperty("image_id").GetString(), summary.GetProperty("in_flight_bytes").GetInt32()));
        Assert.Equal(image.CutAt.Nanoseconds, summary.GetProperty("at_ns").GetInt64());
        Assert.Contains("a capture; assumed: sequences.write_seq, sequences.copied_seq, socket", CliProcess.Run("image", Image).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_connection_can_be_named_by_its_ends_and_the_application_by_what_it_had_read()
    {
        JsonElement connection = JsonDocument.Parse(CliProcess.Run("tcp", Bulk, "--json").Lines[0]).RootElement;
        string name = $"{EndOf(connection, "client")}-{EndOf(connection, "server")}";
        CliResult result = CliProcess.Run("checkpoint", "--from-capture", Bulk, "--connection", name, "--at", "0.05", "--read-offset", "1000", "-o", Image);
        Assert.True(result.ExitCode == 0, result.ToString());
        SessionImage image = SessionFiles.Read(Image);
        Assert.Equal(name, $"{image.Snapshot.Local}-{image.Snapshot.Peer}");
        Assert.Equal(1000, image.ReadOffset);
        Assert.Equal(image.ReceiveQueue.Length, image.Snapshot.UnreadBytes);
        Assert.NotEqual(0, image.ReceiveQueue.Length);
        Assert.Contains("had read 1000 bytes", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "which end of the connection? --side client or --side server", "--connection", "0")]
    [InlineData(2, "is not understood: it wants a number from 0 to 14", "--connection", "0", "--side", "client", "--assume", "rcv-window-scale=15")]
    [InlineData(2, "leave --pid", "--connection", "0", "--side", "client", "--pid", "1")]
    [InlineData(2, "LOCAL is the end", "--connection", "192.0.2.1:1-192.0.2.2:2", "--side", "client")]
    [InlineData(1, "the capture has no connection between 192.0.2.1:1 and 192.0.2.2:2", "--connection", "192.0.2.1:1-192.0.2.2:2")]
    [InlineData(1, "no connection has the id 7: the ids are 0 to 0", "--connection", "7", "--side", "client")]
    [InlineData(1, "is over", "--connection", "0", "--side", "client")]
    [InlineData(1, "was not finished (SYN-SENT)", "--connection", "0", "--side", "client", "--at", "0")]
    public void What_can_not_be_done_is_said_and_leaves_nothing(int code, string message, params string[] words)
    {
        CliResult result = CliProcess.Run(["checkpoint", "--from-capture", Bulk, "-o", Image, .. words]);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(Image));
    }

    [Fact]
    public void A_capture_without_TCP_and_one_that_is_none_are_told_apart()
    {
        string empty = Path.Combine(_root, "empty.pcapng");
        CliResult made = CliProcess.Run("read", Bulk, "-w", empty, "udp");
        Assert.True(made.ExitCode == 0, made.ToString());
        CliResult result = CliProcess.Run("checkpoint", "--from-capture", empty, "--connection", "0", "--side", "client", "-o", Image);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("the capture has no TCP connection", result.Error, StringComparison.Ordinal);
        File.WriteAllText(empty, "no capture");
        Assert.Equal(4, CliProcess.Run("checkpoint", "--from-capture", empty, "--connection", "0", "--side", "client", "-o", Image).ExitCode);
    }

    [Fact]
    public void A_capture_that_was_cut_short_is_good_as_far_as_it_goes()
    {
        string cut = Path.Combine(_root, "cut.pcapng");
        Assert.Equal(0, CliProcess.Run("read", Bulk, "-w", cut).ExitCode);
        using (FileStream file = File.OpenWrite(cut))
        {
            file.SetLength(file.Length / 2);
        }

        CliResult result = CliProcess.Run("checkpoint", "--from-capture", cut, "--connection", "0", "--side", "server", "-o", Image);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("the capture was cut short", result.Error, StringComparison.Ordinal);
        Assert.Contains("cut short", Assert.Single(SessionFiles.Read(Image).Warnings), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static int TextLength(HeldSessionPacket packet) =>
        Interceptor.Packets.PacketView.Parse(packet.IpPacket.Span, Interceptor.Packets.LinkType.Raw, packet.IpPacket.Length).PayloadLength;

    private static string EndOf(JsonElement connection, string side) =>
        $"{connection.GetProperty(side).GetProperty("address").GetString()}:{connection.GetProperty(side).GetProperty("port").GetInt32()}";
}
