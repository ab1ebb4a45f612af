using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Commands;
using Interceptor.Cli.Output;

namespace Interceptor.Cli;

/// <summary>
/// A second process that removes our firewall rules when this one is killed with SIGKILL, or could not remove them itself: it waits at the end of a pipe that the kernel closes
/// then. It is started before the rules are, in the network namespace of the calling thread.
/// <para>Threads: the one that makes it disposes it.</para>
/// </summary>
internal sealed class RuleGuard : IDisposable
{
    private readonly CommandOutput _output;
    private readonly Process? _process;
    private InterceptSession? _session;

    private RuleGuard(CommandOutput output, Process? process)
    {
        _output = output;
        _process = process;
    }

    /// <summary>Starts it. Where that is not possible it says so, and what to do after a crash.</summary>
    internal static RuleGuard Start(CommandOutput output)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath ?? "interceptor")
        {
            RedirectStandardInput = true,

            // For one byte; besides, whoever reads what this process prints shall not wait for the guard.
            RedirectStandardOutput = true,
        };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(RuleGuard).Assembly.Location);
        }

        start.ArgumentList.Add(GuardCommand.Name);
        start.ArgumentList.Add(FirewallOwner.Current.ProcessId.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add(FirewallOwner.Current.StartTime.ToString(CultureInfo.InvariantCulture));
        try
        {
            return new RuleGuard(output, Process.Start(start));
        }
        catch (Exception exception) when (exception is Win32Exception or IOException)
        {
            Warn(output, Printable.Escape(exception.Message));
            return new RuleGuard(output, null);
        }
    }

    /// <summary>Returns when it is on guard, and no signal to our process group ends it any more; what takes time may be done before.</summary>
    internal void AwaitReady()
    {
        if (_process is not null && _process.StandardOutput.BaseStream.ReadByte() != GuardCommand.Ready)
        {
            Warn(_output, "it ended at once");
        }
    }

    /// <summary>Whose rules they are: it is to be disposed before this.</summary>
    internal void Protects(InterceptSession session) => _session = session;

    /// <summary>The guard may go if the rules are gone; else, and where they may never have been, it looks itself.</summary>
    public void Dispose()
    {
        if (_process is null)
        {
            return;
        }

        try
        {
            if (_session is { HasRules: false })
            {
                _process.StandardInput.BaseStream.Write([GuardCommand.AllClear]);
            }

            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is gone already.
        }

        _process.Dispose();
    }

    private static void Warn(CommandOutput output, string reason) =>
        output.Warn($"there is no guard ({reason}): if this process is killed with SIGKILL, its rules stay until: interceptor cleanup");
}
