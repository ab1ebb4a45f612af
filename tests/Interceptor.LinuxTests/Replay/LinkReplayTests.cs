using Interceptor.Capture.Files;
using Interceptor.Capture.Injection;
using Interceptor.LinuxTests.Live;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>Captures replayed over a link, seen by tcpdump on the other side.</summary>
public sealed class LinkReplayTests
{
    private const string SourceMac = "02:00:5e:00:53:01";
    private const int Packets = 200;
    private const long Gap = 2_000_000;

    [Fact]
    public void The_other_side_sees_the_same_packets_in_order_and_never_early()
    {
        KernelTest.RequireTool("tcpdump");
        using var folder = new CaptureFolder();
        List<byte[]> frames = WriteCapture(folder.Sent);
        using NetworkLab lab = NetworkLab.Create();
        using LinkRecording recording = Record(lab, folder.Seen);
        using LinkInjector injector = lab.Client.Run(() => LinkInjector.Open(NetworkLab.ClientInterface));
        var options = new ReplayOptions { Accepts = injector.Accepts };
        ReplayReport report = new PacketReplayer(injector, options).Run(() => CaptureFile.OpenRead(folder.Sent), TestContext.Current.CancellationToken);

        Assert.Equal((Packets, 0), (report.Packets, report.Failed));
        Assert.Equal(frames.Sum(frame => (long)frame.Length), report.Bytes);
        Assert.Equal(Packets, report.Timing.Count);
        Assert.True(report.ElapsedNanoseconds >= (Packets - 1) * Gap, $"{report.ElapsedNanoseconds} ns are too few.");
        Assert.True(report.Timing.Percentile(0.5) < 1_000_000_000, $"the median error is {report.Timing.Percentile(0.5)} ns.");
        (List<byte[]> seen, long span) = recording.ReadAll();
        Assert.Equal(frames, seen);
        Assert.True(span >= (Packets - 1) * Gap / 2, $"the packets came within {span} ns.");
    }

    [Fact]
    public async Task Keys_of_a_terminal_send_a_packet_each_or_as_many_as_their_number()
    {
        KernelTest.RequireTool("script");
        using var folder = new CaptureFolder();
        WriteCapture(folder.Sent);
        using NetworkLab lab = NetworkLab.Create();
        using var terminal = new TerminalRun(lab.Client, $"interceptor replay {folder.Sent} -i {NetworkLab.ClientInterface} --step");
        await terminal.Await("q ends.");
        await terminal.Press(" n12\r");
        string rest = await terminal.Finish("q");
        Assert.Contains("Actual: 14 packets", rest, StringComparison.Ordinal);
        Assert.Contains("code 0", rest, StringComparison.Ordinal);
        Assert.Contains(" icanon", rest[rest.LastIndexOf("code 0", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_replays_at_top_speed_and_tells_what_it_did()
    {
        KernelTest.RequireTool("tcpdump");
        using var folder = new CaptureFolder();
        List<byte[]> frames = WriteCapture(folder.Sent);
        using NetworkLab lab = NetworkLab.Create();
        using LinkRecording recording = Record(lab, folder.Seen);
        CliResult result = lab.Client.Run(() => CliProcess.Run("replay", folder.Sent, "-i", NetworkLab.ClientInterface, "--top-speed", "--json"));
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("\"packets\":200,", Assert.Single(result.Lines), StringComparison.Ordinal);
        Assert.Equal(frames, recording.ReadAll().Frames);
    }

    private static List<byte[]> WriteCapture(string path)
    {
        var frames = new List<byte[]>();
        using CaptureFileWriter writer = CaptureFile.Create(path);
        for (int i = 0; i < Packets; i++)
        {
            // An experimental EtherType (IEEE 802, 88b5), so that nobody answers; lengths up to the MTU.
            byte[] frame = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, .. Convert.FromHexString(SourceMac.Replace(":", "", StringComparison.Ordinal)), 0x88, 0xB5,
                .. Enumerable.Range(0, 46 + (i * 7)).Select(at => (byte)(at + i))];
            frames.Add(frame);
            writer.Write(new CapturedPacket(frame, new PacketMetadata
            {
                Timestamp = new CaptureTimestamp(1_700_000_000_000_000_000 + (i * Gap)),
                HasTimestamp = true,
                OriginalLength = frame.Length,
                LinkType = LinkType.Ethernet,
            }));
        }

        return frames;
    }

    private static LinkRecording Record(NetworkLab lab, string path) =>
        new(lab.Server, NetworkLab.ServerInterface, path, Packets, "ether", "src", SourceMac);

    private sealed class CaptureFolder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("interceptor-test-").FullName;

        internal string Sent => Path.Combine(_path, "sent.pcap");

        internal string Seen => Path.Combine(_path, "seen.pcap");

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
