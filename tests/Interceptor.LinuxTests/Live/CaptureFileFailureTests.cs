using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>Files that can't be written as asked: each is told, with its exit code, and nothing hangs.</summary>
public sealed class CaptureFileFailureTests : IDisposable
{
    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly string _directory = Directory.CreateTempSubdirectory("interceptor-test").FullName;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("a.pcapng", "")]
    [InlineData("a.pcapng", "--packets-per-file 20")]
    [InlineData("a.pcapng", "-C 30kB")]
    [InlineData("a.pcapng", "-C 30kB -W 10")]
    [InlineData("a.pcap.gz", "")]
    [InlineData("a.pcapng.zst", "")]
    public async Task A_full_disk_ends_the_capture_with_1_and_leaves_whole_packets(string name, string options)
    {
        using var sender = new LoopbackSender(_lab.Client);

        // The mount is of a namespace that goes with the shell, which copies what is left out of it.
        string script = $"""
            mount -t tmpfs -o size=64k none '{_directory}' && mkdir '{_directory}/full' && cd '{_directory}/full'
            dotnet '{CliProcess.AssemblyPath}' capture -i lo -w {name} {options} --json udp dst port {sender.Port}
            echo code $?
            for file in *; do dotnet '{CliProcess.AssemblyPath}' info "$file" --json; done
            """;
        using var shell = ChildProcess.Start(_lab.Client, "unshare", "-m", "sh", "-c", script);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string? line;
        do
        {
            line = await shell.StandardError.ReadLineAsync(cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(30), cancellation);
        }
        while (line is not null && !line.StartsWith("listening on", StringComparison.Ordinal));
        Assert.NotNull(line);
        Task<string> error = shell.StandardError.ReadToEndAsync(cancellation);
        Task<string> output = shell.StandardOutput.ReadToEndAsync(cancellation);
        var random = new Random(1);
        byte[] noise = new byte[1000];
        for (int i = 0; i < 400; i++)
        {
            random.NextBytes(noise);
            sender.Send(noise);
        }

        await shell.WaitForExitAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(60), cancellation);
        Assert.Contains(": can't be written: no space is left on the device", await error, StringComparison.Ordinal);
        Assert.Contains("packets captured", await error, StringComparison.Ordinal);
        string[] lines = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("code 1", lines);
        string[] captures = [.. lines.Where(static line => line.StartsWith("{\"type\":\"capture\"", StringComparison.Ordinal))];
        Assert.NotEmpty(captures);
        JsonElement summary = JsonDocument.Parse(lines.First(static line => line.StartsWith("{\"type\":\"summary\"", StringComparison.Ordinal))).RootElement;
        long captured = summary.GetProperty("captured").GetInt64();
        long lost = summary.GetProperty("not_written").GetInt64();
        long inFiles = captures.Sum(static capture => JsonDocument.Parse(capture).RootElement.GetProperty("packets").GetInt64());
        Assert.InRange(lost, 1, captured);
        Assert.Contains($"{lost} packet", await error, StringComparison.Ordinal);
        if (name.EndsWith(".pcapng", StringComparison.Ordinal))
        {
            Assert.All(captures, static capture => Assert.Contains("\"error\":null", capture, StringComparison.Ordinal));
            Assert.Equal(captured, inFiles + lost);
        }
        else
        {
            Assert.InRange(captured, inFiles, inFiles + lost);
        }
    }

    [Fact]
    public async Task A_fifo_that_nobody_reads_is_told_and_one_signal_ends_the_wait()
    {
        string fifo = MakeFifo();
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client, "-i", "lo", "-w", fifo);
        await run.AwaitErrorAsync($"waiting for a reader of {fifo}");
        run.Signal("TERM");
        (int code, _) = await run.EndAsync();
        Assert.Equal(130, code);
    }

    [Fact]
    public async Task A_reader_that_comes_later_gets_the_capture_from_its_begin_and_one_that_stalls_does_not_survive_the_second_signal()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string fifo = MakeFifo();
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client, "-i", "lo", "-w", fifo, "udp", "dst", "port", $"{sender.Port}");
        await run.AwaitErrorAsync("waiting for a reader");
        sender.Send(0);
        using FileStream reader = File.OpenRead(fifo);
        using CaptureFileReader capture = CaptureFile.OpenRead(reader, "the FIFO");
        Assert.True(capture.TryRead(out Packets.CapturedPacket first));
        Assert.Equal(0, BitConverter.ToInt32(first.Data[42..]));
        for (int i = 1; i < 2000; i++)
        {
            sender.Send(i, 1000);
        }

        run.Signal("USR1");
        await run.AwaitErrorAsync("packets received by filter");
        Task<(int Code, string[] Lines)> end = run.EndAsync();
        await run.SignalUntilAsync("TERM", end);
        Assert.Equal(143, (await end).Code);
    }

    [Theory]
    [InlineData("a.pcapng")]
    [InlineData("a.pcapng.gz")]
    [InlineData("a.pcap.zst")]
    public async Task A_key_that_is_held_down_leaves_a_whole_file(string name)
    {
        using var sender = new LoopbackSender(_lab.Client);
        string path = Path.Combine(_directory, name);
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client, "-i", "lo", "-w", path, "udp", "dst", "port", $"{sender.Port}");
        for (int i = 0; i < 500; i++)
        {
            sender.Send(i, 500);
        }

        await CaptureRun.AwaitPacketsAsync(path, 1);
        for (int i = 0; i < 4; i++)
        {
            run.Signal("TERM");
        }

        (int code, _) = await run.EndAsync();
        Assert.True(code == 0, run.Error);
        Assert.Null(CaptureRun.Read(path).Failure);
    }

    [Theory]
    [InlineData("missing/target", "it is a link to a file in a directory that does not exist")]
    [InlineData("a.pcapng", "it is a link that leads back to itself")]
    public void A_link_that_leads_nowhere_is_told_as_such(string target, string message)
    {
        string link = Path.Combine(_directory, "a.pcapng");
        File.CreateSymbolicLink(link, target);
        ChildResult result = ChildProcess.Run(_lab.Client, "dotnet", CliProcess.AssemblyPath, "capture", "-i", "lo", "-w", link);
        Assert.Contains($"a.pcapng: can't be written: {message}", result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public async Task A_name_with_conversions_is_told_to_be_taken_as_it_is_where_nothing_rotates()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string path = Path.Combine(_directory, "a-%H.pcapng");
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client, "-i", "lo", "-c", "1", "-w", path, "udp", "dst", "port", $"{sender.Port}");
        sender.Send(0);
        (int code, _) = await run.EndAsync();
        Assert.Equal(0, code);
        Assert.Contains("is taken as it is", run.Error, StringComparison.Ordinal);
        Assert.Equal([0], CaptureRun.Read(path).Numbers);
    }

    private string MakeFifo()
    {
        string path = Path.Combine(_directory, "fifo");
        Assert.Equal(0, ChildProcess.Run(_lab.Client, "mkfifo", path).ExitCode);
        return path;
    }

    [Theory]
    [InlineData("", "there is no such directory", 1, "missing/a.pcapng")]
    [InlineData("--every 1h", "there is no such directory", 1, "missing/a.pcapng")]
    [InlineData("-G 5 -W 2", "there is no such directory", 1, "missing/%H.pcapng.gz")]
    [InlineData("", "it is a directory", 1, ".")]
    [InlineData("--packets-per-file 5", "its name is too long", 1, "{long}")]
    [InlineData("-z nosuchprogram", "there is no program 'nosuchprogram' in the directories of PATH", 2, "a.pcapng")]
    [InlineData("-z ./nosuchprogram", "there is no program './nosuchprogram'", 2, "a.pcapng")]
    [InlineData("--every 7m", "--every wants a duration that divides a day", 2, "a.pcapng")]
    [InlineData("--every 1h", "'%Q' is no conversion", 2, "a-%Q.pcapng")]
    [InlineData("--keep 0", "want more than 0", 2, "a.pcapng")]
    [InlineData("--packets-per-file 0", "want more than 0", 2, "a.pcapng")]
    [InlineData("-C 10 --keep 5MB", "-C is more than --keep", 2, "a.pcapng")]
    [InlineData("-W 3", "-W goes with", 2, "a.pcapng")]
    [InlineData("--print-name", "go with -w and the name of a file", 2, "-")]
    public void What_can_not_be_written_is_told_with_its_exit_code(string options, string message, int code, string name)
    {
        name = name == "{long}" ? new string('a', 300) : name;
        ChildResult result = ChildProcess.Run(_lab.Client, "dotnet",
            [CliProcess.AssemblyPath, "capture", "-i", "lo", "-w", name == "-" ? name : Path.Combine(_directory, name), .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(code, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Empty(Directory.GetFileSystemEntries(_directory));
    }

    [Fact]
    public void A_directory_that_must_not_be_written_is_told_with_3()
    {
        string folder = Path.Combine(_directory, "shut");
        Directory.CreateDirectory(folder);
        Assert.Equal(0, ChildProcess.Run(_lab.Client, "chmod", "500", folder).ExitCode);

        // Root with the right to capture alone, and not to write where it may not.
        ChildResult result = ChildProcess.Run(_lab.Client, "setpriv", "--bounding-set=-all,+net_raw,+net_admin", "--inh-caps=-all", "--",
            "dotnet", CliProcess.AssemblyPath, "capture", "-i", "lo", "-w", Path.Combine(folder, "a.pcapng"));
        Assert.Contains("a.pcapng: can't be written: permission denied", result.Error, StringComparison.Ordinal);
        Assert.Equal(3, result.ExitCode);
    }

    [Fact]
    public async Task One_file_goes_through_a_link_at_its_name_and_a_rotation_s_goes_past_it()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string target = Path.Combine(_directory, "target.pcapng");
        string link = Path.Combine(_directory, "a.pcapng");
        string second = Path.Combine(_directory, "a-00001.pcapng");
        File.CreateSymbolicLink(link, target);
        File.CreateSymbolicLink(second, target);
        Assert.Equal([0], await CaptureOneAsync(sender, target, "-w", link));
        byte[] before = await File.ReadAllBytesAsync(target, TestContext.Current.CancellationToken);
        Assert.Equal([0], await CaptureOneAsync(sender, Path.Combine(_directory, "a-00002.pcapng"), "-w", link, "--packets-per-file", "9"));
        Assert.Equal(before, await File.ReadAllBytesAsync(target, TestContext.Current.CancellationToken));
    }

    private async Task<List<int>> CaptureOneAsync(LoopbackSender sender, string path, params string[] options)
    {
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client, ["-i", "lo", "-c", "1", .. options, "udp", "dst", "port", $"{sender.Port}"]);
        sender.Send(0, 4);
        (int code, _) = await run.EndAsync();
        Assert.True(code == 0, run.Error);
        return CaptureRun.Read(path).Numbers;
    }
}
