using System.Diagnostics;

namespace Interceptor.Testing;

/// <summary>What a run of the tool left behind.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record CliResult(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output, line by line, without the last empty one.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Everything, for a failure's message.</summary>
    public override string ToString() => $"exit code {ExitCode}\nstdout:\n{Output}\nstderr:\n{Error}";
}

/// <summary>
/// Runs the built tool as a person would: a process of its own, with arguments as a vector. A process started on a
/// <see cref="Interop.NetworkNamespace"/>'s thread lives in that namespace.
/// </summary>
public static class CliProcess
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>The built tool, beside the tests.</summary>
    public static string AssemblyPath { get; } = Path.Combine(AppContext.BaseDirectory, "interceptor.dll");

    /// <summary>How to start it, with all three streams redirected; the caller starts, reads and waits.</summary>
    public static ProcessStartInfo StartInfo(params IEnumerable<string> arguments)
    {
        var info = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.ArgumentList.Add(AssemblyPath);
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        return info;
    }

    /// <summary>Runs it to its end and gives what it wrote; kills it and fails after a minute.</summary>
    public static CliResult Run(params IEnumerable<string> arguments) => Run([], arguments);

    /// <summary>The same without any capability, whoever runs the tests; needs setpriv.</summary>
    public static CliResult RunWithoutPrivileges(params IEnumerable<string> arguments)
    {
        ProcessStartInfo info = StartInfo(arguments);
        string[] command = ["--bounding-set=-all", "--inh-caps=-all", "--", info.FileName, .. info.ArgumentList];
        info.FileName = "setpriv";
        info.ArgumentList.Clear();
        Array.ForEach(command, info.ArgumentList.Add);
        return Run([], info);
    }

    /// <summary>The same with bytes on standard input.</summary>
    public static CliResult Run(byte[] input, IEnumerable<string> arguments) => Run(input, StartInfo(arguments));

    private static CliResult Run(byte[] input, ProcessStartInfo info)
    {
        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it read everything: its exit code tells.
        }

        if (!process.WaitForExit(Deadline))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"interceptor {string.Join(' ', info.ArgumentList)} did not end within {Deadline.TotalSeconds} s.");
        }

        return new CliResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}
