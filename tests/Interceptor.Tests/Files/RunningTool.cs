using System.Diagnostics;
using System.Globalization;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

/// <summary>The tool while it runs: what it printed so far, and the signals that a person sends it. Ends with the test, whatever happens.</summary>
internal sealed class RunningTool : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Task<string> _error;

    private RunningTool(ProcessStartInfo info)
    {
        _process = Process.Start(info)!;
        _error = _process.StandardError.ReadToEndAsync();
    }

    internal Stream Input => _process.StandardInput.BaseStream;

    internal static RunningTool Start(params string[] arguments) => new(CliProcess.StartInfo(arguments));

    internal string? ReadLine() => _process.StandardOutput.ReadLineAsync().WaitAsync(Deadline).GetAwaiter().GetResult();

    internal void Signal(string name) =>
        Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();

    /// <summary>Waits until the tool has this many threads waiting in a system call of this number, as the kernel tells it; fails after a while.</summary>
    internal void AwaitSystemCall(int number)
    {
        string tasks = string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/task");
        string start = string.Create(CultureInfo.InvariantCulture, $"{number} ");
        string main = string.Create(CultureInfo.InvariantCulture, $"{tasks}/{_process.Id}/syscall");
        Assert.True(SpinWait.SpinUntil(() => File.ReadAllText(main).StartsWith(start, StringComparison.Ordinal), Deadline), $"It never waited in call {number}.");
    }

    /// <summary>Sends the signal until the tool ends, and gives how often.</summary>
    internal int SignalUntilEnd(string name)
    {
        int sent = 0;
        var watch = Stopwatch.StartNew();
        do
        {
            Assert.True(watch.Elapsed < Deadline, "It did not end.");
            Signal(name);
            sent++;
        }
        while (!_process.WaitForExit(200));
        return sent;
    }

    /// <summary>What it left, once it ended; fails if it does not.</summary>
    internal CliResult End()
    {
        string output = _process.StandardOutput.ReadToEndAsync().WaitAsync(Deadline).GetAwaiter().GetResult();
        Assert.True(_process.WaitForExit(Deadline), "It did not end.");
        return new CliResult(_process.ExitCode, output, _error.WaitAsync(Deadline).GetAwaiter().GetResult());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
