using System.Diagnostics;
using System.Globalization;
using System.Text;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>A running <c>interceptor capture</c> in a namespace; killed on disposal if it still runs.</summary>
internal sealed class CaptureRun : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly Process _process;
    private readonly StringBuilder _error = new();

    private CaptureRun(Process process) => _process = process;

    internal int Id => _process.Id;

    /// <summary>What it wrote to standard error so far.</summary>
    internal string Error => _error.ToString();

    /// <summary>Starts it and returns when it listens.</summary>
    internal static async Task<CaptureRun> StartAsync(NetworkNamespace where, params IEnumerable<string> arguments)
    {
        var run = new CaptureRun(ChildProcess.Start(where, "dotnet", [CliProcess.AssemblyPath, "capture", .. arguments]));
        await run.AwaitErrorAsync("listening on");
        return run;
    }

    /// <summary>The next line of standard output; null at its end.</summary>
    internal async Task<string?> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Deadline);

    /// <summary>The next line of standard error that contains a text.</summary>
    internal async Task<string> AwaitErrorAsync(string text)
    {
        while (await _process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Deadline) is { } line)
        {
            _error.AppendLine(line);
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new EndOfStreamException($"'{text}' did not come on standard error: {_error}");
    }

    internal void Signal(string name)
    {
        ChildResult sent = ChildProcess.Run(null, TimeSpan.FromSeconds(5), "kill", $"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture));
        Assert.True(sent.ExitCode == 0 || _process.HasExited, sent.Error);
    }

    /// <summary>Sends a signal again and again until something happened: of two that come at once the kernel may make one.</summary>
    internal async Task SignalUntilAsync(string name, Task happened)
    {
        while (!happened.IsCompleted)
        {
            Signal(name);
            await Task.WhenAny(happened, Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken));
        }

        await happened;
    }

    /// <summary>Waits for its end.</summary>
    internal async Task<(int Code, string[] Lines)> EndAsync()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Task<string> output = _process.StandardOutput.ReadToEndAsync(cancellation);
        Task<string> error = _process.StandardError.ReadToEndAsync(cancellation);
        await _process.WaitForExitAsync(cancellation).WaitAsync(Deadline, cancellation);
        _error.Append(await error);
        return (_process.ExitCode, (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Waits until a file that is still written, or not even made, holds so many packets.</summary>
    internal static async Task AwaitPacketsAsync(string path, int count)
    {
        using var late = new CancellationTokenSource(Deadline);
        await Task.Run(() =>
        {
            while (!File.Exists(path))
            {
                late.Token.ThrowIfCancellationRequested();
                Thread.Yield();
            }

            using CaptureFileReader reader = CaptureFile.OpenFollowing(path, late.Token);
            for (int i = 0; i < count; i++)
            {
                Assert.True(reader.TryRead(out _), $"{path} has {i} packets, not {count}.");
            }
        });
    }

    /// <summary>The numbers of <see cref="LoopbackSender"/> in a file, and what ended it.</summary>
    internal static (List<int> Numbers, CaptureFileException? Failure) Read(string path)
    {
        var numbers = new List<int>();
        try
        {
            using CaptureFileReader reader = CaptureFile.OpenRead(path);
            while (reader.TryRead(out CapturedPacket packet))
            {
                numbers.Add(BitConverter.ToInt32(packet.Data[42..]));
            }
        }
        catch (CaptureFileException failure)
        {
            return (numbers, failure);
        }

        return (numbers, null);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
