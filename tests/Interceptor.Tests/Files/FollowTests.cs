using System.Diagnostics;
using System.Globalization;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

public sealed class FollowTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private static readonly byte[] Capture = File.ReadAllBytes(Path.Combine(ProjectPaths.OwnCaptures, "pcap-nanoseconds.pcap"));

    private static readonly int FirstRecordEnd = 24 + 16 + BitConverter.ToInt32(Capture, 24 + 8);

    [Fact]
    public async Task A_growing_file_is_followed_through_half_written_packets_until_it_is_interrupted()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("growing.pcap");
        await File.WriteAllBytesAsync(path, Capture[..(FirstRecordEnd + 20)], TestContext.Current.CancellationToken);
        using Process process = Process.Start(CliProcess.StartInfo("read", "--follow", path))!;
        Assert.Contains("192.0.2.1.49152 > 192.0.2.2.80: Flags [S]", await ReadLine(process), StringComparison.Ordinal);
        await using (FileStream file = new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Write(Capture.AsSpan((FirstRecordEnd + 20)..^5));
        }

        Assert.Contains("192.0.2.2.80 > 192.0.2.1.49152: Flags [S.]", await ReadLine(process), StringComparison.Ordinal);
        Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
        Assert.Null(await ReadLine(process));
        Assert.Equal("", await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.True(process.WaitForExit(Deadline));
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task Packets_from_a_pipe_are_printed_as_they_come()
    {
        using Process process = Process.Start(CliProcess.StartInfo("read", "-"))!;
        Stream input = process.StandardInput.BaseStream;
        input.Write(Capture.AsSpan(..FirstRecordEnd));
        input.Flush();
        Assert.Contains("Flags [S]", await ReadLine(process), StringComparison.Ordinal);
        input.Write(Capture.AsSpan(FirstRecordEnd..));
        input.Flush();
        Assert.Contains("Flags [S.]", await ReadLine(process), StringComparison.Ordinal);
        Assert.Contains("Flags [.]", await ReadLine(process), StringComparison.Ordinal);
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(Deadline));
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public void Standard_input_is_not_followed()
    {
        CliResult result = CliProcess.Run(Capture, ["read", "-f", "-"]);
        Assert.True(result is { ExitCode: 2, Output: "" }, result.ToString());
    }

    [Theory]
    [InlineData("cut", "was cut to 24 bytes while it was followed")]
    [InlineData("deleted", "was deleted or renamed while it was followed")]
    [InlineData("replaced", "was replaced while it was followed")]
    public void A_file_that_can_grow_no_more_ends_with_the_reason(string what, string reason)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("growing.pcap");
        File.WriteAllBytes(path, Capture[..FirstRecordEnd]);
        using RunningTool tool = RunningTool.Start("read", "--json", "-f", path);
        Assert.Contains("Flags [S]", tool.ReadLine(), StringComparison.Ordinal);
        switch (what)
        {
            case "cut":
                using (FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                {
                    file.SetLength(24);
                }

                break;
            case "deleted":
                File.Delete(path);
                break;
            default:
                File.WriteAllBytes(folder.File("new.pcap"), Capture);
                File.Move(folder.File("new.pcap"), path, overwrite: true);
                break;
        }

        CliResult result = tool.End();
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
        Assert.StartsWith("{\"type\":\"summary\",\"packets\":1,", result.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_followed_pipe_waits_for_its_next_writer()
    {
        using var folder = new TemporaryFolder();
        string fifo = folder.File("fifo");
        Assert.Equal(0, ChildProcess.Run(null, Deadline, "mkfifo", fifo).ExitCode);
        using RunningTool tool = RunningTool.Start("read", "-f", fifo, "-c", "3");
        int thirdRecord = FirstRecordEnd + 16 + BitConverter.ToInt32(Capture, FirstRecordEnd + 8);
        foreach (byte[] part in (byte[][])[Capture[..(FirstRecordEnd + 20)], Capture[(FirstRecordEnd + 20)..thirdRecord], Capture[thirdRecord..]])
        {
            // Opening waits for the reader, and closing is what the reader must get over.
            using FileStream writer = new(fifo, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            writer.Write(part);
        }

        CliResult result = tool.End();
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(3, result.Lines.Length);
    }

    private static Task<string?> ReadLine(Process process) => process.StandardOutput.ReadLineAsync().WaitAsync(Deadline);
}
