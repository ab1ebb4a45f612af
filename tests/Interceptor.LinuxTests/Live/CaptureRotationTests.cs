using System.Globalization;
using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>Rotation with real traffic and the real clock: the built tool in a namespace, and what it leaves on the disk.</summary>
public sealed class CaptureRotationTests : IDisposable
{
    private const int SizeLimit = 3000;
    private const int PacketLimit = 12;
    private const int RingFiles = 3;
    private const int Budget = 20_000;
    private const int BudgetFile = Budget / 10;
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan Clock = TimeSpan.FromSeconds(2);

    private static readonly Dictionary<string, string[]> Options = new()
    {
        ["size"] = ["-C", $"{SizeLimit}B"],
        ["duration"] = ["-G", "700ms"],
        ["clock"] = ["--every", "2s"],
        ["packets"] = ["--packets-per-file", "12"],
        ["ring"] = ["-W", "3"],
        ["budget"] = ["--keep", $"{Budget}B"],
    };

    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly string _directory = Directory.CreateTempSubdirectory("interceptor-test").FullName;
    private int _sent;

    /// <summary>Every pair of conditions and of ways to keep files; a ring by itself begins no file.</summary>
    public static TheoryData<string, string> Pairs
    {
        get
        {
            var pairs = new TheoryData<string, string>();
            string[] all = [.. Options.Keys];
            for (int first = 0; first < all.Length; first++)
            {
                for (int second = first + 1; second < all.Length; second++)
                {
                    pairs.Add(all[first], all[second]);
                }
            }

            return pairs;
        }
    }

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Each_condition_of_a_pair_ends_files_and_nothing_is_lost_between_them(string first, string second)
    {
        using var sender = new LoopbackSender(_lab.Client);
        HashSet<string> conditions = [first, second];
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client,
            ["-i", "lo", "-w", Path.Combine(_directory, "a.pcapng"), "--print-name", "--json", .. Options[first], .. Options[second], "udp", "dst", "port", $"{sender.Port}"]);
        var files = new List<JsonElement>();
        foreach (string reason in ReasonsOf(conditions))
        {
            for (int round = 0; files.All(file => file.GetProperty("reason").GetString() != reason); round++)
            {
                Assert.True(round < 30, $"No file ended by its {reason}: {string.Join('\n', files)}");
                Send(sender, reason switch { "size" => 4, "packets" => PacketLimit, _ => 1 }, reason == "size" ? 1000 : 4);
                files.Add(JsonDocument.Parse(await run.ReadLineAsync() ?? throw new EndOfStreamException(run.Error)).RootElement);
            }
        }

        // What follows fills further files, for those that are to be deleted.
        for (int more = 0; more < 8; more++)
        {
            Send(sender, 4, 1000);
        }

