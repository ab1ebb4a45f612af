using System.Diagnostics;
using System.Globalization;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>A running <c>interceptor capture</c>. Every wait has a deadline; what still runs at the end is killed.</summary>
internal sealed class CaptureRun : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly Process _process;

    private CaptureRun(Process process) => _process = process;

    /// <summary>Starts it in a namespace, or with null where the test runs, and waits until it listens on so many interfaces.</summary>
    internal static async Task<CaptureRun> Start(NetworkNamespace? where, int interfaces, params string[] arguments)
    {
        var run = new CaptureRun(ChildProcess.Start(where, "dotnet", [CliProcess.AssemblyPath, "capture", .. arguments]));
        for (int i = 0; i < interfaces; i++)
        {
            Assert.StartsWith("listening on", await run.ReadError(), StringComparison.Ordinal);
        }

        return run;
    }

    /// <summary>The number of its process, as text.</summary>
    internal string ProcessId => _process.Id.ToString(CultureInfo.InvariantCulture);

    internal Task<string> ReadError() => ReadLine(_process.StandardError);

    internal Task<string> ReadOutput() => ReadLine(_process.StandardOutput);

    internal async Task<CliResult> Interrupt()
    {
        ChildResult sent = ChildProcess.Run(null, TimeSpan.FromSeconds(5), "kill", "-INT", ProcessId);
        Assert.Equal(0, sent.ExitCode);
        return await End();
    }

    internal async Task<CliResult> End()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Task<string> output = _process.StandardOutput.ReadToEndAsync(cancellation);
        Task<string> error = _process.StandardError.ReadToEndAsync(cancellation);
        await _process.WaitForExitAsync(cancellation).WaitAsync(Deadline, cancellation);
        return new CliResult(_process.ExitCode, await output, await error);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private static async Task<string> ReadLine(StreamReader reader) =>
        await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Deadline) ?? throw new EndOfStreamException("It ended.");
}
