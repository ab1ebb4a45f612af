using System.Diagnostics;
using System.Text;
using Interceptor.Interop;
using Xunit;

namespace Interceptor.Testing;

/// <summary>What a child process left: its exit code, standard output and standard error.</summary>
public sealed record ChildResult(int ExitCode, string Output, string Error);

/// <summary>Child processes of tests, with a deadline: one that does not end by then is killed and fails the test.</summary>
public static class ChildProcess
{
    private static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(30);

    /// <summary>Runs a program inside the namespace to its end.</summary>
    public static ChildResult Run(NetworkNamespace network, string program, params string[] arguments) =>
        Run(network, DefaultDeadline, program, arguments);

    /// <summary>Runs a program to its end, inside the namespace or, with null, where the test runs.</summary>
    public static ChildResult Run(NetworkNamespace? network, TimeSpan deadline, string program, params string[] arguments)
    {
        using Process process = Start(network, program, arguments);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(deadline))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end within {deadline.TotalSeconds} s; output: {output.Result} error: {error.Result}");
        }

        return new ChildResult(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Starts a program with redirected streams; the caller ends and disposes it.</summary>
    public static Process Start(NetworkNamespace? network, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        Process? process = network is null ? Process.Start(start) : network.Run(() => Process.Start(start));
        return process ?? throw new InvalidOperationException($"{program} did not start.");
    }
}