        AwaitLast();
        run.Signal("INT");
        (int code, string[] lines) = await run.EndAsync();
        Assert.True(code == 0, run.Error);
        files.AddRange(lines[..^1].Select(static line => JsonDocument.Parse(line).RootElement));
        Check(files, conditions);
    }

    [Theory]
    [InlineData("a.pcapng", "tcpdump -nnr")]
    [InlineData("a.pcap", "tcpdump -nnr")]
    [InlineData("a.pcapng.gz", "gzip -t")]
    [InlineData("a.pcapng.zst", "zstd -qt")]
    public async Task Sigkill_leaves_every_closed_file_whole_and_the_open_one_readable_up_to_its_last_block(string name, string check)
    {
        string[] tool = check.Split(' ');
        KernelTest.RequireTool(tool[0]);
        using var sender = new LoopbackSender(_lab.Client);
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client,
            "-i", "lo", "-w", Path.Combine(_directory, name), "--packets-per-file", "50", "--print-name", "udp", "dst", "port", $"{sender.Port}");
        Send(sender, 207, 300);
        var closed = new List<string>();
        for (int i = 0; i < 4; i++)
        {
            closed.Add(await run.ReadLineAsync() ?? throw new EndOfStreamException(run.Error));
        }

        string open = Path.Combine(_directory, name.Replace("a.", "a-00005.", StringComparison.Ordinal));
        await CaptureRun.AwaitPacketsAsync(open, 7);
        run.Signal("KILL");
        await run.EndAsync();
        var numbers = new List<int>();
        foreach (string path in closed)
        {
            (List<int> inFile, Capture.CaptureFileException? failure) = CaptureRun.Read(path);
            Assert.Null(failure);
            Assert.Equal(50, inFile.Count);
            numbers.AddRange(inFile);
            ChildResult result = ChildProcess.Run(_lab.Client, tool[0], [.. tool[1..], path]);
            Assert.True(result.ExitCode == 0, result.Error);
        }

        numbers.AddRange(CaptureRun.Read(open).Numbers);
        Assert.Equal(Enumerable.Range(0, 207), numbers);
    }

    [Fact]
    public async Task Sighup_begins_a_further_file_sigusr1_tells_the_counts_and_sigusr2_makes_a_compressed_file_whole()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string path = Path.Combine(_directory, "a.pcapng.gz");
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client, "-i", "lo", "-w", path, "--print-name", "udp", "dst", "port", $"{sender.Port}");
        Send(sender, 3, 4);
        await CaptureRun.AwaitPacketsAsync(path, 3);
        run.Signal("USR1");
        await run.AwaitErrorAsync("packets received by filter");
        run.Signal("USR2");
        long deadline = Environment.TickCount64 + 30_000;
        while (CaptureRun.Read(path).Failure is not null)
        {
            Assert.True(Environment.TickCount64 < deadline, "SIGUSR2 did not make the file whole.");
            Thread.Yield();
        }

        run.Signal("HUP");
        Assert.Equal(path, await run.ReadLineAsync());
        Assert.Equal([0, 1, 2], CaptureRun.Read(path).Numbers);
        string moved = Path.Combine(_directory, "moved");
        File.Move(path, moved);
        Send(sender, 2, 4);
        await CaptureRun.AwaitPacketsAsync(path, 2);
        run.Signal("HUP");
        Assert.Equal(path, await run.ReadLineAsync());
        Send(sender, 1, 4);
        string further = Path.Combine(_directory, "a-00002.pcapng.gz");
        await CaptureRun.AwaitPacketsAsync(further, 1);
        run.Signal("TERM");
        (int code, string[] lines) = await run.EndAsync();
        Assert.True(code == 0, run.Error);
        Assert.Equal([further], lines);
        Assert.Equal([3, 4], CaptureRun.Read(path).Numbers);
        Assert.Equal([5], CaptureRun.Read(further).Numbers);
    }

    [Fact]
    public async Task A_silent_time_ends_a_file_and_makes_none()
    {
        using var sender = new LoopbackSender(_lab.Client);
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client,
            "-i", "lo", "-w", Path.Combine(_directory, "a.pcapng"), "-G", "300ms", "--print-name", "udp", "dst", "port", $"{sender.Port}");

        // The first file's time may be over before the packet comes; then it is deleted.
        Send(sender, 1, 4);
        string first = await run.ReadLineAsync() ?? throw new EndOfStreamException(run.Error);
        Assert.Equal("a-00001.pcapng", Path.GetFileName(first));
        Assert.Equal([0], CaptureRun.Read(first).Numbers);
        Assert.Equal([first], Directory.GetFiles(_directory));
        run.Signal("INT");
        (int code, string[] lines) = await run.EndAsync();
        Assert.True(code == 0, run.Error);
        Assert.Empty(lines);
        Assert.Equal([first], Directory.GetFiles(_directory));
    }

    [Fact]
    public async Task A_command_runs_on_each_closed_file_and_its_failure_is_told_with_its_code()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string script = Path.Combine(_directory, "command");
        await File.WriteAllTextAsync(script, "#!/bin/sh\necho \"$1|$2|${3##*/}\"\n[ \"${3##*/}\" = a-00001.pcapng ] || exit 7\nmv \"$3\" \"$3.done\"\n", TestContext.Current.CancellationToken);
        Assert.Equal(0, ChildProcess.Run(_lab.Client, "chmod", "500", script).ExitCode);
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client,
            "-i", "lo", "-w", Path.Combine(_directory, "a.pcapng"), "--packets-per-file", "2", "-z", $"{script} 'x y; $HOME' ''", "-c", "4", "udp", "dst", "port", $"{sender.Port}");
        Send(sender, 4, 4);
        (int code, string[] lines) = await run.EndAsync();
        Assert.True(code == 0, run.Error);
        Assert.Empty(lines);
        Assert.Contains("x y; $HOME||a-00001.pcapng", run.Error, StringComparison.Ordinal);
        Assert.Contains("a-00002.pcapng: ended with exit code 7.", run.Error, StringComparison.Ordinal);
        Assert.Equal([0, 1], CaptureRun.Read(Path.Combine(_directory, "a-00001.pcapng.done")).Numbers);
        Assert.Equal([2, 3], CaptureRun.Read(Path.Combine(_directory, "a-00002.pcapng")).Numbers);
    }

    [Fact]
    public async Task A_second_signal_waits_no_longer_for_commands_that_hang()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string gate = Path.Combine(_directory, "gate");
        Assert.Equal(0, ChildProcess.Run(_lab.Client, "mkfifo", gate).ExitCode);
        using CaptureRun run = await CaptureRun.StartAsync(_lab.Client,
            "-i", "lo", "-w", Path.Combine(_directory, "a.pcapng"), "--packets-per-file", "1", "--print-name", "-z", $"sh -c 'echo begun; read line <{gate}'", "udp", "dst", "port", $"{sender.Port}");
        Send(sender, 6, 4);
        for (int i = 0; i < 6; i++)
        {
            Assert.NotNull(await run.ReadLineAsync());
        }

        for (int i = 0; i < 4; i++)
        {
            await run.AwaitErrorAsync("begun");
        }

        await run.SignalUntilAsync("TERM", run.AwaitErrorAsync("4 commands still run and are left to themselves, 2 were not run."));
        await File.OpenWrite(gate).DisposeAsync(); // Those who read it come to its end, and let standard error go.
        (int code, _) = await run.EndAsync();
        Assert.True(code == 0, run.Error);
    }

    [Fact]
    public async Task On_a_terminal_a_file_s_name_does_not_stand_behind_the_progress()
    {
        using var sender = new LoopbackSender(_lab.Client);
        string path = Path.Combine(_directory, "a.pcapng");
        string command = $"dotnet '{CliProcess.AssemblyPath}' capture -i lo -w '{path}' --print-name -c 1 udp dst port {sender.Port}";
        using System.Diagnostics.Process script = ChildProcess.Start(_lab.Client, "env", "TERM=xterm", "SHELL=/bin/bash", "script", "-qec", command, "/dev/null");
        var seen = new System.Text.StringBuilder();
        await ReadUntilAsync("0 packets captured, none dropped");
        Send(sender, 1, 4);
        await ReadUntilAsync($"{path}\r\n");
        Assert.Contains($"\r\x1b[K{path}", seen.ToString(), StringComparison.Ordinal);
        await script.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        async Task ReadUntilAsync(string text)
        {
            char[] buffer = new char[4096];
            while (!seen.ToString().Contains(text, StringComparison.Ordinal))
            {
                int read = await script.StandardOutput.ReadAsync(buffer.AsMemory(), TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
                Assert.True(read > 0, seen.ToString());
                seen.Append(buffer, 0, read);
            }
        }
    }

    private void Send(LoopbackSender sender, int count, int length)
    {
        for (int i = 0; i < count; i++)
        {
            sender.Send(_sent++, length);
        }
    }

    /// <summary>What is still in the kernel when the capture is stopped is not in the file: waits until the last packet is.</summary>
    private void AwaitLast()
    {
        long deadline = Environment.TickCount64 + 30_000;
        while (!CaptureRun.Read(Directory.GetFiles(_directory).Order(StringComparer.Ordinal).Last()).Numbers.Contains(_sent - 1))
        {
            Assert.True(Environment.TickCount64 < deadline, "The last packet did not come.");
            Thread.Yield();
        }
    }

    private static IEnumerable<string> ReasonsOf(HashSet<string> conditions) =>
        conditions.Select(static condition => condition == "budget" ? "size" : condition).Where(static reason => reason != "ring").Distinct();

    private void Check(List<JsonElement> files, HashSet<string> conditions)
    {
        string[] there = [.. Directory.GetFiles(_directory).Order(StringComparer.Ordinal)];
        string[] told = [.. files.Select(static file => file.GetProperty("file").GetString()!)];
        if (!conditions.Contains("ring") && !conditions.Contains("budget"))
        {
            Assert.Equal(told, there);
        }

        Assert.Equal(told[^there.Length..], there);
        if (conditions.Contains("ring"))
        {
            Assert.InRange(there.Length, 1, RingFiles);
        }

        if (conditions.Contains("budget"))
        {
            Assert.InRange(there.Sum(static path => new FileInfo(path).Length), 1, Budget);
            Assert.True(there.Length < told.Length, "No file was deleted.");
        }

        var numbers = new List<int>();
        for (int i = 0; i < there.Length; i++)
        {
            (List<int> inFile, Capture.CaptureFileException? failure) = CaptureRun.Read(there[i]);
            Assert.Null(failure);
            JsonElement file = files[told.Length - there.Length + i];
            Assert.Equal(file.GetProperty("packets").GetInt32(), inFile.Count);
            Assert.Equal(file.GetProperty("bytes").GetInt64(), new FileInfo(there[i]).Length);
            numbers.AddRange(inFile);
            CheckLimits(there[i], conditions);
        }

        Assert.Equal(Enumerable.Range(_sent - numbers.Count, numbers.Count), numbers);
    }

    /// <summary>No file is longer than each condition allows, by one packet and the counters at most.</summary>
    private static void CheckLimits(string path, HashSet<string> conditions)
    {
        const int OnePacketAndTheCounters = 1300;
        CaptureFileSummary summary = CaptureFileSummary.Read(path);
        long size = conditions.Contains("size") ? SizeLimit : conditions.Contains("budget") ? BudgetFile : long.MaxValue - OnePacketAndTheCounters;
        Assert.InRange(new FileInfo(path).Length, 1, size + OnePacketAndTheCounters);
        Assert.InRange(summary.Packets, 1, conditions.Contains("packets") ? PacketLimit : long.MaxValue);
        CaptureTimestamp first = summary.Earliest!.Value;
        CaptureTimestamp last = summary.Latest!.Value;
        if (conditions.Contains("duration"))
        {
            Assert.InRange(last - first, 0, (long)Duration.TotalNanoseconds);
        }

        if (conditions.Contains("clock"))
        {
            Assert.True(last < ClockBoundary.Next(first, Clock, TimeZoneInfo.Local), string.Create(CultureInfo.InvariantCulture, $"{first} and {last} are in one file."));
        }
    }
}
