using System.ComponentModel;
using System.Diagnostics;
using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Runs iptables-restore and iptables-save, each once and never through a shell. The child inherits the network namespace of the thread that starts it.
/// </summary>
internal sealed class FirewallTool(FirewallBackend backend, int ipVersion, NetworkNamespace? networkNamespace)
{
    internal const string Package = "iptables";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string[] SystemDirectories = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

    internal int IpVersion => ipVersion;

    internal FirewallBackend Backend => backend;

    private string Prefix => (ipVersion == 4 ? "iptables" : "ip6tables") + backend switch
    {
        FirewallBackend.Legacy => "-legacy",
        FirewallBackend.Nft => "-nft",
        _ => "",
    };

    /// <summary>Applies an iptables-restore text on top of what is there; one table of it is applied whole or not at all.</summary>
    internal void Restore(string rules) => Run($"{Prefix}-restore", ["-w", "--noflush"], rules);

    /// <summary>All tables that exist, with counters. Asking for a table by name would create it.</summary>
    internal string Save() => Run($"{Prefix}-save", ["-c"], null);

    internal bool IsInstalled() => Find($"{Prefix}-save") is not null;

    private static string? Find(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Where(directory => directory.StartsWith('/')).Concat(SystemDirectories)
        .Select(directory => Path.Combine(directory, tool)).FirstOrDefault(File.Exists);

    private string Run(string tool, string[] arguments, string? input)
    {
        string path = Find(tool) ?? throw new MissingToolException(tool, Package);
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
        string? lockFile = LockFile();
        if (lockFile is not null)
        {
            start.Environment["XTABLES_LOCKFILE"] = lockFile;
        }

        using Process process = networkNamespace is null ? Start(start) : networkNamespace.Run(() => Start(start));
        try
        {
            return Converse(process, $"{tool} {string.Join(' ', arguments)}", input);
        }
        finally
        {
            if (lockFile is not null)
            {
                File.Delete(lockFile);
            }
        }
    }

    /// <summary>Deaf to Ctrl-C: the rules must not be half there, and our own tear-down after a second one needs the tool to its end.</summary>
    internal static Process Start(ProcessStartInfo start)
    {
        using SignalMask mask = SignalMask.Block();
        try
        {
            return Process.Start(start) ?? throw new MissingToolException(start.FileName, Package);
        }
        catch (Win32Exception exception)
        {
            throw new MissingToolException(start.FileName, Package, exception);
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

    /// <summary>
    /// A lock file of our own where /run can't be written (a user namespace): iptables-legacy insists on one. It then only keeps our own calls apart, and
    /// nobody else can change that namespace's tables but the same user.
    /// </summary>
    private string? LockFile()
    {
        if (backend == FirewallBackend.Nft)
        {
            return null;
        }

        const string Usual = "/run/xtables.lock";
        try
        {
            using FileStream probe = File.Open(Usual, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Path.Combine(Path.GetTempPath(), $"interceptor-xtables-{Libc.geteuid()}-{Environment.ProcessId}.lock");
        }
    }
}
