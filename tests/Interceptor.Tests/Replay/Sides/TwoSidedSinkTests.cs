using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Replay.Sides;
using Interceptor.Testing;
using Interceptor.Tests.Files;
using static Interceptor.Tests.Replay.Sides.SidePackets;

namespace Interceptor.Tests.Replay.Sides;

public sealed class TwoSidedSinkTests
{
    private static readonly byte[][] Exchange = [Syn("1:1000 > 2:80"), Segment("1:1000 > 2:80"), SynAck("2:80 > 1:1000"), Segment("1:1000 > 2:80"), Unparsable(8, 9)];

    [Theory]
    [InlineData(true, "CCSCC")]
    [InlineData(false, "CCCCS")]
    public void A_batch_of_one_side_waits_for_the_other_only_where_the_order_is_not_kept(bool keepsOrder, string sent)
    {
        var log = new List<char>();
        using var sink = new TwoSidedSink(new BatchingSink('C', log), new BatchingSink('S', log), keepsOrder);
        using var source = new SidedSource(CaptureFile.OpenRead(new MemoryStream(File(Exchange)), "memory"), SideTable.ForClientMacs([Mac(1), Mac(8)]));
        while (source.TryRead(out CapturedPacket packet))
        {
            sink.Write(in packet);
        }

        sink.Flush();
        Assert.Equal(sent, string.Concat(log));
        Assert.Equal((4, 1, 0), (sink.Client.Packets, sink.Server.Packets, sink.UnknownPackets));
    }

    [Fact]
    public void A_rehearsal_learns_writes_the_sides_and_shows_which_way_each_packet_goes()
    {
        using var folder = new TemporaryFolder();
        string capture = folder.File("in.pcapng");
        string sides = folder.File("sides.txt");
        string copy = folder.File("out.pcapng");
        System.IO.File.WriteAllBytes(capture, File([SynAck("2:80 > 1:1000"), .. Exchange]));
        CliResult result = CliProcess.Run("replay", capture, "--dry-run", "--sides", "auto", "--write-sides", sides, "-w", copy, "--json");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal((4, 2, 1), Counts(result));
        Assert.Contains("nothing told the side of 1 packets", result.Error, StringComparison.Ordinal);
        using (CaptureFileReader reader = CaptureFile.OpenRead(copy))
        {
            Assert.Equal([1, 0, 0, 1, 0, 0], TestPackets.ReadAll(reader).Select(packet => packet.InterfaceId));
            Assert.Equal(["client", "server"], reader.Interfaces.Select(each => each.Name!));
        }

        System.IO.File.AppendAllText(sides, "default server\n");
        result = CliProcess.Run("replay", capture, "--dry-run", "--sides", sides, "--json");
        Assert.Equal((3, 3, 0), Counts(result));
        result = CliProcess.Run(System.IO.File.ReadAllBytes(capture), ["replay", "-", "--dry-run", "--sides", "auto", "--json"]);
        Assert.Equal((4, 2, 1), Counts(result));
        Assert.Contains("can be read once", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.1", 3, 2)]
    [InlineData("198.51.100.0/24,192.0.2.2/31", 1, 4)]
    [InlineData("cidr:[192.0.2.1/32]", 3, 2)]
    [InlineData("02:00:00:00:00:02", 1, 4)]
    [InlineData("mac:02:00:00:00:00:02,02-00-00-00-00-08", 2, 3)]
    [InlineData("src host 192.0.2.2", 1, 4)]
    [InlineData("filter:src host 192.0.2.2", 1, 4)]
    public void The_sides_are_told_by_the_form_of_the_word(string word, int client, int server)
    {
        using var folder = new TemporaryFolder();
        string capture = folder.File("in.pcapng");
        System.IO.File.WriteAllBytes(capture, File(Exchange));
        CliResult result = CliProcess.Run("replay", capture, "--dry-run", "--sides", word, "--json");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal((client, server, 0), Counts(result));
    }

    [Theory]
    [InlineData(2, "two sides need two interfaces", "-i", "lo", "-I", "lo")]
    [InlineData(2, "needs two interfaces", "-i", "lo", "--sides", "auto")]
    [InlineData(2, "--write-sides needs two interfaces", "-i", "lo", "--write-sides", "x")]
    [InlineData(2, "and no filter", "--dry-run", "--sides", "no-such-file.txt")]
    [InlineData(2, "is no list of networks", "--dry-run", "--sides", "cidr:192.0.2")]
    [InlineData(2, "is no list of hardware addresses", "--dry-run", "--sides", "mac:02:00")]
    [InlineData(2, "an empty filter", "--dry-run", "--sides", "")]
    [InlineData(2, "needs the name of a file", "--dry-run", "--write-sides", "-")]
    [InlineData(2, "pcap has no interfaces", "--dry-run", "--sides", "auto", "-w", "x.pcap")]
    [InlineData(4, "can't be read", "--dry-run", "--sides", "file:no-such-file.txt")]
    public void What_makes_no_sense_is_told(int code, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        string capture = folder.File("in.pcapng");
        System.IO.File.WriteAllBytes(capture, File(Exchange));
        CliResult result = CliProcess.Run(["replay", capture, .. arguments]);
        Assert.True(result.ExitCode == code, result.ToString());
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    private static (int Client, int Server, int Unknown) Counts(CliResult result)
    {
        using JsonDocument summary = JsonDocument.Parse(result.Lines[^1]);
        JsonElement root = summary.RootElement;
        return (root.GetProperty("client_packets").GetInt32(), root.GetProperty("server_packets").GetInt32(), root.GetProperty("unknown_side_packets").GetInt32());
    }

    private static byte[] File(byte[][] packets) => TestPackets.WritePcapNg(packets.Select((packet, index) =>
        new StoredPacket(TestPackets.SomeTime + index, true, packet.Length, LinkType.Ethernet, 0, Convert.ToHexString(packet), default)));

    /// <summary>Sends when it is told to, as an injector does.</summary>
    private sealed class BatchingSink(char name, List<char> log) : IPacketSink
    {
        private int _gathered;

        public void Write(in CapturedPacket packet) => _gathered++;

        public void Flush()
        {
            log.AddRange(Enumerable.Repeat(name, _gathered));
            _gathered = 0;
        }

        public void Dispose()
        {
        }
    }
}
