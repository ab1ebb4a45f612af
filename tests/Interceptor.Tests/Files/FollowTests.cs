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

    private static Task<string?> ReadLine(Process process) => process.StandardOutput.ReadLineAsync().WaitAsync(Deadline);
}
