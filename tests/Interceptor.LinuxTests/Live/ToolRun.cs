using System.Diagnostics;
using System.Globalization;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>The built tool while it captures, started in a namespace with a program before it, as setpriv. Disposing ends it.</summary>
internal sealed class ToolRun : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly Process _process;
    private readonly List<string> _said = [];

    internal ToolRun(NetworkNamespace where, string[] prefix, params string[] arguments)
        : this(where, [.. prefix, "dotnet", CliProcess.AssemblyPath, .. arguments])
    {
    }

    /// <summary>With a command that starts it in another way.</summary>
    internal ToolRun(NetworkNamespace where, string[] command) => _process = ChildProcess.Start(where, command[0], command[1..]);

    internal int Pid => _process.Id;

    /// <summary>Reads standard error up to a line that begins with a text; fails with what was said if the tool ends before.</summary>
    internal void AwaitLine(string start)
    {
        while (true)
        {
            string line = Read(_process.StandardError)
                ?? throw new InvalidOperationException($"It ended without '{start}': {string.Join('\n', _said)}");
            _said.Add(line);
            if (line.StartsWith(start, StringComparison.Ordinal))
            {
                return;
            }
        }
    }

    /// <summary>The next line of standard output; null at its end.</summary>
    internal string? ReadOutput() => Read(_process.StandardOutput);

    /// <summary>Asks it to end (SIGTERM), and waits.</summary>
    internal CliResult Stop()
    {
        ChildProcess.Run(null, Deadline, "kill", "-TERM", _process.Id.ToString(CultureInfo.InvariantCulture));
        return AwaitEnd();
    }

    /// <summary>Waits until it ends by itself.</summary>
    internal CliResult AwaitEnd()
    {
        Task<string> output = _process.StandardOutput.ReadToEndAsync();
        Task<string> error = _process.StandardError.ReadToEndAsync();
        if (!_process.WaitForExit(Deadline))
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"It did not end: {string.Join('\n', _said)}");
        }

        return new CliResult(_process.ExitCode, output.GetAwaiter().GetResult(), string.Join('\n', [.. _said, error.GetAwaiter().GetResult()]));
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

    private static string? Read(StreamReader reader) => reader.ReadLineAsync().WaitAsync(Deadline).GetAwaiter().GetResult();
}
