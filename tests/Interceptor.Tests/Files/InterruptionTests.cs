using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Files;

/// <summary>Ctrl-C and SIGTERM while the tool waits for its input: it ends at once, and tells what it read.</summary>
public sealed class InterruptionTests
{
    /// <summary>Number of poll(2) on x86-64; elsewhere the tests look for ppoll(2), which takes its place.</summary>
    private static readonly int PollCall = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? 7 : 73;

    /// <summary>So many that what is told of them fills a pipe several times.</summary>
    private const int Connections = 500;

    private static readonly byte[] Capture = File.ReadAllBytes(Path.Combine(ProjectPaths.OwnCaptures, "pcap-nanoseconds.pcap"));

    /// <summary>Two whole packets and half of the third.</summary>
    private static readonly int HalfOfTheThird = Capture.Length - 5;

    [Theory]
    [InlineData("read")]
    [InlineData("info")]
    [InlineData("tcp")]
    public void A_pipe_that_nobody_opened_is_waited_for_and_given_up_at_once(string command)
    {
        using var folder = new TemporaryFolder();
        string fifo = MakeFifo(folder);
        using RunningTool tool = RunningTool.Start(command, "--json", fifo);
        tool.AwaitSystemCall(PollCall);
        tool.Signal("TERM");
        CliResult result = tool.End();
        Assert.True(result.ExitCode == 130, result.ToString());
        Assert.Equal("interceptor: interrupted before there was a result.\n", result.Error);
        Assert.Equal("{\"type\":\"summary\",\"error\":\"interrupted before there was a result.\"}\n", result.Output);
    }

    [Theory]
    [InlineData("read", "INT")]
    [InlineData("info", "INT")]
    [InlineData("tcp", "INT")]
    [InlineData("tcp", "TERM")]
    public void What_a_pipe_gave_until_then_is_reported_and_half_a_packet_is_no_damage(string command, string signal)
    {
        using var folder = new TemporaryFolder();
        string fifo = MakeFifo(folder);
        using RunningTool tool = RunningTool.Start(command, "--json", fifo);
        using (FileStream writer = new(fifo, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
        {
            writer.Write(Capture.AsSpan(..HalfOfTheThird));
            for (int shown = 0; command == "read" && shown < 2; shown++)
            {
                Assert.StartsWith("{\"type\":\"packet\"", tool.ReadLine(), StringComparison.Ordinal);
            }

            tool.AwaitSystemCall(PollCall);
            tool.Signal(signal);
            CliResult result = tool.End();
            Assert.True(result.ExitCode == 0, result.ToString());
            using JsonDocument summary = JsonDocument.Parse(result.Lines[^1]);
            Assert.Equal(("summary", 2, true), (summary.RootElement.GetProperty("type").GetString(),
                summary.RootElement.GetProperty("packets").GetInt32(), summary.RootElement.GetProperty("interrupted").GetBoolean()));
            Assert.Contains("interrupted", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Standard_input_that_stays_silent_does_not_hold_the_tool()
    {
        using RunningTool tool = RunningTool.Start("tcp", "-");
        tool.Input.Write(Capture.AsSpan(..HalfOfTheThird));
        tool.Input.Flush();
        tool.AwaitSystemCall(PollCall);
        tool.Signal("INT");
        CliResult result = tool.End();
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("1 connection, 2 TCP segments, 2 packets", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_came_through_a_pipe_is_kept_in_the_file_that_was_written()
    {
        using var folder = new TemporaryFolder();
        using RunningTool tool = RunningTool.Start("read", "-", "-w", folder.File("out.pcap"));
        tool.Input.Write(Capture.AsSpan(..HalfOfTheThird));
        tool.Input.Flush();
        tool.AwaitSystemCall(PollCall);
        tool.Signal("INT");
        CliResult result = tool.End();
        Assert.True(result.ExitCode == 0, result.ToString());
        CaptureFileSummary written = CaptureFileSummary.Read(folder.File("out.pcap"));
        Assert.Equal((2L, null), (written.Packets, written.Error));
    }

    [Fact]
    public void A_copy_of_a_file_that_was_interrupted_leaves_the_old_file_as_it_was()
    {
        using var folder = new TemporaryFolder();
        string path = LongCapture(folder);
        byte[] old = [1, 2, 3];
        File.WriteAllBytes(folder.File("out.pcap"), old);
        using RunningTool tool = RunningTool.Start("read", path, "-w", folder.File("out.pcap"));
        Assert.True(SpinWait.SpinUntil(() => Directory.GetFiles(folder.Path, ".interceptor.*").Length == 1, TimeSpan.FromSeconds(30)));
        tool.Signal("TERM");
        CliResult result = tool.End();
        Assert.True(result.ExitCode == 130, result.ToString());
        Assert.Equal(old, File.ReadAllBytes(folder.File("out.pcap")));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public void A_second_signal_ends_a_reader_that_nobody_listens_to(string signal, int exitCode)
    {
        using var folder = new TemporaryFolder();
        using RunningTool tool = RunningTool.Start("read", LongCapture(folder));
        Assert.NotNull(tool.ReadLine());
        Assert.True(tool.SignalUntilEnd(signal) > 1, "One signal was enough: nothing waited.");
        Assert.Equal(exitCode, tool.End().ExitCode);
    }

    [Fact]
    public void A_second_signal_leaves_no_half_written_files_behind()
    {
        using var folder = new TemporaryFolder();
        string output = folder.File("streams");
        File.WriteAllBytes(folder.File("many.pcap"), TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), Enumerable.Range(1, Connections).Select(Segment)));

        // The connections are told before the streams get their names, and nobody reads what is told.
        using RunningTool tool = RunningTool.Start("tcp", "--json", folder.File("many.pcap"), "--extract", output);
        Assert.NotNull(tool.ReadLine());
        Assert.NotEmpty(Directory.GetFiles(output, ".*.part"));
        Assert.True(tool.SignalUntilEnd("TERM") > 1, "One signal was enough: nothing waited.");
        Assert.Equal(143, tool.End().ExitCode);
        Assert.Empty(Directory.GetFiles(output));
    }

    /// <summary>A segment with text of a connection for each port.</summary>
    private static StoredPacket Segment(int port)
    {
        byte[] segment = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4)
            .Tcp((ushort)port, 80, new SequenceNumber(1), new SequenceNumber(1), TcpFlags.Ack | TcpFlags.Psh).Payload("text"u8.ToArray()).ToArray();
        return TestPackets.Packet(segment.Length, TestPackets.SomeTime + port) with { Bytes = Convert.ToHexString(segment) };
    }

    private static string MakeFifo(TemporaryFolder folder)
    {
        string path = folder.File("fifo");
        ChildResult made = ChildProcess.Run(null, TimeSpan.FromSeconds(30), "mkfifo", path);
        Assert.True(made.ExitCode == 0, made.Error);
        return path;
    }

    /// <summary>A valid pcap of many millions of empty packets: zeros are records without a byte, and a sparse file of them takes no room.</summary>
    private static string LongCapture(TemporaryFolder folder)
    {
        string path = folder.File("long.pcap");
        using FileStream file = File.Create(path);
        file.Write(Capture.AsSpan(..24));
        file.SetLength(24 + (16L * 1024 * 1024 * 1024));
        return path;
    }
}
