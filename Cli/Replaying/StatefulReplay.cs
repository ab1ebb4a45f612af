using System.CommandLine;
using System.Text.RegularExpressions;
using Interceptor.Capture;
using Interceptor.Cli.Output;
using Interceptor.Replay;
using Interceptor.Replay.Stateful;

namespace Interceptor.Cli.Replaying;

/// <summary><c>interceptor replay FILE --to HOST[:PORT]</c> and <c>--as-server</c>: reads the conversations, plays them, and judges.</summary>
internal static class StatefulReplay
{
    /// <param name="parsed">The command line.</param>
    /// <param name="arguments">Its options for this.</param>
    /// <param name="options">What the options of all replays say.</param>
    /// <param name="path">The capture.</param>
    /// <param name="context">Where to write, and when to stop.</param>
    internal static int Run(ParseResult parsed, StatefulArguments arguments, ReplayOptions options, string path, CommandContext context)
    {
        try
        {
            return ReadAndPlay(parsed, arguments, options, path, context);
        }
        catch (RegexMatchTimeoutException exception)
        {
            throw new IOException($"a mask takes too long to match: {exception.Pattern}. Write one that backtracks less.", exception);
        }
    }

    private static int ReadAndPlay(ParseResult parsed, StatefulArguments arguments, ReplayOptions options, string path, CommandContext context)
    {
        StatefulReplayOptions how = arguments.ReadOptions(parsed, options);
        ConversationSelection selection = arguments.ReadSelection(parsed, options);
        using ReplayCapture capture = ReplayCapture.Open(path, options.Filter, around: null, context.Signals.Token);
        using ConversationSet set = Read(capture, selection, context);
        var printer = new StatefulPrinter(context.Output, arguments.IsVerbose(parsed), selection.AsClient);
        printer.TellLeftOut(set);
        if (set.Scripts.Count == 0)
        {
            return ConcludeNothing(set, selection, path, context.Output);
        }

        if (parsed.GetValue<bool>("--dry-run"))
        {
            printer.TellScripts(set);
            return set.Damage is { } broken ? Conclude(broken, context.Output) : ExitCode.Done;
        }

        how = arguments.Resolve(parsed, how, prefersIpv4: set.Scripts[0].Server.Address.IsIpv4);
        return Play(set, how, selection, printer, context);
    }

    private static ConversationSet Read(ReplayCapture capture, ConversationSelection selection, CommandContext context)
    {
        using IPacketSource source = capture.OpenNext();
        long packets = 0;
        using (new ProgressLine(context.Output.Error, () => Counted.Of(Volatile.Read(ref packets), "packet") + " read"))
        {
            ConversationSet set = ConversationReader.Read(source, selection, read => Volatile.Write(ref packets, read), context.Signals.Token);
            capture.CheckFilter();
            return set;
        }
    }

    private static int Play(ConversationSet set, StatefulReplayOptions how, ConversationSelection selection, StatefulPrinter printer, CommandContext context)
    {
        var replayer = new StatefulReplayer(set.Scripts, how, printer);
        StatefulReplayReport report = replayer.Report;
        string Counters() => StatefulSummary.Counters(report);
        context.Signals.StatisticsRequested += () => context.Output.Warn(Counters());
        using (var progress = new ProgressLine(context.Output.Error, Counters, () => report.Total == 0 ? null : (double)(report.Connections - report.Open) / report.Total))
        {
            context.Output.ClearLine = progress.Clear;
            try
            {
                replayer.Run(context.Signals.Token);
            }
            finally
            {
                context.Output.ClearLine = null;
            }
        }

        StatefulSummary.Write(report, set, selection.AsClient, context.Output);
        context.Output.Flush();
        TellReservations(report, how, selection, context.Output);
        int code = CodeOf(report, context.Signals.Stopped, selection.AsClient, context.Output);
        return set.Damage is { } damage ? Conclude(damage, context.Output) : code;
    }

    private static void TellReservations(StatefulReplayReport report, StatefulReplayOptions how, ConversationSelection selection, CommandOutput output)
    {
        if (report.RepairFailure is { } reason && how.UsesRepair && selection.AsClient)
        {
            output.Warn(Printable.Escape($"the captured sequence numbers were not used: {reason}; setting them needs CAP_NET_ADMIN. --no-repair says that they are not wanted."));
        }

        if (report.OtherPorts > 0)
        {
            output.Warn($"{Counted.Of(report.OtherPorts, "connection")} could not have the captured client port: another one was used.");
        }
    }

    private static int CodeOf(StatefulReplayReport report, bool wasStopped, bool asClient, CommandOutput output)
    {
        if (report.Opened == 0)
        {
            if (wasStopped)
            {
                output.Warn("interrupted before a connection was played.");
                return ExitCode.Interrupted;
            }

            output.Warn(asClient ? "no connection could be opened: is the server there?" : "no client came.");
            return ExitCode.Failed;
        }

        if (report.Divergences > 0)
        {
            return ExitCode.Differences;
        }

        if (report.Matched == 0)
        {
            output.Warn("no connection was played to its end.");
            return wasStopped ? ExitCode.Interrupted : ExitCode.Failed;
        }

        return ExitCode.Done;
    }

    private static int ConcludeNothing(ConversationSet set, ConversationSelection selection, string path, CommandOutput output)
    {
        string why = set switch
        {
            { Packets: 0, Damage: { } damage } => damage.Message.TrimEnd('.'),
            { Packets: 0 } => "it holds no packet",
            { Segments: 0 } when set.NotMatching == set.Packets => $"none of its {set.NotMatching} packets matches the filter",
            { Segments: 0 } => $"there is no TCP among its {Counted.Of(set.Packets, "packet")}",
            { Skipped.Count: 0 } => $"it has no connection {string.Join(", ", selection.Ids.Order())}: there are {set.Connections}",
            _ => $"none of {Counted.Of(set.Skipped.Count, "connection")} can be: {set.Skipped[0].Reason}" + (set.Skipped.Count > 1 ? ", and others" : ""),
        };
        output.Flush();
        string message = $"{path}: no connection was played: {why}.";
        output.EndWithSummary(message);
        output.Warn(Printable.Escape(message));
        bool isChoice = set.Segments == 0 ? set.NotMatching > 0 : set.Skipped.Count == 0;
        return isChoice && set.Damage is null ? ExitCode.Failed : ExitCode.BadInput;
    }

    private static int Conclude(CaptureFileException damage, CommandOutput output)
    {
        output.Warn(Printable.Escape($"{damage.Message} What comes before was played."));
        return CommandRunner.CodeOf(damage);
    }
}
