using System.ComponentModel;
using System.Diagnostics;
using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>Runs one of the firewall's programs to its end, with its arguments as a vector and its script on standard input: never through a shell.</summary>
internal static class FirewallCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string[] SystemDirectories = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

    /// <summary>Where a program is; null where it is not installed.</summary>
    internal static string? Find(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Where(directory => directory.StartsWith('/')).Concat(SystemDirectories)
        .Select(directory => Path.Combine(directory, tool)).FirstOrDefault(File.Exists);

    /// <summary>What a program wrote to standard output.</summary>
    /// <param name="tool">Its name.</param>
    /// <param name="package">The Debian package that has it.</param>
    /// <param name="arguments">Each as it is.</param>
    /// <param name="input">What it reads; null for nothing.</param>
    /// <param name="networkNamespace">Where it works; null is the calling thread's.</param>
    /// <param name="environment">Variables beside our own.</param>
    /// <exception cref="MissingToolException">It is not installed.</exception>
    /// <exception cref="FirewallException">It failed, or did not end in 30 s.</exception>
    internal static string Run(
        string tool, string package, string[] arguments, string? input, NetworkNamespace? networkNamespace, params (string Name, string Value)[] environment)
    {
        string path = Find(tool) ?? throw new MissingToolException(tool, package);
        var start = new ProcessStartInfo(path)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LC_ALL"] = "C";
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = networkNamespace is null ? Start(start, package) : networkNamespace.Run(() => Start(start, package));
        return Converse(process, $"{tool} {string.Join(' ', arguments)}", input);
    }

    /// <summary>Deaf to Ctrl-C: the rules must not be half there, and our own tear-down after a second one needs the tool to its end.</summary>
    internal static Process Start(ProcessStartInfo start, string package)
    {
        using SignalMask mask = SignalMask.Block();
        try
        {
            return Process.Start(start) ?? throw new MissingToolException(start.FileName, package);
        }
        catch (Win32Exception exception)
        {
            throw new MissingToolException(start.FileName, package, exception);
        }
    }

    private static string Converse(Process process, string command, string? input)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it had read everything: its status and its words say why.
        }

        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            process.WaitForExit();
            throw new FirewallException(command, -1, $"it did not end within {Patience.TotalSeconds:0} s (does another program hold the xtables lock?)");
        }

        process.WaitForExit();
        return process.ExitCode == 0
            ? output.GetAwaiter().GetResult()
            : throw new FirewallException(command, process.ExitCode, error.GetAwaiter().GetResult());
    }
}
