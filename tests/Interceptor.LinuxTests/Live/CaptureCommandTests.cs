using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

public sealed class CaptureCommandTests : IDisposable
{
    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly string _directory = Directory.CreateTempSubdirectory("interceptor-test").FullName;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Packets_are_printed_as_they_come_and_interruption_ends_with_the_counts()
    {
        using var sender = new LoopbackSender(_lab.Client);
        using Process process = Start("capture", "-i", "lo", "--json", "udp", "dst", "port", Text(sender.Port));
        await AwaitListening(process);
        for (int i = 0; i < 3; i++)
        {
            sender.Send(i);
            sender.SendElsewhere(i);
            using JsonDocument packet = JsonDocument.Parse(await ReadLine(process));
            Assert.Equal("packet", packet.RootElement.GetProperty("type").GetString());
            Assert.Equal(i + 1, packet.RootElement.GetProperty("number").GetInt32());
            Assert.EndsWith($" > 127.0.0.1.{sender.Port}: UDP, length 4", packet.RootElement.GetProperty("summary").GetString(), StringComparison.Ordinal);
        }

        (int code, string output, string error) = await Interrupt(process);
        Assert.Equal(0, code);
        using JsonDocument summary = JsonDocument.Parse(output);
        Assert.Equal("summary", summary.RootElement.GetProperty("type").GetString());
        Assert.Equal(3, summary.RootElement.GetProperty("captured").GetInt32());
        Assert.Equal(3, summary.RootElement.GetProperty("received").GetInt32());
        Assert.Equal(6, summary.RootElement.GetProperty("seen_by_interface").GetInt32());
        Assert.Equal(3, summary.RootElement.GetProperty("filtered").GetInt32());
        Assert.Equal(0, summary.RootElement.GetProperty("left_unread").GetInt32());
        Assert.Equal(0, summary.RootElement.GetProperty("dropped_kernel").GetInt32());
        Assert.Equal(0, summary.RootElement.GetProperty("dropped_user").GetInt32());
        Assert.Contains("3 packets captured", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_holds_the_packets_and_the_counters_and_tcpdump_reads_it()
    {
        KernelTest.RequireTool("tcpdump");
        using var sender = new LoopbackSender(_lab.Client);
        string path = Path.Combine(_directory, "lo.pcapng");
        using Process process = Start("capture", "-i", "lo", "-c", "5", "-w", path, "udp", "dst", "port", Text(sender.Port));
        await AwaitListening(process);
        for (int i = 0; i < 5; i++)
        {
            sender.Send(i);
        }

        (int code, _, string error) = await End(process);
        Assert.True(code == 0, error);
        var numbers = new List<int>();
        using (CaptureFileReader reader = CaptureFile.OpenRead(path))
        {
            while (reader.TryRead(out CapturedPacket packet))
            {
                numbers.Add(BitConverter.ToInt32(packet.Data[^4..]));
            }

            CaptureInterface described = Assert.Single(reader.Interfaces);
            Assert.Equal("lo", described.Name);
            Assert.Equal(0, described.Dropped);
        }

        Assert.Equal([0, 1, 2, 3, 4], numbers);
        ChildResult listing = ChildProcess.Run(_lab.Client, "tcpdump", "-nn", "-r", path);
        Assert.Equal(5, listing.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task A_ring_keeps_the_last_files_and_each_is_whole()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string path = Path.Combine(_directory, "ring.pcapng");
        using Process process = Start("capture", "-i", "lo", "-c", "40", "-w", path, "-C", "1000B", "-W", "2", "udp", "dst", "port", Text(sender.Port));
        await AwaitListening(process);
        for (int i = 0; i < 40; i++)
        {
            sender.Send(i);
        }

        (int code, _, string error) = await End(process);
        Assert.True(code == 0, error);
        string[] files = [.. Directory.GetFiles(_directory).Order(StringComparer.Ordinal)];
        Assert.Equal(2, files.Length);
        var numbers = new List<int>();
        foreach (string file in files)
        {
            using CaptureFileReader reader = CaptureFile.OpenRead(file);
            while (reader.TryRead(out CapturedPacket packet))
            {
                numbers.Add(BitConverter.ToInt32(packet.Data[^4..]));
            }

            Assert.InRange(new FileInfo(file).Length, 1, 1300);
        }

        Assert.InRange(numbers.Count, 5, 30);
        Assert.Equal(Enumerable.Range(40 - numbers.Count, numbers.Count), numbers);
    }

    [Fact]
    public async Task A_pipe_is_written_as_packets_come()
    {
        using var sender = new LoopbackSender(_lab.Client);
        using Process process = Start("capture", "-i", "lo", "-c", "2", "-w", "-", "udp");
        await AwaitListening(process);
        sender.Send(1);
        sender.Send(2);
        using CaptureFileReader reader = CaptureFile.OpenRead(process.StandardOutput.BaseStream, "pipe");
        Assert.True(reader.TryRead(out CapturedPacket first));
        Assert.Equal(1, BitConverter.ToInt32(first.Data[^4..]));
        Assert.True(reader.TryRead(out CapturedPacket second));
        Assert.Equal(2, BitConverter.ToInt32(second.Data[^4..]));
        Assert.False(reader.TryRead(out _));
    }

    [Theory]
    [InlineData(1, "Interfaces here: lo, client0.", "-i", "nowhere0")]
    [InlineData(2, "syntax error", "-i", "lo", "tcp prot 80")]
    [InlineData(2, "-c wants a number above 0", "-i", "lo", "-c", "0")]
    [InlineData(2, "both take standard output", "-i", "lo", "-w", "-", "--json")]
    [InlineData(2, "-B wants a size", "-i", "lo", "-B", "4GiB")]
    [InlineData(2, "go with -w and the name of a file", "-i", "lo", "-G", "3")]
    [InlineData(2, "want more than 0", "-i", "lo", "-w", "x", "-C", "0")]
    [InlineData(2, "-s wants a number of bytes", "-i", "lo", "-s", "300000")]
    public void What_can_not_be_done_is_told_with_its_exit_code(int code, string message, params string[] arguments)
    {
        ChildResult result = ChildProcess.Run(_lab.Client, "dotnet", [CliProcess.AssemblyPath, "capture", .. arguments]);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(code, result.ExitCode);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void Interfaces_are_told_in_json()
    {
        ChildResult result = ChildProcess.Run(_lab.Client, "dotnet", CliProcess.AssemblyPath, "interfaces", "--json");
        Assert.Equal(0, result.ExitCode);
        JsonElement[] lines = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)];
        JsonElement link = Assert.Single(lines, static line => line.TryGetProperty("name", out JsonElement name) && name.GetString() == NetworkLab.ClientInterface);
        Assert.Equal("interface", link.GetProperty("type").GetString());
        Assert.Equal("EN10MB", link.GetProperty("link_type").GetString());
        Assert.Contains(link.GetProperty("addresses").EnumerateArray(), static address => address.GetString() == NetworkLab.ClientAddress);
        Assert.Equal("summary", lines[^1].GetProperty("type").GetString());
    }

    private Process Start(params string[] arguments) => ChildProcess.Start(_lab.Client, "dotnet", [CliProcess.AssemblyPath, .. arguments]);

    private static async Task AwaitListening(Process process)
    {
        string? line = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.StartsWith("listening on", line, StringComparison.Ordinal);
    }

    private static async Task<string> ReadLine(Process process) =>
        await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20))
        ?? throw new EndOfStreamException(await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));

    private static async Task<(int Code, string Output, string Error)> Interrupt(Process process)
    {
        ChildResult sent = ChildProcess.Run(null, TimeSpan.FromSeconds(5), "kill", "-INT", Text(process.Id));
        Assert.Equal(0, sent.ExitCode);
        return await End(process);
    }

    private static async Task<(int Code, string Output, string Error)> End(Process process)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation);
        Task<string> error = process.StandardError.ReadToEndAsync(cancellation);
        try
        {
            await process.WaitForExitAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(20), cancellation);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output, await error);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
