using System.CommandLine;
using Interceptor.Capture.Intercept;
using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary>
/// What a <see cref="RuleGuard"/> runs: not for people, and not listed. Waits for the end of standard input, and if it came without <see cref="AllClear"/> removes the firewall
/// rules of the process that wrote there.
/// </summary>
internal static class GuardCommand
{
    internal const string Name = "guard";

    /// <summary>The one byte that says that nothing is left to remove.</summary>
    internal const byte AllClear = (byte)'.';

    /// <summary>What it writes when signals no longer end it.</summary>
    internal const byte Ready = (byte)'+';

    private static readonly Argument<int> ProcessId = new("pid");
    private static readonly Argument<ulong> StartTime = new("start-time");

    internal static Command Create()
    {
        var command = new Command(Name, "Removes the firewall rules of a process that was killed.") { ProcessId, StartTime };
        command.Hidden = true;
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        // Ctrl-C is for the process that is guarded, and a signal to its whole group is, too.
        ProcessSession.Begin();
        using (Stream output = Console.OpenStandardOutput())
        {
            output.WriteByte(Ready);
        }

        using Stream input = Console.OpenStandardInput();
        if (input.ReadByte() == AllClear)
        {
            return ExitCode.Done;
        }

        var owner = new FirewallOwner(parsed.GetValue(ProcessId), parsed.GetValue(StartTime), null);
        FirewallCleanupReport report = FirewallCleanup.RemoveOwner(owner);
        if (report.Removed.Count > 0)
        {
            context.Output.Warn($"process {owner.ProcessId} ended without removing its firewall rules: they are removed now ({report.Removed.Count} chains).");
        }

        return ExitCode.Done;
    }
}
