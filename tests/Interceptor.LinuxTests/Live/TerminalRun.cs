using System.Diagnostics;
using System.Text;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>A command on a pseudo terminal of 100 x 20 characters, which util-linux's <c>script</c> makes; <c>interceptor</c> is the built tool. Disposing ends it.</summary>
internal sealed class TerminalRun : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly StringBuilder _seen = new();
    private readonly Process _process;

    internal TerminalRun(NetworkNamespace where, string command)
    {
        string script = $"stty rows 20 cols 100; interceptor() {{ dotnet '{CliProcess.AssemblyPath}' \"$@\"; }}; {command}; echo code $?; stty -a";
        _process = ChildProcess.Start(where, "env", "TERM=xterm", "SHELL=/bin/bash", "script", "-qec", script, "/dev/null");
    }

    /// <summary>Reads until a text was written, behind what was awaited before.</summary>
    internal async Task Await(string text)
    {
        var buffer = new char[4096];
        int found;
        long start = Stopwatch.GetTimestamp();
        while ((found = _seen.ToString().IndexOf(text, StringComparison.Ordinal)) < 0)
        {
            int length = await _process.StandardOutput.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken);
            Assert.True(length > 0 && Stopwatch.GetElapsedTime(start) < Deadline, $"'{text}' did not appear in: {_seen.ToString()[^Math.Min(_seen.Length, 4000)..]}");
            _seen.Append(buffer, 0, length);
        }

        _seen.Remove(0, found + text.Length);
    }

    internal async Task Press(string keys)
    {
        await _process.StandardInput.WriteAsync(keys);
        await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Presses keys that end it, and gives what comes behind them.</summary>
    internal async Task<string> Finish(string keys)
    {
        await Press(keys);
        string rest = await _process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        return rest;
    }

    /// <summary>The command ended with code 0, and the terminal is as a shell wants it.</summary>
    internal static void CheckEnd(string rest)
    {
        Assert.Contains("\x1b[?25h", rest, StringComparison.Ordinal);
        Assert.Contains("code 0", rest, StringComparison.Ordinal);
        string[] modes = rest[rest.LastIndexOf("code 0", StringComparison.Ordinal)..].Split([' ', ';', '\r', '\n']);
        Assert.Contains("icanon", modes);
        Assert.Contains("echo", modes);
        Assert.Contains("icrnl", modes);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
