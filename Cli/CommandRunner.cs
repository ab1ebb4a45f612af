using System.CommandLine;
using Interceptor.Capture;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Interop;
using Interceptor.Replay.Sides;

namespace Interceptor.Cli;

/// <summary>Runs a command's body and turns what it throws into a message on standard error and the exit code of the contract.</summary>
internal static class CommandRunner
{
    /// <summary><c>--json</c>, the same on every command.</summary>
    internal static Option<bool> JsonOption { get; } = new("--json")
    {
        Description = "Print NDJSON on standard output, one object a line.",
        Recursive = true,
    };

    /// <summary>Gives <paramref name="command"/> its body.</summary>
    internal static void SetBody(this Command command, Func<ParseResult, CommandContext, int> body) =>
        command.SetAction(parsed => Run(parsed, body));

    private static int Run(ParseResult parsed, Func<ParseResult, CommandContext, int> body)
    {
        using var signals = new StopSignals();
        using var output = CommandOutput.ForConsole(parsed.GetValue(JsonOption));
        try
        {
            int code = body(parsed, new CommandContext(output, signals));
            output.Flush();
            return code;
        }
#pragma warning disable CA1031 // The outermost frame: every failure becomes a message and an exit code.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Report(exception, parsed, output, signals);
        }
    }

    private static int Report(Exception exception, ParseResult parsed, CommandOutput output, StopSignals signals)
    {
        if (IsClosedPipe(exception))
        {
            return ExitCode.Done;
        }

        if (exception is OperationCanceledException && signals.Stopped)
        {
            const string Interrupted = "interrupted before there was a result.";
            output.EndWithSummary(Interrupted);
            output.Warn(Interrupted);
            return ExitCode.Interrupted;
        }

        int code = CodeOf(exception);
        if (code != ExitCode.Usage)
        {
            output.EndWithSummary(exception.Message);
        }

        output.Warn(Printable.Escape(exception.Message));
        if (FilterWords.HintAt(exception, parsed) is { } hint)
        {
            output.Warn(Printable.Escape(hint));
        }

        if (code == ExitCode.Failed && IsBug(exception))
        {
            output.Error.WriteLine(exception.StackTrace);
        }

        return code;
    }

    /// <summary>The exit code that the contract gives a failure.</summary>
    internal static int CodeOf(Exception exception) => exception switch
    {
        UsageException or Filters.FilterSyntaxException or Tcp.Breakpoints.BreakpointSyntaxException => ExitCode.Usage,
        MissingFeatureException or DllNotFoundException => ExitCode.Missing,
        LinuxException { IsPermission: true } or UnauthorizedAccessException => ExitCode.Missing,
        MissingToolException or FirewallUnavailableException or FirewallException { IsPermission: true } => ExitCode.Missing,
        CaptureFileException { InnerException: UnauthorizedAccessException or LinuxException { IsPermission: true } } => ExitCode.Missing,
        CaptureFileException { Fault: CaptureFileFault.Unwritable or CaptureFileFault.Unsupported } => ExitCode.Failed,
        CheckpointException { InnerException: UnauthorizedAccessException } => ExitCode.Missing,
        SideFileException { InnerException: UnauthorizedAccessException } => ExitCode.Missing,
        CaptureFileException or SideFileException or CheckpointException { Failure: CheckpointFailure.BadImage } => ExitCode.BadInput,
        _ when exception.InnerException is { } inner => CodeOf(inner),
        _ => ExitCode.Failed,
    };

    private static bool IsBug(Exception exception) =>
        exception is NullReferenceException or InvalidOperationException or ArgumentException or IndexOutOfRangeException or InvalidCastException;

    private static bool IsClosedPipe(Exception exception) =>
        exception is IOException { HResult: Errno.EPIPE } or LinuxException { Errno: Errno.EPIPE };
}
